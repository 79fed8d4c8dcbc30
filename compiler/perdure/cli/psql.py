"""`perdure psql`: a look into the database that the other commands work on."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.database import DatabaseUrl, configuration, opened
from perdure.cli.project import Directory, fail

if TYPE_CHECKING:
    from perdure.config import Config


def psql(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGUMENT]...", help="psql's own.")
    ] = None,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Open psql on the database, with psql's own options: -c 'select 1'."""
    config = configuration(directory)
    with opened(database_url, config) as database:
        command = [_program(config), "-d", database.url, *(arguments or ())]
        try:
            code = subprocess.run(command, check=False).returncode
        except FileNotFoundError:
            fail("psql is not installed", f"the database is {database.shown}")
    raise typer.Exit(code)


def _program(config: Config) -> str:
    """Return the psql of the configured or the embedded PostgreSQL, else the PATH's."""
    from perdure.engine.postgres import PostgresMissing, embedded_bin_dir

    try:
        folder = config.postgres_bin_dir or embedded_bin_dir()
    except PostgresMissing:
        return "psql"
    program = folder / "psql"
    return str(program) if program.exists() else "psql"
