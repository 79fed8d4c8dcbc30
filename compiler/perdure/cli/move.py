"""`perdure move`: a run that waits goes on in another version."""

from __future__ import annotations

import json as json_
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from perdure.cli.database import DatabaseUrl, Json, configuration, connected
from perdure.cli.observe import RunId
from perdure.cli.project import Directory, fail

if TYPE_CHECKING:
    from perdure.engine.move import Disagreement, Immovable
    from perdure.engine.runs import Place

_SHOWN_LINES = 12


def move(
    run: RunId,
    to: Annotated[
        int, typer.Option(metavar="N", min=1, help="The version, which is deployed.")
    ],
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Let a run that waits go on in another version of its workflow."""
    from perdure.engine import move as engine

    config = configuration(directory)
    with connected(database_url, config) as connection:
        try:
            before, after = engine.move(connection, run, to, config.sql_schema)
        except engine.Immovable as refused:
            _refuse(run, to, refused)
    if json:
        typer.echo(json_.dumps({"run": run, "from": before, "to": after}))
    else:
        typer.echo(f"moved run {run} from {before} to {after}")


def _refuse(run: str, to: int, refused: Immovable) -> NoReturn:
    """Say on which step the versions differ."""
    step = refused.step
    if step is None or step.old is None:
        fail(str(refused), "nothing was changed", code=1)
    if step.lacking:
        _refuse_lacking(run, to, step)
    typer.echo(
        f"error: run {run} cannot be moved to version {to}: the versions do not agree "
        "on what the run has done",
        err=True,
    )
    typer.echo(f"  it has been at {_shown(step.old)}", err=True)
    there = f"there is {_shown(step.new)}" if step.new else "there is no step"
    if step.new and (step.new.path, step.new.name) == (step.old.path, step.old.name):
        there = "the same step is there, and does another thing"
    typer.echo(f"  in version {to}, at that point, {there}", err=True)
    for line in step.lines[:_SHOWN_LINES]:
        typer.echo(f"    {line}", err=True)
    typer.echo(
        "  = help: what a run has passed, and what it waits in, must be the same; it "
        "stays on its version, where it was",
        err=True,
    )
    raise typer.Exit(1)


def _refuse_lacking(run: str, to: int, step: Disagreement) -> NoReturn:
    """Say which results the new version reads and the run has not kept."""
    assert step.old is not None
    typer.echo(
        f"error: run {run} cannot be moved to version {to}, which reads what the run "
        "has not kept",
        err=True,
    )
    lacking = _columns(step.lacking)
    typer.echo(f"  version {to} reads {lacking} of {_shown(step.old)}", err=True)
    kept = "its columns" if step.kept is None else _columns(step.kept)
    typer.echo(f"  the run has passed it, and kept {kept}", err=True)
    typer.echo(
        "  = help: a run keeps of a result what its own version reads later; it stays "
        "on its version, where it was",
        err=True,
    )
    raise typer.Exit(1)


def _columns(names: Sequence[str]) -> str:
    """Return names of columns for people."""
    from perdure.engine.agreement import ROWS

    shown = ["all rows" if each == ROWS else f'"{each}"' for each in names]
    return " and ".join(shown) if shown else "nothing of it"


def _shown(place: Place) -> str:
    name = f' "{place.name}"' if place.name else ""
    line = f" ({place.file}:{place.line})" if place.file else ""
    return f"{place.path}{name}{line}"
