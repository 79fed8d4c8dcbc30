"""`perdure doctor`: what is wrong with a database, and what to do about it."""

from __future__ import annotations

import json as json_
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.database import DatabaseUrl, Json, configuration, opened
from perdure.cli.project import Directory, fail

if TYPE_CHECKING:
    from perdure.engine.client import Connection
    from perdure.engine.doctor import Finding
    from perdure.targets import Target


def doctor(
    target: Annotated[
        str | None,
        typer.Option(
            help="The target to look for; else the project's.", show_default=False
        ),
    ] = None,
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Say whether a database can run the project's workflows, and what is in the way.

    The exit code is 1 when something is an error.
    """
    from perdure.engine import client
    from perdure.engine.doctor import examine
    from perdure.engine.install import shipped

    config = configuration(directory)
    wanted = _known(target or config.target)
    with (
        opened(database_url, config) as database,
        client.session(database) as connection,
    ):
        connection.execute("set client_encoding = 'UTF8'")  # else bytes, of some
        found = examine(connection, shipped(wanted.version))
        found += _versions(connection, wanted)
        shown = database.shown
    failed = any(each.level == "error" for each in found)
    if json:
        data = {
            "database": shown,
            "target": str(wanted),
            "good": not failed,
            "findings": [asdict(each) for each in found],
        }
        typer.echo(json_.dumps(data, indent=2))
    else:
        _print(shown, wanted, found)
    raise typer.Exit(1 if failed else 0)


def _known(name: str) -> Target:
    from perdure.targets import parse_target

    found = parse_target(name)
    if isinstance(found, str):
        fail(found)
    return found


def _versions(connection: Connection, target: Target) -> list[Finding]:
    """Say which target a server with the extension would allow."""
    from perdure.engine.doctor import Finding
    from perdure.engine.doctor_extension import version_of
    from perdure.targets.capabilities import NEWEST, OLDEST, spelled
    from perdure.targets.known import extension

    there = version_of(connection)
    if not target.version or there is None:
        return []
    if there < OLDEST:
        message = f"pg_durable {spelled(there)} is older than all that is served"
        return [Finding("target", "error", message, f"upgrade it to {spelled(NEWEST)}")]
    if there > NEWEST:
        message = f"pg_durable {spelled(there)} is newer than {spelled(NEWEST)}, the "
        message += "last version that this version of Perdure knows"
        return [Finding("target", "warning", message, "look for a newer Perdure")]
    more = sorted(extension(there).capabilities - target.capabilities)
    if not more or there <= target.version:
        return []
    message = f'this server allows target "pg_durable>={spelled(there)}"'
    return [Finding("target", "ok", f"{message}, which adds: {', '.join(more)}")]


def _print(database: str, target: Target, found: list[Finding]) -> None:
    typer.echo(f'{database}, for target "{target}"')
    for each in found:
        typer.echo(f"  {each.level:<7}  {each.check}: {each.message}")
        if each.help:
            typer.echo(f"           = help: {each.help}")
