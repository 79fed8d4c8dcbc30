"""`perdure versions`: what is deployed, since when, by whom, and the runs on it."""

from __future__ import annotations

import json as json_
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perdure.cli.database import DatabaseUrl, Json, opened
from perdure.cli.project import Directory, refuse_version

if TYPE_CHECKING:
    from perdure.engine.deploy import Deployed


def versions(
    workflow: Annotated[
        str | None, typer.Argument(help="Only versions of this workflow.")
    ] = None,
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """List the deployed versions, their age, and the runs on each."""
    from perdure.cli.database import configuration
    from perdure.engine.database import connect
    from perdure.engine.deploy import (
        current_versions,
        deployed_versions,
        runs_by_version,
    )

    refuse_version(workflow or "", "perdure versions {name} lists all of its versions")
    config = configuration(directory)
    with (
        opened(database_url, config) as database,
        connect(database.url, database.origin) as connection,
    ):
        found = [
            each
            for each in deployed_versions(connection)
            if workflow in (None, each.name)
        ]
        runs = runs_by_version(connection)
        current = current_versions(connection)
    if json:
        rows = [_row(each, runs, _state(each, current)) for each in found]
        typer.echo(json_.dumps(rows, indent=2))
    elif found:
        _print_versions(found, runs, current)
    else:
        typer.echo(f"no versions{f' of {workflow}' if workflow else ''}", err=True)


def _state(each: Deployed, current: Mapping[str, int]) -> str:
    """Return whether a version is in force, is kept, or has no functions any more."""
    if each.retired_at is not None:
        return "retired"
    return "current" if current.get(each.name) == each.version else "superseded"


def _age(at: datetime) -> str:
    """Return how long ago something was, in the largest unit of which there is one."""
    seconds = int((datetime.now(UTC) - at).total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{max(seconds, 0)} s"


def _row(
    each: Deployed, runs: Mapping[str, Mapping[str, int]], state: str
) -> dict[str, Any]:
    return {
        "workflow": each.name,
        "version": each.version,
        "state": state,
        "digest": each.digest,
        "target": each.target,
        "compiler": each.compiler,
        "deployed_at": each.at.isoformat(),
        "deployed_by": each.by,
        "retired_at": each.retired_at.isoformat() if each.retired_at else None,
        "runs": dict(runs.get(f"{each.name}@{each.version}", {})),
    }


def _print_versions(
    found: Sequence[Deployed],
    runs: Mapping[str, Mapping[str, int]],
    current: Mapping[str, int],
) -> None:
    from rich.table import Table

    from perdure.cli.live import console

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("version", "state", "digest", "deployed", "age", "by", "runs"):
        table.add_column(name)
    for each in found:
        states = runs.get(f"{each.name}@{each.version}", {})
        shown = ", ".join(f"{count} {status}" for status, count in states.items())
        table.add_row(
            f"{each.name}@{each.version}",
            _state(each, current),
            each.digest[:12],
            f"{each.at.astimezone():%Y-%m-%d %H:%M:%S}",
            _age(each.at),
            each.by,
            shown,
        )
    console().print(table)
