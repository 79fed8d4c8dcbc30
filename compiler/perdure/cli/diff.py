"""`perdure diff`: what changed, by workflow and step, for whom, and for which runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.late import changing, on_database
from perdure.cli.past import (
    Compiled,
    compiled,
    compiled_before,
    compiled_versions,
    folder,
    in_force,
    locked,
    released,
)
from perdure.cli.project import Directory, coloured, find_project, usable_state
from perdure.cli.released import usable_lock
from perdure.cli.revisions import as_committed
from perdure.cli.standing import once_deployed, standings

if TYPE_CHECKING:
    from perdure.cli.past import Past
    from perdure.config import Config
    from perdure.engine.database import Database
    from perdure.release import Affected, Diff, Lock, Standing
    from perdure.release.diff import WorkflowDiff


class Format(StrEnum):
    """How a difference is printed."""

    text = "text"
    markdown = "markdown"
    json = "json"
    html = "html"


class Limit(StrEnum):
    """The classes of changes, the ones that matter least first."""

    metadata = "metadata"
    compatible = "compatible"
    breaking = "breaking"


Db = Annotated[
    str | None,
    typer.Option(
        "--db",
        "--database-url",
        metavar="URL",
        help="A database, or embedded: compare with the versions there (or with REV), "
        "and tell what the change means for the runs in flight.",
        show_default=False,
    ),
]


def diff(
    revision: Annotated[
        str | None,
        typer.Argument(
            metavar="[REV]",
            help="A git revision, or REV... for where the branch left it; without one, "
            "what is in the lock.",
        ),
    ] = None,
    db: Db = None,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.text,
    json: Annotated[
        bool, typer.Option("--json", help="Same as --format json.")
    ] = False,
    fail_on: Annotated[
        Limit | None,
        typer.Option(help="Exit with 1 on changes of this class, or a worse one."),
    ] = None,
    detailed_exitcode: Annotated[
        bool,
        typer.Option(
            "--detailed-exitcode",
            help="Exit with 0 when nothing changed, 2 when something did, 1 on errors.",
        ),
    ] = False,
    directory: Directory = Path(),
) -> None:
    """Show which workflows and steps changed, and for whom that matters."""
    with _errors_are_one(detailed_exitcode):
        config = find_project(directory)
        sources = compiled(config)
        lock = released(config).whole
        after = once_deployed(config, lock, sources, usable_state(config))
        before, runs = _before(config, revision, db, after)
        found = _compare(before, after, standings(lock, before, after))
        affected = _affected(found, runs, after, lock)
        form = Format.json if json else format
        typer.echo(_rendered(form, found, before, after, affected), nl=False)
    raise typer.Exit(after.failed or _code(found, fail_on, detailed_exitcode))


def _code(found: Diff, fail_on: Limit | None, detailed: bool) -> int:
    from perdure.release.render import title
    from perdure.release.rules import at_least

    if fail_on is not None and at_least(found.effect, fail_on.value):
        for each in found.workflows:
            if at_least(each.effect, fail_on.value):
                typer.echo(f"error: {title(each)}: {each.effect}", err=True)
        return 1
    return 2 if detailed and found.workflows else 0


@contextmanager
def _errors_are_one(detailed: bool) -> Iterator[None]:
    """Make every error exit code 1, where 2 means that something changed."""
    try:
        yield
    except typer.Exit as ending:
        if detailed and ending.exit_code:
            raise typer.Exit(1) from ending
        raise


def _compare(
    before: Compiled, after: Compiled, standings: Mapping[str, Standing]
) -> Diff:
    from perdure.release import compare

    new = {
        name
        for name in after.units
        if None is not before.digest(name) != after.digest(name) is not None
    }
    same = {name for name in after.units if before.digest(name) == after.digest(name)}
    found = compare(
        before.units,
        after.units,
        before.sources,
        after.sources,
        new,
        (before.own, after.own),
        before.retyped - same,
        standings,
    )
    unchanged = {*before.own, *after.own} - new
    return replace(found, workflows=tuple(_to_compile(found, unchanged)))


def _to_compile(found: Diff, unchanged: set[str]) -> Iterator[WorkflowDiff]:
    """Yield the workflows that differ, without those that no version is made of.

    What a version keeps for readers only, its descriptions and its file, stays as it
    was until there is a next one: it would be told after every compile.
    """
    for each in found.workflows:
        if each.effect != "metadata" or each.name not in unchanged:
            yield each


def _rendered(
    form: Format,
    found: Diff,
    before: Compiled,
    after: Compiled,
    runs: tuple[Affected, ...],
) -> str:
    from perdure.release import render_html, render_json, render_markdown, render_text

    match form:
        case Format.text:
            return render_text(found, coloured(sys.stdout.isatty()), runs)
        case Format.markdown:
            return render_markdown(found, runs)
        case Format.json:
            return render_json(found, runs)
        case Format.html:
            return render_html(found, before.units, after.units, runs)


class _Runs:
    """What a database says of runs in flight, and what changes under them."""

    def __init__(self) -> None:
        from perdure.release import InFlight

        self.flights: list[InFlight] = []
        self.changed: dict[tuple[str, int], list[str]] = {}


def _affected(
    found: Diff, runs: _Runs, after: Compiled, lock: Lock
) -> tuple[Affected, ...]:
    from perdure.release import affected

    later = {name: unit.ir for name, unit in after.units.items() if unit.ir is not None}
    going = {(name, n) for name in lock.workflows for n in lock.retired(name)}
    return affected(runs.flights, found, later, runs.changed, going)


def _before(
    config: Config, revision: str | None, db: str | None, after: Compiled
) -> tuple[Compiled, _Runs]:
    """Return what to compare with, and the runs in flight."""
    if db is None:
        return _earlier(config, revision), _Runs()
    from perdure.cli.database import opened

    with opened(db, config) as database:
        if revision is None:
            before = _as_deployed(config, database, {*after.units})
        else:
            before = _earlier(config, revision)
        return before, _flights(config, database)


def _earlier(config: Config, revision: str | None) -> Compiled:
    state = usable_state(config)
    if revision is None:
        known = locked(config)
        return compiled_versions(config, in_force(config, known), known, state)
    with folder() as place:
        then = as_committed(config, revision, place)
        lock = usable_lock(then, revision)
        return once_deployed(then, lock, compiled_before(then, state), state)


def _as_deployed(config: Config, database: Database, names: set[str]) -> Compiled:
    """Compile the versions in force in a database, on its own schema.

    Workflows that neither the sources (`names`) nor the lock know are another
    project's, and left out.
    """
    from perdure.engine.database import connect
    from perdure.engine.deploy import current_versions

    with connect(database.url, database.origin) as connection:
        current = current_versions(connection)
    known = names | set(released(config).lock.workflows)
    there = _deployed(config, database)
    kept: dict[str, list[int]] = {}
    for each in there:
        kept.setdefault(each.workflow, []).append(each.version)
    versions = [e for e in there if current.get(e.workflow) == e.version]
    foreign = sorted({each.workflow for each in versions} - known)
    if foreign:
        told = ", ".join(foreign)
        typer.echo(f"deployed, and not of this project: {told}", err=True)
    own = [each for each in versions if each.workflow in known]
    state = usable_state(config)
    found = compiled_versions(on_database(config, database), own, there, state)
    return replace(found, kept=kept)


def _deployed(config: Config, database: Database) -> list[Past]:
    from perdure.cli.past import deployed
    from perdure.engine.database import connect
    from perdure.engine.inflight import registered

    with connect(database.url, database.origin) as connection:
        there = registered(connection)
    return deployed(there, locked(config), config.target)


def _flights(config: Config, database: Database) -> _Runs:
    """Ask a database for its runs in flight, and what changes under them."""
    from perdure.engine.database import connect
    from perdure.engine.inflight import open_runs, registered, whereabouts
    from perdure.release import InFlight

    runs = _Runs()
    with connect(database.url, database.origin) as connection:
        places = {each.key: each.places for each in registered(connection)}
        for label, ids in open_runs(connection).items():
            name, _, version = label.rpartition("@")
            if label in places and version.isdigit():
                known = {each.node: each for each in places[label]}
                own = config.target == "perdure"  # else nodes have other numbers
                found = whereabouts(connection, ids) if own else []
                waiting = tuple(_waiting(at, known) for at in found)
                flight = InFlight(name, int(version), len(ids), waiting)
                runs.flights.append(flight)
    if runs.flights:
        runs.changed = _changing(config, database, runs)
    return runs


def _waiting(at: At, places: Mapping[str, Place]) -> Waiting:
    from perdure.release import Waiting

    place = places.get(at.node)
    where = f"{place.file}:{place.line}" if place and place.file else None
    step = (place.name or place.path) if place else f"node {at.node}"
    return Waiting(at.what, at.signal, step, where, at.runs)


def _changing(
    config: Config, database: Database, runs: _Runs
) -> dict[tuple[str, int], list[str]]:
    """Return what versions with runs use and the project's schema has otherwise."""
    flying = {(each.workflow, each.version) for each in runs.flights}
    versions = [
        each
        for each in _deployed(config, database)
        if (each.workflow, each.version) in flying
    ]
    found: dict[tuple[str, int], list[str]] = {}
    for use in changing(config, on_database(config, database), versions):
        found.setdefault((use.workflow, use.version), []).append(
            f"{use.name}, which the project's schema "
            f"{'drops' if use.change == 'gone' else 'changes'}"
        )
    return found


if TYPE_CHECKING:
    from perdure.engine.inflight import At
    from perdure.engine.runs import Place
    from perdure.release import Waiting
