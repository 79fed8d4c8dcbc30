"""Bring versions into a database, and remember what an embedded one was made from."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql

Connection = psycopg.Connection[tuple[object, ...]]

_MADE_FROM = "perdure.made_from"


def missing_versions(
    connection: Connection, versions: Iterable[tuple[str, int]]
) -> list[tuple[str, int]]:
    """Return the versions, in the order given, that the database does not register."""
    rows = connection.execute("select name, version from perdure.workflow_versions")
    there = {(row[0], row[1]) for row in rows}
    return [each for each in versions if each not in there]


def apply_migration(connection: Connection, text: str) -> None:
    """Run a migration in one transaction."""
    with connection.transaction():
        connection.execute(text.encode())


def made_from(connection: Connection) -> str | None:
    """Return the digest of the schema that the database was made from.

    It is kept as a setting of the database: the user's schema stays the user's.
    """
    row = connection.execute(
        "select substring(setting from '=(.*)') from pg_catalog.pg_db_role_setting s"
        " cross join unnest(s.setconfig) as setting"
        " join pg_catalog.pg_database d on d.oid = s.setdatabase"
        " where d.datname = current_database() and setting like %s",
        [f"{_MADE_FROM}=%"],
    ).fetchone()
    return str(row[0]) if row else None


def note_made_from(connection: Connection, digest: str) -> None:
    """Remember the digest of the schema that the database was made from."""
    name = connection.info.dbname
    connection.execute(
        sql.SQL("alter database {} set {} = {}").format(
            sql.Identifier(name), sql.SQL(_MADE_FROM), sql.Literal(digest)
        )
    )
