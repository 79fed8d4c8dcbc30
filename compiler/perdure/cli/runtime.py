"""`perdure runtime`: install or upgrade the runtime, print its SQL, tell its state."""

from __future__ import annotations

import json as json_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.database import DatabaseUrl, Json, configuration, opened
from perdure.cli.project import Directory, fail

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.engine.install import Sources

app = typer.Typer(
    help="The runtime in the database: install, sql, status.", no_args_is_help=True
)

TargetName = Annotated[
    str | None,
    typer.Option(
        "--target",
        help="perdure, or pg_durable>=0.2.5 for what goes beside that extension; "
        "else the project's target.",
        show_default=False,
    ),
]


@app.command()
def install(
    json: Json = False,
    target: TargetName = None,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Install the runtime, or upgrade it; does nothing when it is current."""
    from perdure.engine.install import install

    config = configuration(directory)
    sources = _sources(target, config)
    with opened(database_url, config) as database:
        before, after = install(database, sources)
    if json:
        typer.echo(json_.dumps({"before": before.installed, "after": after.installed}))
    elif before.current:
        typer.echo(f"the {sources.title} is current ({after.installed})")
    elif before.installed:
        versions = f"from {before.installed} to {after.installed}"
        typer.echo(f"upgraded the {sources.title} {versions}")
    else:
        typer.echo(f"installed the {sources.title} {after.installed}")


@app.command("sql")
def print_sql(target: TargetName = None, directory: Directory = Path()) -> None:
    """Print the SQL that installs the runtime, as one transaction."""
    from perdure.engine.install import script

    sources = _sources(target, configuration(directory))
    typer.echo(script(sources), nl=False)


@app.command()
def status(
    json: Json = False,
    target: TargetName = None,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Say which runtime is installed; exit code 1 when it is not the current one."""
    from perdure.engine import client
    from perdure.engine.install import read_status

    config = configuration(directory)
    sources = _sources(target, config)
    with (
        opened(database_url, config) as database,
        client.session(database) as connection,
    ):
        found = read_status(connection, sources)
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
        if not sources.extension:
            typer.echo(f"worker connections: {working}")
    raise typer.Exit(0 if found.current else 1)


def _sources(target: str | None, config: Config) -> Sources:
    """Return what a target needs in the database."""
    from perdure.engine.install import shipped
    from perdure.targets.known import parse_target

    found = parse_target(target or config.target)
    if isinstance(found, str):
        fail(found)
    return shipped(found.version)
