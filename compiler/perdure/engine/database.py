"""Which database a command works on, and the way to it.

`--database-url`, then `PERDURE_DATABASE_URL`, then `DATABASE_URL`, then an embedded
PostgreSQL, which can be named, too, as `embedded`; its data lives in the project's
state folder. The embedded one runs for as long as a command needs it and is shared by
commands that run at the same time; its data stays, so a run goes on with the next
command that has a worker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from perdure.engine.errors import NoDatabase, UsageError
from perdure.engine.postgres import PostgresFailed, PostgresMissing, start_embedded

VARIABLES = ("PERDURE_DATABASE_URL", "DATABASE_URL")
EMBEDDED_NAME = "perdure"
EMBEDDED = "embedded"
# Workers are found, and counted, in pg_stat_activity by this name.
WORKER_APPLICATION = "perdure worker"
CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """A database that was named; `origin` is where, as a user would write it."""

    url: str
    origin: str


@dataclass(frozen=True, slots=True)
class Database:
    """A database that can be connected to."""

    url: str
    origin: str
    embedded: bool = False

    @property
    def shown(self) -> str:
        """The database as it may be printed: without a password."""
        return describe(self.url)


def choose(option: str | None, environ: Mapping[str, str]) -> Choice | None:
    """Return the database that was named, None where the embedded one is meant.

    A variable that is empty is one that is not set. Raises UsageError for an option
    that is empty: what was to fill it was probably not set.
    """
    if option is not None and not option.strip():
        raise UsageError(
            "the URL of the database is empty (--database-url or --db)\n"
            "  = help: give one, as postgresql://user@host/name; "
            f'"{EMBEDDED}" is the project\'s embedded PostgreSQL'
        )
    named = {"--database-url": option} | {name: environ.get(name) for name in VARIABLES}
    for origin, url in named.items():
        if url:
            return None if url == EMBEDDED else Choice(url, origin)
    return None


@contextmanager
def open_database(
    option: str | None,
    environ: Mapping[str, str],
    state_dir: Path,
    bin_dir: Path | None = None,
    *,
    fresh: bool = False,
) -> Iterator[Database]:
    """Give the database to work on; the embedded one is started and stopped.

    `fresh` makes the embedded one anew. Raises NoDatabase when it cannot be reached,
    UsageError when another one should be made anew.
    """
    choice = choose(option, environ)
    if choice is not None:
        if fresh:
            raise UsageError(
                f"only the embedded database can be made anew, and {choice.origin}"
                " names another one"
            )
        database = Database(choice.url, choice.origin)
        connect(database.url, database.origin).close()
        yield database
        return
    with _embedded(state_dir, bin_dir, fresh) as database:
        yield database


@contextmanager
def _embedded(state_dir: Path, bin_dir: Path | None, fresh: bool) -> Iterator[Database]:
    try:
        server = start_embedded(state_dir / "postgres", bin_dir)
    except (OSError, PostgresFailed, PostgresMissing) as error:
        named = ", ".join(("--database-url", *VARIABLES))
        raise NoDatabase(
            f"the embedded PostgreSQL did not start: {error}\n"
            f"(another database can be named with {named})"
        ) from error
    try:
        _create_database(server.url("postgres"), fresh)
        yield Database(server.url(EMBEDDED_NAME), "the embedded PostgreSQL", True)
    finally:
        server.stop()


def _create_database(url: str, fresh: bool) -> None:
    with connect(url, "the embedded PostgreSQL", autocommit=True) as connection:
        name = sql.Identifier(EMBEDDED_NAME)
        if fresh:
            drop = sql.SQL("drop database if exists {} with (force)")
            connection.execute(drop.format(name))
        query = "select 1 from pg_catalog.pg_database where datname = %s"
        if connection.execute(query, [EMBEDDED_NAME]).fetchone() is None:
            # Another command may be making it at this moment.
            with suppress(errors.DuplicateDatabase, errors.UniqueViolation):
                connection.execute(sql.SQL("create database {}").format(name))


def connect(
    url: str, origin: str = "the database", **options: Any
) -> psycopg.Connection[tuple[Any, ...]]:
    """Connect; `options` are psycopg's. Raises NoDatabase with a message for users."""
    settings: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "perdure",
        **options,
    }
    try:
        return psycopg.connect(url, **settings)
    except psycopg.Error as error:
        raise no_database(error, url, origin) from error


def no_database(error: psycopg.Error, url: str, origin: str) -> NoDatabase:
    """Return the error that says why a database cannot be reached."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("Is the server running")]
    last = lines[-1].removeprefix("FATAL:").strip() if lines else "no reason given"
    # PostgreSQL's own words are there when a session was lost, not when none was begun.
    reason = error.diag.message_primary or last
    if isinstance(error, psycopg.ProgrammingError):
        return NoDatabase(f"{origin} is not a PostgreSQL URL: {reason}")
    return NoDatabase(f"cannot connect to {describe(url)} (from {origin}): {reason}")


def describe(url: str) -> str:
    """Return `host:port/database` of a URL or connection string, without secrets."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "the database"
    host = parts.get("host") or "local socket"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{host}{port}/{parts.get('dbname') or ''}".rstrip("/")


def has_password(url: str) -> bool:
    """Say whether a URL or connection string must not be printed."""
    try:
        return "password" in conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return True
