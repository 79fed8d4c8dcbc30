"""`perdure move`: a run that waits goes on in another version."""

from __future__ import annotations

import json as json_
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from perdure.cli.database import DatabaseUrl, Json, configuration, opened
from perdure.cli.observe import RunId
from perdure.cli.project import Directory, fail, version_number
from perdure.cli.run import read_pairs, with_nulls

if TYPE_CHECKING:
    from perdure.engine.disagreement import Disagreement
    from perdure.engine.move import Immovable, Moved
    from perdure.engine.move_input import UnfitInputs
    from perdure.engine.runs import Place

_SHOWN_LINES = 12
_STAYS = "it stays on its version, where it was"


def move(
    run: RunId,
    to: Annotated[
        int,
        typer.Option(
            metavar="N", parser=version_number, help="The version, which is deployed."
        ),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="Inputs that the run has not."),
    ] = None,
    null: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Give this input null; repeatable."),
    ] = None,
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Let a run that waits go on in another version of its workflow."""
    from perdure.cli.called import require_fit
    from perdure.engine import client
    from perdure.engine import move as engine
    from perdure.engine.move_input import UnfitInputs
    from perdure.frontend.sqltext.lexer import words

    given = with_nulls(read_pairs(inputs or (), "input", "order_id=1"), null or ())
    config = configuration(directory)
    schema = config.sql_schema
    with (
        opened(database_url, config) as database,
        client.session(database) as connection,
    ):
        fit = partial(require_fit, config, database, connection, run)
        try:
            moved = engine.move(connection, run, to, schema, words, fit, given)
        except engine.Immovable as refused:
            _refuse(run, to, refused)
        except UnfitInputs as unfit:
            _refuse_inputs(run, to, unfit)
    if json:
        typer.echo(json_.dumps(_data(run, moved)))
    else:
        _tell(run, moved)


def _data(run: str, moved: Moved) -> dict[str, object]:
    return {
        "run": run,
        "from": moved.before,
        "to": moved.after,
        "dropped": list(moved.inputs.dropped),
        "defaults": dict(moved.inputs.defaults),
    }


def _tell(run: str, moved: Moved) -> None:
    typer.echo(f"moved run {run} from {moved.before} to {moved.after}")
    for name in moved.inputs.dropped:
        typer.echo(f'  input "{name}" is none of {moved.after}, and is left unread')
    for name, value in moved.inputs.defaults.items():
        shown = "null" if value is None else json_.dumps(value, ensure_ascii=False)
        typer.echo(f'  input "{name}" is new, and gets its default: {shown}')


def _refuse_inputs(run: str, to: int, unfit: UnfitInputs) -> NoReturn:
    """Say which inputs of a run its new version cannot take."""
    typer.echo(
        f"error: run {run} cannot be moved to version {to}, which takes other inputs",
        err=True,
    )
    for line in unfit.wrong:
        typer.echo(f"  {line}", err=True)
    help = f"a run keeps the inputs that it was started with; {_STAYS}"
    if len(unfit.missing) == len(unfit.wrong):
        values = " ".join(f"{shlex.quote(name)}=..." for name in unfit.missing)
        help = f"perdure move {run} --to {to} {values}; until then {_STAYS}"
    typer.echo(f"  = help: {help}", err=True)
    raise typer.Exit(1)


def _refuse(run: str, to: int, refused: Immovable) -> NoReturn:
    """Say on which step the versions differ."""
    step = refused.step
    if step is None or step.old is None:
        fail(str(refused), refused.help or "nothing was changed", code=1)
    if step.reads:
        _refuse_lacking(run, to, step)
    if step.more and step.new is not None:
        _refuse_more(run, to, step, step.old, step.new)
    typer.echo(
        f"error: run {run} cannot be moved to version {to}: the versions do not agree "
        "on what the run has done",
        err=True,
    )
    typer.echo(f"  it has been at {_shown(step.old)}", err=True)
    typer.echo(f"  in version {to}, at that point, {_there(step)}", err=True)
    _show_lines(step.lines)
    must = "what a run has passed, and what it waits in, must be the same"
    if step.asked is not None:
        must = "a new arm may come after the one that a run took, and not before it"
    typer.echo(f"  = help: {must}; {_STAYS}", err=True)
    raise typer.Exit(1)


def _show_lines(lines: Sequence[str]) -> None:
    for line in lines[:_SHOWN_LINES]:
        typer.echo(f"    {line}", err=True)
    if len(lines) > _SHOWN_LINES:
        typer.echo(f"    ({len(lines) - _SHOWN_LINES} more lines)", err=True)


def _there(step: Disagreement) -> str:
    """Say what a version has in the place of a step that a run has done."""
    from perdure.engine.disagreement import ON_FAILURE

    old, new = step.old, step.new
    if old is None or new is None:
        return "there is no step"
    if new.path == ON_FAILURE != old.path:
        return f"all steps stand under {_shown(new)}, and the run has begun without it"
    if old.path == ON_FAILURE != new.path:
        return "no on_failure stands around the steps, and the run has begun with it"
    if step.asked is not None:
        return f"{_shown(step.asked)} asks another condition"
    if (new.path, new.name) == (old.path, old.name):
        return "the same step is there, and does another thing"
    return f"there is {_shown(new)}"


def _refuse_more(
    run: str, to: int, step: Disagreement, last: Place, more: Place
) -> NoReturn:
    """Say which step would never be done, as the run has left what it stands in."""
    typer.echo(
        f"error: run {run} cannot be moved to version {to}, which has more to do where "
        "the run has been",
        err=True,
    )
    if step.asked is not None:
        typer.echo(f"  version {to} has one more arm in {_shown(step.asked)}", err=True)
        _show_lines(step.lines)
        typer.echo("  the run has passed it, and took no arm there", err=True)
    else:
        typer.echo(f"  version {to} has {_shown(more)} as well", err=True)
        typer.echo(f"  the run came to the end there with {_shown(last)}", err=True)
    typer.echo(
        f"  = help: that would never be done; what a run has passed must be the same; "
        f"{_STAYS}",
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
    lacking = _columns(step.lacking) if step.lacking else "the result"
    typer.echo(f"  version {to} reads {lacking} of {_shown(step.old)}", err=True)
    kept = "its columns" if step.kept is None else _columns(step.kept)
    typer.echo(f"  the run has passed it, and kept {kept}", err=True)
    typer.echo(
        f"  = help: a run keeps of a result what its own version reads later; {_STAYS}",
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
