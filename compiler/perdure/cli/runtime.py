"""`perdure runtime`: install, upgrade, remove the runtime; its SQL and its state."""

from __future__ import annotations

import json as json_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.database import DatabaseUrl, Json, configuration, opened, reported
from perdure.cli.project import Directory, fail

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.engine.install import Sources, Status

app = typer.Typer(
    help="The runtime in the database: install, upgrade, uninstall, sql, status.",
    no_args_is_help=True,
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


Wait = Annotated[
    float,
    typer.Option(min=0, help="Seconds to wait for steps that are in progress."),
]


@app.command()
def install(
    json: Json = False,
    target: TargetName = None,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Install the runtime; does nothing when it is current."""
    from perdure.engine.install import install

    config = configuration(directory)
    sources = _sources(target, config)
    with opened(database_url, config) as database:
        before, after = install(database, sources)
    _print_change(sources.title, before, after, json)


@app.command()
def upgrade(
    wait: Wait = 60,
    json: Json = False,
    target: TargetName = None,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Upgrade the runtime of a database to this version; runs go on with it."""
    from perdure.engine.upgrade import upgrade

    config = configuration(directory)
    sources = _sources(target, config)
    with opened(database_url, config) as database:
        before, after = upgrade(database, sources, wait=wait, say=_say)
    _print_change(sources.title, before, after, json)


@app.command()
def uninstall(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also while runs have not ended.")
    ] = False,
    versions: Annotated[
        bool,
        typer.Option(
            "--versions", help="Also remove perdure.workflow_versions and its schema."
        ),
    ] = False,
    wait: Wait = 60,
    target: TargetName = None,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Remove the runtime with all its runs; deployed versions stay registered."""
    from perdure.engine.upgrade import uninstall

    config = configuration(directory)
    sources = _sources(target, config)
    with opened(database_url, config) as database:
        if not yes:
            question = f"remove the {sources.title} and all runs from {database.shown}?"
            typer.confirm(question, abort=True, err=True)
        gone = uninstall(
            database, sources, force=force, versions=versions, wait=wait, say=_say
        )
    if gone is None:
        typer.echo(f"there is no {sources.title} in this database")
    else:
        typer.echo(f"removed the {sources.title} {gone}")


@app.command("sql")
def print_sql(
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="VERSION",
            help="Print what upgrades this version instead.",
            show_default=False,
        ),
    ] = None,
    target: TargetName = None,
    directory: Directory = Path(),
) -> None:
    """Print the SQL that installs the runtime, as one transaction."""
    from perdure.engine.install import script
    from perdure.engine.upgrade import upgrade_script

    sources = _sources(target, configuration(directory))
    with reported():
        text = upgrade_script(since, sources) if since else script(sources)
    typer.echo(text, nl=False)


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
        if advice := found.advice(sources.title):
            typer.echo(advice, err=True)
        if not sources.extension:
            typer.echo(f"worker connections: {working}")
    raise typer.Exit(0 if found.current else 1)


def _print_change(title: str, before: Status, after: Status, json: bool) -> None:
    if json:
        typer.echo(json_.dumps({"before": before.installed, "after": after.installed}))
    elif before.current:
        typer.echo(f"the {title} is current ({after.installed})")
    elif before.installed:
        versions = f"from {before.installed} to {after.installed}"
        typer.echo(f"upgraded the {title} {versions}")
    else:
        typer.echo(f"installed the {title} {after.installed}")


def _say(what: str) -> None:
    typer.echo(what, err=True)


def _sources(target: str | None, config: Config) -> Sources:
    """Return what a target needs in the database."""
    from perdure.engine.install import shipped
    from perdure.targets.known import parse_target

    found = parse_target(target or config.target)
    if isinstance(found, str):
        fail(found)
    return shipped(found.version)
