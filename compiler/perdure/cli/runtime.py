"""`perdure runtime`: install or upgrade the runtime, print its SQL, tell its state."""

from __future__ import annotations

import json as json_
from pathlib import Path

import typer

from perdure.cli.database import DatabaseUrl, Json, configuration, opened
from perdure.cli.project import Directory

app = typer.Typer(
    help="The runtime in the database: install, sql, status.", no_args_is_help=True
)


@app.command()
def install(
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Install the runtime, or upgrade it; does nothing when it is current."""
    from perdure.engine.install import install

    with opened(database_url, configuration(directory)) as database:
        before, after = install(database)
    if json:
        typer.echo(json_.dumps({"before": before.installed, "after": after.installed}))
    elif before.current:
        typer.echo(f"the runtime is current ({after.installed})")
    elif before.installed:
        typer.echo(f"upgraded the runtime from {before.installed} to {after.installed}")
    else:
        typer.echo(f"installed the runtime {after.installed}")


@app.command("sql")
def print_sql() -> None:
    """Print the SQL that installs the runtime, as one transaction."""
    from perdure.engine.install import script

    typer.echo(script(), nl=False)


@app.command()
def status(
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Say which runtime is installed; exit code 1 when it is not the current one."""
    from perdure.engine import client
    from perdure.engine.install import read_status

    with (
        opened(database_url, configuration(directory)) as database,
        client.session(database) as connection,
    ):
        found = read_status(connection)
        working = client.workers(connection)
    if json:
        data = {
            "installed": found.installed,
            "shipped": found.shipped,
            "other_build": found.other_build,
            "current": found.current,
            "worker_connections": working,
        }
        typer.echo(json_.dumps(data))
    else:
        build = " (another build)" if found.other_build else ""
        typer.echo(f"installed: {found.installed or 'nothing'}{build}")
        typer.echo(f"this version brings: {found.shipped}")
        typer.echo(f"worker connections: {working}")
    raise typer.Exit(0 if found.current else 1)
