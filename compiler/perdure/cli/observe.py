"""`perdure ps`, `show`, `signal`, `cancel`, `pause`, `resume`, `retry`.

What goes on, and a word in it.
"""

from __future__ import annotations

import json as json_
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from perdure.cli.database import (
    DatabaseUrl,
    Json,
    configuration,
    connected,
    opened,
)
from perdure.cli.hearing import known_signals, send_command
from perdure.cli.project import Directory, fail, refuse_version

if TYPE_CHECKING:
    from perdure.engine.listening import Listening
    from perdure.engine.runs import Called, Run

RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")]


class Status(StrEnum):
    """What a run can be."""

    pending = "pending"
    running = "running"
    paused = "paused"
    completed = "completed"
    failed = "failed"
    cancelled = "cancelled"


def ps(
    workflow: Annotated[
        str | None, typer.Argument(help="Only runs of this workflow.")
    ] = None,
    status: Annotated[
        Status | None, typer.Option(help="Only runs of this status.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """List runs, the newest first."""
    from perdure.engine import client
    from perdure.engine.listening import callers

    refuse_version(workflow or "", "perdure ps {name} lists the runs of all versions")
    with (
        opened(database_url, configuration(directory)) as database,
        client.session(database) as connection,
    ):
        wanted = status.value if status else None
        runs = []
        if not database.embedded or client.has_runtime(connection):
            runs = client.list_runs(
                connection, workflow=workflow, status=wanted, limit=limit
            )
        going = [each.id for each in runs if not each.ended]
        waiting = callers(connection, going) if going else {}
    if json:
        rows = [run_row(each, waiting.get(each.id, ())) for each in runs]
        typer.echo(json_.dumps(rows, indent=2))
    elif runs:
        _print_table(runs, waiting)
    else:
        typer.echo(f"no runs{f' of {workflow}' if workflow else ''}", err=True)


def show(
    run: RunId,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")
    ] = False,
    worker: Annotated[
        bool | None,
        typer.Option(
            "--worker/--no-worker",
            help="With --follow: run a worker here; by default if there is no other.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Show a run: its steps, their state, durations, errors and places."""
    from perdure.cli import run as run_
    from perdure.engine import client
    from perdure.engine.watch import read

    config = configuration(directory)
    with opened(database_url, config) as database:
        with client.session(database) as connection:
            followed = read(connection, run)
        if follow and not followed.run.ended:
            how = run_.Following(json=json, worker=worker)
            raise typer.Exit(run_.follow(config, database, run, how))
        run_.print_run(database, followed, json=json)
    if follow and followed.run.status != "completed":
        raise typer.Exit(1)


def signal(
    run: RunId,
    name: Annotated[str, typer.Argument(help="The signal's name.")],
    data: Annotated[
        str, typer.Argument(metavar="[JSON]", help="What it carries.")
    ] = "{}",
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Send a signal to a run."""
    from perdure.engine import client
    from perdure.engine.listening import listening

    with connected(database_url, configuration(directory)) as connection:
        heard = listening(connection, run, name)
        if not heard.run.ended and name not in heard.signals:
            _refuse_unheard(heard, name, data)
        client.signal(connection, run, name, data)
    awaited = heard.signals.get(name, False)
    if json:
        sent = {"run": run, "signal": name, "data": json_.loads(data)}
        typer.echo(json_.dumps({**sent, "awaited": awaited}))
        return
    later = (
        "" if awaited else "; no step waits for it now, and it is kept until one does"
    )
    typer.echo(f'sent "{name}" to run {run}{later}')
    for each, now in heard.called:
        if now and not awaited:
            typer.echo(
                f"note: {_who(each)} waits: {send_command(each.id, name, data)}",
                err=True,
            )


def _refuse_unheard(heard: Listening, name: str, data: str) -> NoReturn:
    """End the command: a run has no step that waits for a signal."""
    help = known_signals(name, heard.signals)
    if heard.called:
        each, now = max(heard.called, key=lambda each: each[1])
        does = "does" if now else "has one, which does not wait yet"
        more = len(heard.called) - 1
        others = f"; so do {more} more" if more > 1 else "; so does 1 more"
        send = send_command(each.id, name, data)
        help = f"{_who(each)} {does}: {send}{others if more else ''}"
    label = f" ({heard.run.label})" if heard.run.label else ""
    fail(f'run {heard.run.id}{label} has no step that waits for "{name}"', help)


def _who(called: Called) -> str:
    return f"run {called.id} ({called.label or 'no label'}), which it waits for,"


def cancel(
    run: RunId,
    reason: Annotated[
        str, typer.Option(help="Why; kept with the run.")
    ] = "cancelled by the command line",
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Cancel a run."""
    from perdure.engine import client

    with connected(database_url, configuration(directory)) as connection:
        client.cancel(connection, run, reason)
    _say(json, run, "cancelled")


def pause(
    run: RunId,
    reason: Annotated[str | None, typer.Option(help="Why; kept with the run.")] = None,
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Pause a run: the steps in progress end, no others begin."""
    from perdure.engine import client

    with connected(database_url, configuration(directory)) as connection:
        client.pause(connection, run, reason)
    _say(json, run, "paused")


def resume(
    run: RunId,
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Let a paused run go on."""
    from perdure.engine import client

    with connected(database_url, configuration(directory)) as connection:
        client.resume(connection, run)
    _say(json, run, "resumed")


def retry(
    run: RunId,
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Let a failed run go on from its failed step, repeating nothing else."""
    from perdure.engine import client

    with connected(database_url, configuration(directory)) as connection:
        client.retry(connection, run)
    _say(json, run, "retried")


def _say(json: bool, run: str, what: str) -> None:
    typer.echo(json_.dumps({"run": run, what: True}) if json else f"{what} run {run}")


def run_row(run: Run, callers: Sequence[Called] = ()) -> dict[str, object]:
    """Return a run, and those that wait for it, as data for `ps --json`."""
    from perdure.cli.live import runs_data

    name, _, version = (run.label or "").rpartition("@")
    return {
        "run": run.id,
        "workflow": name or run.label,
        "version": int(version) if version.isdigit() else None,
        "status": run.status,
        "submitted_by": run.submitted_by,
        "created_at": run.created_at.isoformat(),
        "completed_at": run.completed_at.isoformat() if run.completed_at else None,
        "error": run.error,
        "note": run.note,
        "called_by": runs_data(callers),
    }


def _print_table(runs: list[Run], waiting: Mapping[str, Sequence[Called]]) -> None:
    """Print a line for each run; who called them has a column where somebody did."""
    from rich.table import Table
    from rich.text import Text

    from perdure.cli.live import MARKS, console, duration

    called = ["called by"] if waiting else []
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("run", "workflow", "status", "started", "took", *called, "error"):
        table.add_column(title, overflow="fold" if title == "run" else "ellipsis")
    for run in runs:
        mark, style = MARKS[run.status]
        end = run.completed_at or run.now
        table.add_row(
            run.id,
            Text(run.label or ""),
            Text(f"{mark} {run.status}", style),
            f"{run.created_at:%Y-%m-%d %H:%M:%S}",
            duration(max((end - run.created_at).total_seconds(), 0)),
            *(Text(_callers(waiting.get(run.id, ()))) for _ in called),
            Text((run.error or run.note or "").partition("\n")[0]),
        )
    console().print(table)


def _callers(callers: Sequence[Called]) -> str:
    """Return the first of those that wait for a run, and how many more there are."""
    if not callers:
        return ""
    first, *more = callers
    said = f"{first.id} {first.label or 'run'}"
    return f"{said} and {len(more)} more" if more else said
