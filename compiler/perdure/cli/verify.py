"""`perdure verify`: do the versions that are out there fit the schema as it will be?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
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
    started,
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
    from perdure.pipeline import Compiler, Unit
    from perdure.release.late import ChangedUse
    from perdure.release.verify import Finding
    from perdure.release.verify_needs import Needs
    from perdure.source import Source

_SCHEMA = ("WF51", "WF52")
"""How the codes begin of statements that don't fit the schema."""

_NO_DEFAULT = "WF520"
"""That of an insert which a default of a column would do for."""

_SURE = (*_SCHEMA, "WF242", "WF243")
"""How those begin of what can't run, be it for the schema or the version called."""

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


@dataclass(frozen=True, slots=True)
class _Case:
    """What is verified: versions, who needs them, and the schema that they fit so far.

    `known` are all versions, those that others start among them. `now` are the versions
    that new runs come to once all is deployed, `then` those at the revision, if there
    is one, and `released` those that its lock has, with their digests.
    """

    config: Config
    versions: list[Past]
    known: list[Past]
    needs: Needs
    before: Config | None = None
    then: set[str] | None = None
    released: set[tuple[str, str]] | None = None

    @property
    def now(self) -> set[str]:
        """The versions in force, and those that they start."""
        from perdure.release.verify_needs import reached

        return reached(self.needs.current, self.needs.starts)


@contextmanager
def _case(config: Config, against: str | None, db: str | None) -> Iterator[_Case]:
    """Give what is to be verified against what."""
    from perdure.release.verify_needs import reached

    own = locked(config)
    if db is not None:
        with opened(db, config) as database:  # the embedded one runs for so long
            yield _of_database(config, own, database)
    elif against is not None:
        with folder() as place:
            before = as_committed(config, against, place)
            known = locked(before)
            then = reached(_current(before), _starts(known))
            there = {(each.key, each.digest) for each in known}
            yield _Case(config, own, own, _needs(config, own), before, then, there)
    else:
        yield _Case(config, own, own, _needs(config, own))


def _needs(config: Config, versions: list[Past]) -> Needs:
    from perdure.release.verify_needs import Needs

    places = {each.key: each.places for each in versions}
    return Needs(places, _starts(versions), _current(config))


def _starts(versions: list[Past]) -> dict[str, dict[str, Sequence[str] | None]]:
    """Return which versions each one starts; the nodes that do are not known here."""
    return {
        each.key: {f"{name}@{n}": None for name, n in (each.calls or {}).items()}
        for each in versions
    }


def _of_database(config: Config, own: list[Past], database: Database) -> _Case:
    from perdure.cli.ahead import starting_nodes, with_reach
    from perdure.engine.database import connect
    from perdure.engine.deploy import current_versions
    from perdure.engine.inflight import failed_runs, open_runs, registered

    with connect(database.url, database.origin) as connection:
        flying, failed = open_runs(connection), failed_runs(connection)
        registry = registered(connection)
        there = deployed(registry, own, config.target, flying)
        known = list({each.key: each for each in [*own, *there]}.values())
        starts = _starts(known)
        for each in registry if config.target == "perdure" else ():  # as for reach
            runs = (*flying.get(each.key, ()), *failed.get(each.key, ()))
            if each.key in starts:
                starts[each.key].update(starting_nodes(connection, each, runs))
        in_force = current_versions(connection)
        needs = replace(
            _needs(config, known),
            starts=starts,
            current=_in_force(config, in_force),
            runs=with_reach(connection, config, there, flying),
            failed=with_reach(connection, config, there, failed),
            pending=_pending(config, in_force),
        )
        before = on_database(config, database)
    return _Case(config, there, known, needs, before)


def _in_force(config: Config, there: Mapping[str, int]) -> set[str]:
    """Return what is in force once all is deployed.

    Of workflows that the project does not know, it is what the database has.
    """
    current = _current(config)
    known = {key.partition("@")[0] for key in current}
    others = {f"{name}@{n}" for name, n in there.items() if name not in known}
    return current | others


def _current(config: Config) -> set[str]:
    return {each.key for each in released(config).lock.in_force}


def _pending(config: Config, there: Mapping[str, int]) -> dict[str, str]:
    """Return the migrations that put versions in force that the database has not."""
    found = released(config)
    files = {each.key: found.files[each.key] for each in found.lock.entries}
    for change in found.lock.changes:
        if change.kind == "rollback":
            files[f"{change.workflow}@{change.to}"] = found.files[change.key]
    for name, version in there.items():
        files.pop(f"{name}@{version}", None)
    return files


def misfits(config: Config, versions: Mapping[str, Past], key: str) -> list[Finding]:
    """Return what of one of the lock's versions does not fit the project's schema.

    The versions that it starts are part of it. Raises EngineError where that can't be
    found out.
    """
    from perdure.engine.errors import EngineError
    from perdure.pipeline import open_compiler
    from perdure.release.verify_needs import reached

    state = usable_state(config)
    with open_compiler(config, remember=False, state_dir=state) as compiler:
        for problem in (*compiler.problems, *compiler.catalog.problems()):
            raise EngineError(problem.message)
        every = list(versions.values())
        case = _Case(config, every, every, _needs(config, every))
        found = [
            finding
            for each in sorted(reached([key], case.needs.starts) & versions.keys())
            for finding in _of_version(case, versions[each], compiler, None)
        ]
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
    if case.released is not None and (version.key, version.digest) not in case.released:
        base = None  # its own schema is that of the project, and not the one before
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
    told = "\n".join(each.message for each in found)
    for use, finding in _late(case, version, compiler, base, was):
        if use.change != "gone" or use.name not in told:
            found.append(finding)
    return found


def _compiled(
    compiler: Compiler, case: _Case, version: Past
) -> tuple[Unit | None, dict[str, Source]]:
    own = started((version,), case.versions, case.known)
    with folder() as place:
        others = [*case.known, *own]  # of each workflow the last one counts
        return of_version(compiler, compiler.config, version, others, place)


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
    from perdure.release.verify import Finding, steps_at
    from perdure.release.verify_needs import advice

    place, nodes = None, []
    if error.span is not None and error.span.path in sources:
        line = sources[error.span.path].position(error.span.start)[0]
        place = f"{error.span.path}:{line}"
        nodes = steps_at(version.places, error.span.path, line)
    need = case.needs.of(version.key, [each.path for each in nodes] or None)
    serious = need.serious and not (before and _excused(case, version, error))
    by_schema = error.code.startswith(_SCHEMA)
    what_to_do = advice(
        version.key,
        need,
        released(case.config).retiring,
        before=before,
        by_schema=by_schema or (case.before is not None and not before),
        movable=case.config.target == "perdure",
    )
    if error.code == _NO_DEFAULT:
        others = what_to_do.removeprefix("mend the schema, or ")
        what_to_do = f"give what it leaves out a default in the schema, or {others}"
    told = "it was not good before, either" if before else None
    return Finding(
        "error" if serious else "warning",
        "broken-before" if before else "broken",
        version.workflow,
        version.version,
        error.message,
        error.code,
        (nodes[0].name or nodes[0].path) if nodes else None,
        place,
        need.runs,
        tuple(filter(None, (*need.notes, told))),
        what_to_do if serious else None,
    )


def _excused(case: _Case, version: Past, error: Diagnostic) -> bool:
    """Say whether what was wrong before may stay as it is.

    With a database it may not where a step can't run there: that the version is needed
    is known. What else is wrong may be for a compiler that is stricter.
    """
    if case.needs.runs is not None:
        return not error.code.startswith(_SURE)
    then = case.then
    return then is None or version.key in then or version.key not in case.now


def _types(
    case: _Case,
    version: Past,
    was: Unit,
    after: Unit,
    sources: Mapping[str, Source],
) -> list[Finding]:
    from perdure.release.verify import Finding, other_types, steps_at

    assert was.ir is not None
    assert after.ir is not None
    found = []
    for step, text in other_types(was.ir, after.ir):
        span = step.statement.span or step.head.span
        known = span.path in sources
        line = sources[span.path].position(span.start)[0] if known else 0
        nodes = steps_at(version.places, span.path, line)
        paths = [each.path for each in nodes] or [step.head.path]
        need = case.needs.of(version.key, paths)
        place = f"{nodes[0].file}:{nodes[0].line}" if nodes else None
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
                runs=need.runs,
                notes=need.notes,
            )
        )
    return found


def _late(
    case: _Case,
    version: Past,
    compiler: Compiler,
    base: Compiler | None,
    was: Unit | None,
) -> list[tuple[ChangedUse, Finding]]:
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
    elif case.needs.runs is not None:
        there = changed_names(*key, recorded, digests(base))
        found = [(each, _SINCE) for each in there]
    if base is not None:
        found += [(each, _NOW) for each in changed_names(*key, used, now)]
    return [
        (use, _late_finding(case, version, use, when, steps.get(use.name, {})))
        for use, when in found
    ]


def _late_finding(
    case: _Case,
    version: Past,
    use: ChangedUse,
    when: str,
    steps: Mapping[str, str],
) -> Finding:
    """Tell of one; `steps` are the names of those that use it, by their paths.

    What is used when a run starts has no path, and no run comes to it any more.
    """
    from perdure.release.verify import Finding

    paths = [path for path in steps if path] if steps else None
    need = case.needs.of(version.key, paths)
    became = "is gone" if use.change == "gone" else "has another definition"
    return Finding(
        "warning",
        "late-binding",
        version.workflow,
        version.version,
        f"uses {use.name}, which {became} {when}",
        step=", ".join(steps.values()) or None,
        runs=need.runs,
        notes=need.notes,
        advice="steps find it when they run: check that it still does what they need",
    )
