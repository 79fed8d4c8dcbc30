"""What the commands that need a database share: choosing it, and ending on errors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.project import fail, keep_out_of_git

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.engine.client import Connection
    from perdure.engine.database import Database

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        metavar="URL",
        help="The database; else PERDURE_DATABASE_URL, DATABASE_URL, or an embedded "
        "PostgreSQL under .perdure/.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def configuration(directory: Path) -> Config:
    """Return the project's configuration, or the defaults outside of a project.

    Commands on runs are of use without a project, against a database that is named.
    """
    from perdure.cli.project import find_project
    from perdure.config import Config, find_config

    root = directory.absolute()
    config, found = find_config(root)
    if config is None and not found:
        return Config(root=root)
    return find_project(directory)


@contextmanager
def opened(
    url: str | None, config: Config, *, fresh: bool = False
) -> Iterator[Database]:
    """Give the database to work on; end the command on what is in its way.

    `fresh` drops the embedded database first; no other one is ever dropped.
    """
    from perdure.engine.client import reachable
    from perdure.engine.database import open_database

    with reported():
        _refuse_missing_state(url, config)
        if config.source is not None:
            keep_out_of_git(config.state_dir)
        with (
            open_database(
                url, os.environ, config.state_dir, config.postgres_bin_dir, fresh=fresh
            ) as database,
            reachable(database),
        ):
            yield database


@contextmanager
def connected(url: str | None, config: Config) -> Iterator[Connection]:
    """Give a connection to the database with the runtime; else as `opened`."""
    from perdure.engine import client

    with opened(url, config) as database, client.session(database) as connection:
        yield connection


@contextmanager
def reported() -> Iterator[None]:
    """End the command with a message: code 3 without a database, else 2."""
    from perdure.engine.errors import EngineError, NoDatabase

    try:
        yield
    except NoDatabase as error:
        fail(str(error), code=3)
    except EngineError as error:
        fail(str(error))


def _refuse_missing_state(url: str | None, config: Config) -> None:
    """Keep commands from making an embedded database wherever they are called."""
    from perdure.engine.database import choose
    from perdure.engine.errors import NoDatabase

    if choose(url, os.environ) is None and config.source is None:
        raise NoDatabase(
            "no database was named, and there is no project here with an embedded one"
            " (--database-url, PERDURE_DATABASE_URL or DATABASE_URL names one)"
        )
