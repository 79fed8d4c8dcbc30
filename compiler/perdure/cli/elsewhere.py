"""What `perdure run` brings to a database that is not the project's embedded one.

Others work there. So it brings what this one run needs and nothing else of what waits
to be deployed, and shows it and asks before. To apply all of it, as on the embedded
database, was the first way: who tried out one workflow released every other one, and
retired versions, where `perdure deploy` would have asked.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from perdure.cli.deploy import apply, described, owner_wanted, plan, say_wait, show_plan
from perdure.cli.project import fail
from perdure.cli.released import Released, read_released

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.engine.database import Database
    from perdure.engine.deploy import Connection
    from perdure.release import Change, Entry


def bring(
    config: Config,
    database: Database,
    wanted: Mapping[str, int | None],
    tried: Sequence[str],
    *,
    runtime: bool,
    yes: bool,
) -> None:
    """Deploy what a run needs, once somebody has said yes; or end the command.

    `wanted` are workflows with their versions, None for the one in force. `tried` are
    the functions that will be made for what is not compiled, which is asked for, too,
    as is the `runtime` where there is none.
    """
    from perdure.engine.database import connect
    from perdure.engine.deploy import deploying
    from perdure.engine.install import install, shipped

    released = read_released(config)
    with (
        owner_wanted(),
        connect(database.url, database.origin) as connection,
        deploying(connection, say_wait),
    ):
        todo = _needed(connection, config, released, wanted)
        others = [f"{each}, which is not compiled yet" for each in tried]
        if runtime:
            others.insert(0, f"the runtime, {shipped().version()}")
        if (todo or others) and not yes:
            show_plan(database, connection, released, todo)
            _ask(others)
        if runtime:
            install(database)
            _say(database, "installed the runtime")
        for number, each in enumerate(todo, start=1):
            apply(connection, released, each, todo[number:])
            _say(database, f"deployed {described(each)}")


def _needed(
    connection: Connection,
    config: Config,
    released: Released,
    wanted: Mapping[str, int | None],
) -> list[Entry | Change]:
    """Return what to apply; end the command where it stands on something else."""
    from perdure.cli.drift import state_of
    from perdure.release.needed import needed
    from perdure.release.state import missing

    state = state_of(connection, config.sql_schema)
    pending = missing(released.lock, state, released.texts)
    found = needed(released.lock, released.scripts, pending, wanted)
    if not found:
        return []
    keys = {each.key for each in found}
    own = _only(released, {each.workflow for each in found})
    safe = plan(connection, state, own, over_edits=False)
    return [each for each in safe if each.key in keys]


def _only(released: Released, workflows: set[str]) -> Released:
    """Return what was released of some workflows."""
    from perdure.release import Lock

    lock = released.lock
    entries = tuple(each for each in lock.entries if each.workflow in workflows)
    changes = tuple(each for each in lock.changes if each.workflow in workflows)
    return replace(released, lock=Lock(entries, lock.source, changes))


def _ask(others: Sequence[str]) -> None:
    """Show what the run needs beside migrations, and go on only with a yes."""
    for each in others:
        typer.echo(f"  {each}", err=True)
    if not sys.stdin.isatty():
        fail(
            "the run needs what is not there, and nobody is there to be asked",
            "perdure deploy brings all that is compiled, and perdure run --yes only "
            "what is listed here, without a question",
        )
    typer.confirm("bring this there, and start the run?", abort=True, err=True)


def _say(database: Database, what: str) -> None:
    typer.echo(f"{database.shown} ({database.origin}): {what}", err=True)
