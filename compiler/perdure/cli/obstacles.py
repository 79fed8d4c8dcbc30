"""What stands in the way of retiring versions: all of it, each with what to do.

The migration refuses what the database has in the way, too (see the runtime's
`82_perdure_changes.sql`), one thing at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from perdure.cli.released import Released
    from perdure.config import Config
    from perdure.engine.deploy import Connection
    from perdure.release import Entry

_SHOWN_RUNS = 20


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something in the way, what to do about it, and the runs that it is about."""

    what: str
    help: str
    runs: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Leaving:
    """The versions that are to be retired; `whole` says that no other one stays."""

    released: Released
    workflow: str
    numbers: Sequence[int]
    whole: bool

    @property
    def labels(self) -> list[str]:
        """The versions, as people write them."""
        return [f"{self.workflow}@{number}" for number in self.numbers]

    @property
    def entries(self) -> list[Entry]:
        """The versions."""
        lock = self.released.whole
        found = (lock.find(self.workflow, number) for number in self.numbers)
        return [each for each in found if each is not None]


def tell(obstacles: Sequence[Obstacle]) -> None:
    """Show what is in the way."""
    for each in obstacles:
        show_runs(each.runs)
        typer.echo(f"error: {each.what}\n  = help: {each.help}", err=True)


def show_runs(runs: Sequence[tuple[str, str, str]]) -> None:
    """Show runs on stderr, the first of them, with their labels and states."""
    for run, label, status in runs[:_SHOWN_RUNS]:
        typer.echo(f"  {run}  {label}  {status}", err=True)
    if more := runs[_SHOWN_RUNS:]:
        typer.echo(f"  and {len(more)} more", err=True)


def in_project(config: Config, leaving: Sequence[Leaving]) -> list[Obstacle]:
    """Return what the lock and the sources have in the way."""
    found = list(_starting(leaving))
    whole = {each.workflow for each in leaving if each.whole}
    return [*found, *_sources(config, whole)] if whole else found


def in_database(
    connection: Connection, leaving: Leaving
) -> tuple[list[Obstacle], list[str]]:
    """Return what a database has in the way, and the runs that failed.

    Those can be retried until the versions are retired.
    """
    from perdure.engine.deploy import runs_on

    runs = runs_on(connection, leaving.labels)
    flying = tuple(each for each in runs if each[2] != "failed")
    found = [_flying(connection, leaving, flying)] if flying else []
    found += [*_supervising(connection, leaving), *_calling(connection, leaving)]
    return found, [run for run, _, status in runs if status == "failed"]


def callers_of(released: Released, key: str) -> list[str]:
    """Return which versions in use start a version."""
    from perdure.emit.functions import function_name
    from perdure.release.reversal import callers

    (entry,) = (each for each in released.whole.entries if each.key == key)
    function = function_name(entry.schema, entry.workflow, entry.version)
    return callers(released.whole, released.scripts, entry.workflow, function)


# --- in the project -----------------------------------------------------------------


def _starting(leaving: Sequence[Leaving]) -> Iterator[Obstacle]:
    """Yield the versions that stay and start one of those to retire."""
    going = [label for each in leaving for label in each.labels]
    started: dict[str, list[str]] = {}
    for label in going:
        for caller in callers_of(leaving[0].released, label):
            if caller not in going:
                started.setdefault(caller, []).append(label)
    in_force = {each.key for each in leaving[0].released.whole.in_force}
    for caller, labels in started.items():
        are = "is" if len(labels) == 1 else "are"
        what = f"{', '.join(labels)} {are} started by {caller}"
        if caller not in in_force:
            together = _command(leaving, ())
            yield Obstacle(what, f"retire them together: {together}")
            continue
        name = caller.partition("@")[0]
        whole = [e.partition("@")[0] for e in started if e in in_force]
        help = (
            f"change {name} so that it does not start {labels[-1]}, compile and deploy "
            f"it, then perdure retire {caller} with the rest; or retire it as a whole, "
            f"too: {_command(leaving, whole)}"
        )
        yield Obstacle(f"{what}, which is in force", help)


def _command(leaving: Sequence[Leaving], whole: Sequence[str]) -> str:
    """Return what retires versions with all that lead to them and are superseded.

    `whole` are workflows that go, too.
    """
    released = leaving[0].released
    whole = [*whole, *(each.workflow for each in leaving if each.whole)]
    going = [label for each in leaving for label in each.labels]
    for name in whole:
        going += [f"{name}@{number}" for number in released.whole.versions(name)]
    going = list(dict.fromkeys(going))
    in_force = {each.key for each in released.whole.in_force}
    for label in going:  # which grows
        callers = callers_of(released, label)
        going += [e for e in callers if e not in going and e not in in_force]
    words = (e if (n := e.partition("@")[0]) not in whole else n for e in going)
    return f"perdure retire {' '.join(reversed(dict.fromkeys(words)))}"


def _sources(config: Config, workflows: Collection[str]) -> Iterator[Obstacle]:
    """Yield the sources that still define workflows that are to go as a whole."""
    from perdure.cli.project import opened_compiler
    from perdure.pipeline import workflow_files

    with opened_compiler(config) as compiler:
        checked = compiler.check(workflow_files(config), None)
    for unit in checked.units:
        if unit.name in workflows:
            yield Obstacle(
                f'"{unit.source.path}" still defines {unit.name}: the next perdure '
                "compile would bring it back",
                "delete it there first",
            )


# --- in the database ----------------------------------------------------------------


def _flying(
    connection: Connection, leaving: Leaving, runs: tuple[tuple[str, str, str], ...]
) -> Obstacle:
    from perdure.engine.move import can_move

    ways = "wait for them, or end them with perdure cancel RUN"
    if not leaving.whole and can_move(connection):
        ways = (
            "wait for them, end them with perdure cancel RUN, or take those that wait "
            "to another version with perdure move RUN --to N"
        )
    count = "1 run has" if len(runs) == 1 else f"{len(runs)} runs have"
    return Obstacle(f"{count} not ended", ways, runs)


def _supervising(connection: Connection, leaving: Leaving) -> Iterator[Obstacle]:
    """Yield the schedules that go on; that of a version in force ends with it."""
    from perdure.engine.deploy import schedules

    current = leaving.released.whole.current(leaving.workflow)
    if leaving.whole and current is not None and current.scheduled:
        return
    for label, run in schedules(connection):
        started = label.removesuffix(" schedule")
        if started in leaving.labels:
            yield Obstacle(
                f"{started} is started by schedule, by run {run}",
                f"perdure cancel {run}",
            )


def _calling(connection: Connection, leaving: Leaving) -> Iterator[Obstacle]:
    """Yield the functions that call the versions, beside those of the lock's."""
    from perdure.emit.functions import function_name
    from perdure.engine.deploy import callers

    functions = [
        function_name(each.schema, each.workflow, each.version)
        for each in leaving.entries
    ]
    if leaving.whole:
        schema = leaving.entries[-1].schema
        functions.append(function_name(schema, leaving.workflow, None))
    own = {
        f"{each.schema}.{each.workflow}_v{each.version}"
        for each in leaving.released.whole.entries
    }
    for name in callers(connection, leaving.workflow, functions):
        if name.removesuffix("_schedule") not in own:
            yield Obstacle(
                f"the function {name} starts {leaving.workflow}",
                "change it so that it does not, or drop it",
            )
