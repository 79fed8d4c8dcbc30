"""`perdure deploy`: apply what the database does not have yet."""

from __future__ import annotations

import json as json_
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.database import DatabaseUrl, Json, opened
from perdure.cli.drift import (
    made,
    runtime_differences,
    show_differences,
    state_of,
)
from perdure.cli.project import Directory, fail, find_project
from perdure.cli.released import Released, read_released

if TYPE_CHECKING:
    from perdure.engine.database import Database
    from perdure.engine.deploy import Connection
    from perdure.release.deployed import Database as State
    from perdure.release.deployed import Difference
    from perdure.release.lock import Change, Entry


_AS_OWNER = "deploy as the role that owns the runtime and the workflows"


def deploy(
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before applying.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the SQL and apply nothing.")
    ] = False,
    over_edits: Annotated[
        bool,
        typer.Option(
            "--over-edits",
            help="Go on where functions of these workflows were edited in place.",
        ),
    ] = False,
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Apply the migrations of the lock that the database does not have."""
    from perdure.engine.database import connect
    from perdure.engine.deploy import deploying

    config = find_project(directory)
    released = read_released(config)
    with (
        opened(database_url, config) as database,
        owner_wanted(),
        connect(database.url, database.origin) as connection,
        deploying(connection, say_wait),
    ):
        for lack in runtime_differences(connection, config.target):
            fail(lack.message, lack.advice)
        state = state_of(connection, config.sql_schema)
        todo = plan(connection, state, released, over_edits)
        if dry_run:
            _print_sql(released, todo, json)
            return
        if todo and not yes:
            show_plan(database, connection, released, todo)
            _ask(len(todo))
        for at, each in enumerate(todo):
            apply(connection, released, each, todo[at + 1 :])
            if not json:
                typer.echo(f"deployed {described(each)}")
    if json:
        typer.echo(json_.dumps({"deployed": [each.key for each in todo]}, indent=2))
    elif not todo:
        typer.echo("nothing to do: the database has every version of the lock")


def _print_sql(released: Released, todo: Sequence[Entry | Change], json: bool) -> None:
    """Print the SQL of migrations, with the transactions that a deployment makes."""
    from perdure.engine.deploy import LOCK
    from perdure.release.script import in_transaction

    waiting = f"do $$begin perform pg_advisory_xact_lock({LOCK}); end$$;"
    texts = [in_transaction(released.scripts[each.key], waiting) for each in todo]
    if not json:
        typer.echo("\n".join(texts), nl=False)
        return
    found = [
        {"migration": each.key, "file": released.files[each.key], "sql": text}
        for each, text in zip(todo, texts, strict=True)
    ]
    typer.echo(json_.dumps({"deployed": [], "pending": found}, indent=2))


# --- deploying ----------------------------------------------------------------------


@contextmanager
def owner_wanted() -> Iterator[None]:
    """End the command where the role may not do what its owner may."""
    from perdure.engine.client import translated
    from perdure.engine.errors import MissingPrivilege

    try:
        with translated():
            yield
    except MissingPrivilege as error:
        fail(str(error).partition("\n")[0], _AS_OWNER)


def say_wait(holder: str) -> None:
    """Tell whose deployment this one waits for."""
    typer.echo(
        f"another deployment to this database is in progress ({holder}): "
        "waiting for it to end",
        err=True,
    )


def plan(
    connection: Connection, state: State, released: Released, over_edits: bool
) -> list[Entry | Change]:
    """Return what to apply; end the command where the database has something else."""
    from perdure.release.state import conflicts, missing
    from perdure.release.state import drift as compare

    _refuse(conflicts(released.lock, released.scripts, state))
    todo = missing(released.lock, state, released.texts)
    if not todo:
        gone = compare(released.lock, released.scripts, state, {})
        _refuse([each for each in gone if each.kind == "no-objects"])
    edited = _edited(connection, released, state, {each.workflow for each in todo})
    if edited and not over_edits:
        _refuse(edited, "  = help: perdure deploy --over-edits goes on all the same")
    return todo


def _refuse(found: Sequence[Difference], end: str | None = None) -> None:
    """Show what stands in the way, and end the command if anything does."""
    show_differences(found, "error: ")
    if found:
        if end:
            typer.echo(end, err=True)
        raise typer.Exit(1)


def _edited(
    connection: Connection, released: Released, state: State, workflows: set[str]
) -> list[Difference]:
    """Return the functions of workflows that are not what their migrations made."""
    from perdure.release import Lock
    from perdure.release.state import drift as compare

    lock = Lock(
        tuple(each for each in released.lock.entries if each.workflow in workflows),
        released.lock.source,
        tuple(each for each in released.lock.changes if each.workflow in workflows),
    )
    own = replace(released, lock=lock)
    found = compare(lock, released.scripts, state, made(connection, own, state))
    return [each for each in found if each.kind == "edited"]


def show_plan(
    database: Database,
    connection: Connection,
    released: Released,
    todo: Sequence[Entry | Change],
) -> None:
    """Show what is about to be applied, and the runs that it is about."""
    from perdure.engine.deploy import runs_by_version

    runs = runs_by_version(connection)
    unscheduled: set[str] = set()
    typer.echo(f"to {database.shown}:", err=True)
    for each in todo:
        typer.echo(f"  {described(each)}  {released.files[each.key]}", err=True)
        if "perdure.stop_schedule(" in released.scripts[each.key]:
            unscheduled.add(each.workflow)
        for label, states in runs.items():
            if label.endswith(" schedule") and each.workflow in unscheduled:
                continue  # the migration, or one before it, ends that run
            count = _unfinished(states)
            if label.partition("@")[0] == each.workflow and count:
                stay = "1 run stays" if count == 1 else f"{count} runs stay"
                typer.echo(f"    {stay} on {label}", err=True)


def _ask(count: int) -> None:
    """Go on only with a yes."""
    if not sys.stdin.isatty():
        fail("nobody is there to be asked", "perdure deploy --yes does not ask")
    typer.confirm(
        f"apply {'this migration' if count == 1 else f'these {count} migrations'}?",
        abort=True,
        err=True,
    )


def apply(
    connection: Connection,
    released: Released,
    event: Entry | Change,
    rest: Sequence[Entry | Change],
) -> None:
    """Apply a migration, or end the command; `rest` are those that come after it."""
    from perdure.engine.deploy import FailedMigration, apply_migration

    try:
        apply_migration(connection, released.scripts[event.key])
        connection.commit()
    except FailedMigration as error:
        what = "deploy again when it is mended"
        if error.denied:
            what = _AS_OWNER
        elif error.busy:
            what = "another session was in its way: deploy again when that has ended"
        elif error.unfit:
            ways = _ways_out(connection, released, event)
            what = ways + _held_back(rest) if ways else error.hint or what
        fail(
            f"{released.files[event.key]}: {error}",
            f"nothing of this migration is applied; {what}",
            code=1,
        )


def _ways_out(
    connection: Connection, released: Released, event: Entry | Change
) -> str | None:
    """Show the runs on versions to retire, and return what can be done about them."""
    from perdure.cli.obstacles import cancels, show_runs, waited_for
    from perdure.engine.deploy import runs_on
    from perdure.engine.move import can_move
    from perdure.release.retirement import left_after, versions_in

    labels = versions_in(released.scripts[event.key])
    found = [e for e in runs_on(connection, labels) if e[2] != "failed"]
    if not found:
        return None
    show_runs(found)
    first, move, same = found[0][0], "", ""
    # later versions are not deployed yet
    stay = {run: left_after(released.lock, label) for run, label, _ in found}
    to = [(run, each.version) for run, each in stay.items() if each is not None]
    if to and can_move(connection):
        run, number = to[0]
        alike = {each for _, each in to} == {number}
        where = f"version {number}" if alike else "the version in force"
        move = f"take it to {where} while it waits (perdure move {run} --to {number}), "
        same = f", and is moved only where {where} returns the same"
    waits = waited_for(connection, found)
    end = f"end it (perdure cancel {first})"
    if waits:
        end += "; one that another run waits for is ended with that one "
        end += f"({cancels(connection, waits)}){same}"
    return (
        f"for each of these runs: wait until it has ended, {move}or {end}; "
        "then perdure deploy again"
    )


def _held_back(rest: Sequence[Entry | Change]) -> str:
    if not rest:
        return ""
    shown = ", ".join(each.key for each in rest[:5]) + (", ..." if rest[5:] else "")
    waits = "this migration waits" if len(rest) == 1 else f"{len(rest)} migrations wait"
    return f"; {waits} for it: {shown}"


def described(event: Entry | Change) -> str:
    """Return what a migration is, for people."""
    note = getattr(event, "note", None)
    return f"{event.key}: {note}" if note else event.key


def _unfinished(states: Mapping[str, int]) -> int:
    ended = ("completed", "failed", "cancelled")
    return sum(count for status, count in states.items() if status not in ended)
