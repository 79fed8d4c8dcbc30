"""`perdure verify`: do the versions that are out there fit the schema as it will be?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.database import Json, opened
from perdure.cli.late import digests, end_on_problems, on_database
from perdure.cli.past import (
    Past,
    deployed,
    folder,
    locked,
    of_version,
    released,
)
from perdure.cli.project import (
    Directory,
    fail,
    find_project,
    opened_compiler,
    usable_state,
)
from perdure.cli.revisions import as_committed

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.diagnostics import Diagnostic
    from perdure.engine.database import Database
    from perdure.engine.inflight import Connection
    from perdure.pipeline import Compiler, Unit
    from perdure.release.late import ChangedUse
    from perdure.release.verify import Finding
    from perdure.source import Source

_SHOWN_RUNS = 5
_SCHEMA = "WF51"
"""How the codes begin of statements that don't fit the schema."""

_SINCE = "since it was compiled"
_NOW = "under the project's schema"


def verify(
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="REV",
            help="Verify the versions released at a git revision; errors are what was "
            "good under its schema.",
            show_default=False,
        ),
    ] = None,
    db: Annotated[
        str | None,
        typer.Option(
            "--db",
            "--database-url",
            metavar="URL",
            help="Verify the versions deployed in a database, or embedded, with their "
            "runs in flight; errors are what is good under its schema.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    directory: Directory = Path(),
) -> None:
    """Describe the SQL of released versions again, under the project's schema.

    What a run in flight still needs and a migration takes away is an error before it
    is deployed. Exits with 1 on errors.
    """
    from perdure.release.verify import render_json
    from perdure.release.verify_text import render_text

    if against is not None and db is not None:
        fail("--against and --db exclude each other", "verify twice, once with each")
    config = find_project(directory)
    with ExitStack() as stack:
        case = stack.enter_context(_case(config, against, db))
        compiler = stack.enter_context(opened_compiler(config, remember=False))
        end_on_problems(compiler)
        findings = _findings(case, compiler)
    count = len(case.versions)
    render = render_json if json else render_text
    typer.echo(render(findings, count), nl=False)
    raise typer.Exit(1 if any(e.severity == "error" for e in findings) else 0)


_Runs = Mapping[str, Mapping[str, Mapping[str, str]]]


@dataclass(slots=True)
class _Case:
    """What is verified: versions, and the schema that they fit so far, if known.

    `runs` are those in flight and the states of their nodes, by version; None where no
    database was named. `failed` are those that failed and may be retried. `current` are
    the versions in force once all is deployed, `current_before` those at the revision;
    `pending` are the migrations that put versions in force and are not deployed.
    """

    config: Config
    versions: list[Past]
    before: Config | None = None
    runs: _Runs | None = None
    current: set[str] = field(default_factory=set)
    failed: _Runs = field(default_factory=dict)
    current_before: set[str] | None = None
    pending: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def _case(config: Config, against: str | None, db: str | None) -> Iterator[_Case]:
    """Give what is to be verified against what."""
    own = locked(config)
    current = _current(config)
    if db is not None:
        with opened(db, config) as database:  # the embedded one runs for so long
            yield _of_database(config, own, current, database)
    elif against is not None:
        with folder() as place:
            then = as_committed(config, against, place)
            own, was = locked(then), _current(then)
            yield _Case(config, own, then, None, current, current_before=was)
    else:
        yield _Case(config, own, None, None, current)


def _of_database(
    config: Config, own: list[Past], current: set[str], database: Database
) -> _Case:
    from perdure.engine.database import connect
    from perdure.engine.deploy import current_versions
    from perdure.engine.inflight import failed_runs, open_runs, registered

    with connect(database.url, database.origin) as connection:
        flying, failed = open_runs(connection), failed_runs(connection)
        there = deployed(registered(connection), own, config.target, flying)
        runs = _with_states(connection, config, there, flying)
        may_be_retried = _to_retry(_with_states(connection, config, there, failed))
        before = on_database(config, database)
        in_force = current_versions(connection)
    known = {key.partition("@")[0] for key in current}
    others = {  # what the project does not know is in force as deployed
        f"{name}@{version}" for name, version in in_force.items() if name not in known
    }
    now = {f"{name}@{version}" for name, version in in_force.items()}
    pending = {key: file for key, file in _ways_back(config) if key not in now}
    current = current | others
    return _Case(config, there, before, runs, current, may_be_retried, pending=pending)


def _with_states(
    connection: Connection,
    config: Config,
    versions: Sequence[Past],
    runs: Mapping[str, Sequence[str]],
) -> dict[str, dict[str, dict[str, str]]]:
    """Return the runs of versions with the states of their nodes, by version."""
    from perdure.engine.inflight import states

    found = {}
    for each in versions:
        ids = runs.get(each.key, ())
        known_nodes = config.target == "perdure"  # else nodes have other numbers
        states_of = states(connection, ids) if known_nodes else {}
        found[each.key] = states_of or {run: {} for run in ids}
    return found


def _to_retry(failed: _Runs) -> _Runs:
    """Return failed runs with the nodes that a retry does not execute again."""
    return {
        key: {
            run: {node: state for node, state in nodes.items() if state == "completed"}
            for run, nodes in runs.items()
        }
        for key, runs in failed.items()
    }


def _current(config: Config) -> set[str]:
    return {each.key for each in released(config).lock.in_force}


def _ways_back(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the versions that rollbacks lead to, with the migrations that do it."""
    found = released(config)
    for each in found.lock.changes:
        if each.kind == "rollback":
            yield f"{each.workflow}@{each.to}", found.files[each.key]


def misfits(config: Config, versions: Mapping[str, Past], key: str) -> list[Finding]:
    """Return what of one of the lock's versions does not fit the project's schema.

    Raises EngineError where that can't be found out.
    """
    from perdure.engine.errors import EngineError
    from perdure.pipeline import open_compiler

    state = usable_state(config)
    with open_compiler(config, remember=False, state_dir=state) as compiler:
        for problem in (*compiler.problems, *compiler.catalog.problems()):
            raise EngineError(problem.message)
        case = _Case(config, list(versions.values()))
        found = _of_version(case, versions[key], compiler, None)
    return [each for each in found if each.kind == "broken"]


# --- what is wrong ------------------------------------------------------------------


def _findings(case: _Case, compiler: Compiler) -> list[Finding]:
    found: list[Finding] = []
    with ExitStack() as stack:
        base: Compiler | None = None
        if case.before is not None:
            state = usable_state(case.config)
            base = stack.enter_context(
                opened_compiler(case.before, remember=False, state_dir=state)
            )
            end_on_problems(base)
        for version in case.versions:
            found += _of_version(case, version, compiler, base)
    return sorted(found, key=lambda e: (e.severity, e.workflow, e.version))


def _of_version(
    case: _Case, version: Past, compiler: Compiler, base: Compiler | None
) -> list[Finding]:
    after, sources = _compiled(compiler, case, version)
    was: Unit | None = None
    if base is not None:
        was, _ = _compiled(base, case, version)
    known = {_message(each) for each in _errors(was)}
    found = [
        _broken(case, version, each, sources, _message(each) in known)
        for each in _errors(after)
    ]
    if after is not None and was is not None and after.ir and was.ir:
        found += _types(case, version, was, after, sources)
    return [*found, *_late(case, version, compiler, base, was)]


def _compiled(
    compiler: Compiler, case: _Case, version: Past
) -> tuple[Unit | None, dict[str, Source]]:
    with folder() as place:
        return of_version(compiler, compiler.config, version, case.versions, place)


def _errors(unit: Unit | None) -> list[Diagnostic]:
    findings = unit.findings if unit else ()
    return [each for each in findings if each.severity == "error"]


def _message(each: Diagnostic) -> tuple[object, ...]:
    return (each.code, each.message, each.span)


def _broken(
    case: _Case,
    version: Past,
    error: Diagnostic,
    sources: Mapping[str, Source],
    before: bool,
) -> Finding:
    from perdure.release.verify import Finding, step_at

    place, step, path = None, None, None
    if error.span is not None and error.span.path in sources:
        line = sources[error.span.path].position(error.span.start)[0]
        place = f"{error.span.path}:{line}"
        node = step_at(version.places, error.span.path, line)
        if node is not None:
            step, path = node.name or node.path, node.path
    runs, notes, needed = _needed(case, version, [path] if path else None)
    serious = needed and not (before and _excused(case, version, error))
    told = "it was not good before, either" if before else None
    return Finding(
        "error" if serious else "warning",
        "broken-before" if before else "broken",
        version.workflow,
        version.version,
        error.message,
        error.code,
        step,
        place,
        runs,
        tuple(filter(None, (*notes, told))),
        _advice(case, version, before) if serious else None,
    )


def _excused(case: _Case, version: Past, error: Diagnostic) -> bool:
    """Say whether what was wrong before may stay as it is.

    With a database it may not where a statement can't run there: that the version is
    needed is known. What else is wrong may be for a compiler that is stricter.
    """
    if case.runs is not None:
        return not error.code.startswith(_SCHEMA)
    before = case.current_before
    return before is None or version.key in before or version.key not in case.current


def _advice(case: _Case, version: Past, before: bool) -> str:
    if before and version.key in case.current:
        return "mend the schema, or compile a version that fits, and deploy it"
    if before:
        move = (
            "take the runs that wait to a version that fits (perdure move RUN --to N), "
            "or end them (perdure cancel RUN)"
        )
        only = "end its runs (perdure cancel RUN)"
        return (
            f"mend the schema, or {move if case.config.target == 'perdure' else only}"
        )
    if version.key in case.current:
        return "compile a version that fits, and deploy it before the change of schema"
    return (
        "change the schema once its runs have ended (perdure versions shows them) and "
        f"it is retired: perdure retire {version.key}"
    )


def _needed(
    case: _Case, version: Past, paths: Sequence[str] | None
) -> tuple[tuple[str, ...], list[str], bool]:
    """Return the runs that still come to steps, what to say, and if one is needed."""
    current = version.key in case.current
    notes = []
    if current:
        file = case.pending.get(version.key)
        later = f"new runs will start with it once {file} is applied"
        notes.append(later if file else "new runs start with this version")
    if case.runs is None:
        return (), notes or ["it may have runs; --db URL tells"], True
    states = case.runs.get(version.key, {})
    coming = _coming(version, paths, states)
    if coming:
        verb = "run still comes" if len(coming) == 1 else "runs still come"
        notes.append(f"{len(coming)} {verb} to it: {_listed(coming)}")
    elif states:
        notes.append("no run in flight comes to it any more")
    else:
        notes.append("no run of it is in flight")
    retried = _coming(version, paths, case.failed.get(version.key, {}))
    if retried:
        verb = "failed run comes" if len(retried) == 1 else "failed runs come"
        notes.append(
            f"{len(retried)} {verb} to it if retried, and would fail there: "
            f"{_listed(retried)}"
        )
    return tuple(coming), notes, current or bool(coming)


def _coming(
    version: Past, paths: Sequence[str] | None, runs: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Return the runs that may still come to one of the steps; without any, all."""
    from perdure.release.verify import comes_to

    return [
        run
        for run, nodes in runs.items()
        if paths is None or any(comes_to(e, version.places, nodes) for e in paths)
    ]


def _listed(runs: Sequence[str]) -> str:
    more = len(runs) - _SHOWN_RUNS
    return ", ".join(runs[:_SHOWN_RUNS]) + (f" and {more} more" if more > 0 else "")


def _types(
    case: _Case,
    version: Past,
    was: Unit,
    after: Unit,
    sources: Mapping[str, Source],
) -> list[Finding]:
    from perdure.release.verify import Finding, other_types, step_at

    assert was.ir is not None
    assert after.ir is not None
    found = []
    for step, text in other_types(was.ir, after.ir):
        span = step.statement.span or step.head.span
        known = span.path in sources
        line = sources[span.path].position(span.start)[0] if known else 0
        node = step_at(version.places, span.path, line)
        path = node.path if node else step.head.path
        runs, notes, _ = _needed(case, version, [path])
        place = f"{node.file}:{node.line}" if node and node.file else None
        name = step.head.name or step.head.path
        found.append(
            Finding(
                "warning",
                "type",
                version.workflow,
                version.version,
                f"{text}; later steps read it as what it was",
                step=name,
                place=place,
                runs=runs,
                notes=tuple(notes),
            )
        )
    return found


def _late(
    case: _Case,
    version: Past,
    compiler: Compiler,
    base: Compiler | None,
    was: Unit | None,
) -> list[Finding]:
    """Find functions and views that are another thing under the project's schema."""
    from perdure.release.late import changed_names
    from perdure.uses import step_uses

    unit = was
    if unit is None:
        unit, _ = _compiled(compiler, case, version)
    steps: dict[str, dict[str, str]] = {}
    used: dict[str, str] = {}
    if unit is not None and unit.ir is not None:
        for each in step_uses(unit.ir, (base or compiler).catalog):
            steps.setdefault(each.use.name, {})[each.path] = each.step
            used[each.use.name] = each.use.digest
    now = digests(compiler)
    key, recorded = (version.workflow, version.version), dict(version.uses)
    found = []
    if base is None:
        found = [(each, _SINCE) for each in changed_names(*key, recorded, now)]
    elif case.runs is not None:
        there = changed_names(*key, recorded, digests(base))
        found = [(each, _SINCE) for each in there]
    if base is not None:
        found += [(each, _NOW) for each in changed_names(*key, used, now)]
    return [
        _late_finding(case, version, use, when, steps.get(use.name, {}))
        for use, when in found
    ]


def _late_finding(
    case: _Case,
    version: Past,
    use: ChangedUse,
    when: str,
    steps: Mapping[str, str],
) -> Finding:
    """Tell of one; `steps` are the names of those that use it, by their paths."""
    from perdure.release.verify import Finding

    runs, notes, _ = _needed(case, version, list(steps) or None)
    became = "is gone" if use.change == "gone" else "has another definition"
    return Finding(
        "warning",
        "late-binding",
        version.workflow,
        version.version,
        f"uses {use.name}, which {became} {when}",
        step=", ".join(steps.values()) or None,
        runs=runs,
        notes=tuple(notes),
        advice="steps find it when they run: check that it still does what they need",
    )
