"""What stands in the way of retiring versions: all of it, each with what to do.

The migration refuses what the database has in the way, too (see the runtime's
`82_perdure_changes.sql`), one thing at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from perdure.cli.released import Released
    from perdure.config import Config
    from perdure.engine.deploy import Connection
    from perdure.engine.runs import Called
    from perdure.release import Entry

_SHOWN_RUNS = 20
_NAMED = 3


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
    def latest(self) -> int:
        """The highest version of the workflow, which stays or goes."""
        latest = self.released.whole.latest(self.workflow)
        return latest.version if latest else 0

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
    again = [each for each in leaving if each.whole or each.latest in each.numbers]
    return [*found, *_sources(config, again)] if again else found


def in_database(
    connection: Connection, leaving: Leaving
) -> tuple[list[Obstacle], list[str]]:
    """Return what a database has in the way, and the runs that failed.

    Those can be retried until the versions are retired.
    """
    from perdure.engine.deploy import runs_on

    runs = runs_on(connection, leaving.labels)
    flying = [each for each in runs if each[2] != "failed"]
    found = [*_flying(connection, leaving, flying)]
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
    """Yield the versions that stay and start what is to be retired, or what goes along.

    Superseded ones go along; one in force is changed first, or its workflow goes.
    """
    released = leaving[0].released
    given = [label for each in leaving for label in each.labels]
    in_force = {each.key for each in released.whole.in_force}
    started: dict[str, list[str]] = {}
    going = [*given]
    for label in going:  # which grows
        for caller in callers_of(released, label):
            if caller not in given:
                started.setdefault(caller, []).append(label)
            if caller not in in_force and caller not in going:
                going.append(caller)
    staying = [each for each in started if each in in_force]
    for caller, labels in started.items():
        are = "is" if len(labels) == 1 else "are"
        what = f"{', '.join(labels)} {are} started by {caller}"
        if caller in in_force:
            name = caller.partition("@")[0]
            help = (
                f"change {name} so that it does not start {labels[-1]}, compile and "
                f"deploy it, then perdure retire {caller} with the rest; or retire it "
                f"as a whole, too: {_command(leaving)}"
            )
            yield Obstacle(f"{what}, which is in force", help)
        elif staying:
            end = ", ".join(staying)
            yield Obstacle(what, f"retire it, too, once {end} is out of the way")
        else:
            yield Obstacle(what, f"retire them together: {_command(leaving)}")


def _command(leaving: Sequence[Leaving]) -> str:
    """Return what retires versions with all that lead to them.

    Workflows that have one of those in force go as a whole.
    """
    released = leaving[0].released
    whole = {each.workflow for each in leaving if each.whole}
    going = [label for each in leaving for label in each.labels]
    in_force = {each.key: each.workflow for each in released.whole.in_force}
    for label in going:  # which grows
        for caller in callers_of(released, label):
            more = [caller]
            if (name := in_force.get(caller)) is not None:
                whole.add(name)
                more = [f"{name}@{number}" for number in released.whole.versions(name)]
            going += [each for each in more if each not in going]
    words = (e if (n := e.partition("@")[0]) not in whole else n for e in going)
    return f"perdure retire {' '.join(reversed(dict.fromkeys(words)))}"


def _sources(config: Config, leaving: Sequence[Leaving]) -> Iterator[Obstacle]:
    """Yield the sources of which the next version would be made of what is to go.

    Of a workflow that goes whole that is what defines it; else what still gives the
    latest version, which was rolled back: compiling makes nothing of it as long as
    that version is there.
    """
    from perdure.cli.project import opened_compiler
    from perdure.pipeline import workflow_files
    from perdure.release import version_of

    with opened_compiler(config) as compiler:
        checked = compiler.check(workflow_files(config), None)
    going = {each.workflow: each for each in leaving}
    for unit in checked.units:
        name = unit.name or ""
        if name not in going:
            continue
        if going[name].whole:
            yield Obstacle(
                f'"{unit.source.path}" still defines {name}: the next perdure compile '
                "would bring it back",
                "delete it there first",
            )
            continue
        made = (unit.digest or "", config.target, config.sql_schema)
        version = version_of(going[name].released.whole, name, made)
        if version is not None and version.version in going[name].numbers:
            yield Obstacle(
                f'"{unit.source.path}" still gives {version.key}, which was rolled '
                "back: the next perdure compile would make it again, to be in force",
                "take it back to the version in force, or change it and compile, first",
            )


# --- in the database ----------------------------------------------------------------


def _flying(
    connection: Connection, leaving: Leaving, runs: Sequence[tuple[str, str, str]]
) -> Iterator[Obstacle]:
    """Yield the runs that have not ended, those that others wait for by themselves."""
    from perdure.engine.move import can_move

    waits = waited_for(connection, runs)
    movable = not leaving.whole and can_move(connection)
    own = tuple(each for each in runs if each[0] not in waits)
    if own:
        ways = "wait for them, or end them with perdure cancel RUN"
        if movable:
            ways = (
                "wait for them, end them with perdure cancel RUN, or take those that "
                "wait to another version with perdure move RUN --to N"
            )
        count = "1 run has" if len(own) == 1 else f"{len(own)} runs have"
        yield Obstacle(f"{count} not ended", ways, own)
    called = tuple(
        (run, label, f"{status}, {waits[run].id} ({waits[run].label}) waits for it")
        for run, label, status in runs
        if run in waits
    )
    if called:
        ways = "wait for them, or end the runs that wait, and them with those: "
        ways += cancels(connection, waits)
        if movable:
            ways += (
                "; perdure move RUN --to N takes one to another version that returns "
                "what is waited for"
            )
        which = "run that another one waits for has"
        if len(called) > 1:
            which = "runs that others wait for have"
        yield Obstacle(f"{len(called)} {which} not ended", ways, called)


def waited_for(
    connection: Connection, runs: Sequence[tuple[str, str, str]]
) -> dict[str, Called]:
    """Return those of runs that others wait for, with one that does."""
    from perdure.engine.listening import callers

    found = callers(connection, [run for run, *_ in runs])
    return {run: each[0] for run, each in found.items() if each}


def cancels(connection: Connection, waits: Mapping[str, Called]) -> str:
    """Return the commands that end runs which nobody waits for, and what they called.

    To cancel only a run that is waited for would fail the one that waits.
    """
    from perdure.engine.listening import callers

    first: dict[str, None] = {}
    left = [each.id for each in waits.values()]
    while left:
        above = callers(connection, left)
        first |= dict.fromkeys(each for each in left if not above.get(each))
        left = [caller.id for each in left for caller in above.get(each, ())]
    shown = [f"perdure cancel {each}" for each in first]
    more = " and so on" if len(shown) > _NAMED else ""
    return ", ".join(shown[:_NAMED]) + more


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
