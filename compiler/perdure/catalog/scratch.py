"""The scratch database: the schema, loaded into a PostgreSQL once per content.

On the private cluster a scratch database is named after the digest of its schema and
stays, so that a later miss of the cache finds it; the least recently used ones are
dropped. It is loaded under another name, with a lock held, and gets its name when it
is complete. On a server given by URL it is dropped when the catalog is closed.

The private cluster runs without durability, and is made anew when it is damaged.
"""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from perdure.catalog.loader import Loader
from perdure.catalog.schema import Schema
from perdure.catalog.settings import ServerOptions
from perdure.catalog.wire import version_of
from perdure.diagnostics import Diagnostic
from perdure.engine.postgres import PostgresFailed, Server, start_embedded

_NAME = "perdure_scratch_"
# What steps may ask of a runtime, as far as the check of a statement needs it.
_CLOCK = """
create schema if not exists perdure;
create or replace function perdure.now() returns timestamptz
language sql stable parallel safe
as 'select pg_catalog.now()';
"""
_END_SESSIONS = """
select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
where datname = %s
"""
_RENAMES = 12
_KEPT = 4
_ABANDONED_SECONDS = 3600
_VOLATILE_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "40",
}


class Scratch:
    """A server, and on it a database that holds the schema."""

    def __init__(
        self,
        options: ServerOptions,
        cluster_dir: Path,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self._options = options
        self._cluster_dir = cluster_dir
        self._tell = progress or (lambda _: None)
        self._server: Server | None = None
        self._own: str | None = None

    def load(self, schema: Schema) -> str | list[Diagnostic]:
        """Return the URL of a database with the schema, or what is wrong with it.

        Raises EngineError when there is no server to use.
        """
        with self._maintenance() as connection:
            if self._options.url:
                return self._load_given(connection, schema)
            return self._load_private(connection, schema)

    def version(self) -> str:
        """Return the version of the server, like `18.4`. Raises EngineError."""
        with self._maintenance() as connection:
            return version_of(connection)

    def close(self) -> None:
        """Drop the database on a given server, give up the private one."""
        if self._own is not None:
            own, self._own = self._own, None
            with self._maintenance() as connection:
                _drop(connection, own)
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _load_given(
        self, connection: psycopg.Connection, schema: Schema
    ) -> str | list[Diagnostic]:
        _drop_abandoned(connection)
        name = _NAME + uuid.uuid4().hex[:16]
        self._own = name
        return self._fill(connection, name, schema) or self._url(name)

    def _load_private(
        self, connection: psycopg.Connection, schema: Schema
    ) -> str | list[Diagnostic]:
        name = _NAME + schema.digest[:32]
        key = int(schema.digest[:15], 16)
        connection.execute("select pg_catalog.pg_advisory_lock(%s)", [key])
        try:
            if not _exists(connection, name):
                _drop(connection, f"{name}_new", left=True)
                found = self._fill(connection, f"{name}_new", schema)
                if found:
                    _drop(connection, f"{name}_new", left=True)
                    return found
                _rename(connection, f"{name}_new", name)
            _touch(connection, name)
        finally:
            connection.execute("select pg_catalog.pg_advisory_unlock(%s)", [key])
        _drop_oldest(connection, name)
        return self._url(name)

    def _fill(
        self, connection: psycopg.Connection, name: str, schema: Schema
    ) -> list[Diagnostic]:
        self._tell("loading the schema")
        _create(connection, name)
        with psycopg.connect(self._url(name), autocommit=True) as target:
            for file in schema.files:
                found = Loader(target, connection, file, self._options).load()
                if found:
                    return found
            target.execute(_CLOCK)
        return []

    def _url(self, name: str) -> str:
        if self._options.url:
            return make_conninfo(self._options.url, dbname=name)
        assert self._server is not None
        return self._server.url(name)

    @contextlib.contextmanager
    def _maintenance(self) -> Iterator[psycopg.Connection]:
        with self._connect() as connection:
            yield connection

    def _connect(self) -> psycopg.Connection:
        if self._options.url:
            return self._connect_given(self._options.url)
        if self._server is None:
            self._tell("starting PostgreSQL")
            self._server = self._start()
        return psycopg.connect(self._server.url(), autocommit=True)

    def _connect_given(self, url: str) -> psycopg.Connection:
        try:
            return psycopg.connect(url, autocommit=True, connect_timeout=10)
        except psycopg.Error as failure:
            raise PostgresFailed(
                f"can't connect to the server for scratch databases: {failure}"
            ) from failure

    def _start(self) -> Server:
        folder, bin_dir = self._cluster_dir, self._options.bin_dir
        try:
            return start_embedded(folder, bin_dir, settings=_VOLATILE_SETTINGS)
        except PostgresFailed:
            if not (folder / "data" / "PG_VERSION").exists():
                raise
            shutil.rmtree(folder, ignore_errors=True)  # nothing in it is of value
            return start_embedded(folder, bin_dir, settings=_VOLATILE_SETTINGS)


def _exists(connection: psycopg.Connection, name: str) -> bool:
    query = "select from pg_catalog.pg_database where datname = %s"
    return connection.execute(query, [name]).fetchone() is not None


def _create(connection: psycopg.Connection, name: str) -> None:
    try:
        connection.execute(
            sql.SQL("create database {} template template0 encoding 'UTF8'").format(
                sql.Identifier(name)
            )
        )
    except psycopg.Error as failure:
        raise PostgresFailed(f"can't make a scratch database: {failure}") from failure
    _touch(connection, name)


def _rename(connection: psycopg.Connection, name: str, new: str) -> None:
    """Rename a database that no process uses any more.

    A session that was closed is there until its backend has ended, which PostgreSQL
    waits five seconds for: too little on a machine that has much else to do.
    """
    statement = sql.SQL("alter database {} rename to {}").format(
        sql.Identifier(name), sql.Identifier(new)
    )
    for attempts_left in reversed(range(_RENAMES)):
        connection.execute(_END_SESSIONS, [name])
        try:
            connection.execute(statement)
            return
        except psycopg.errors.ObjectInUse:
            if not attempts_left:
                raise


def _touch(connection: psycopg.Connection, name: str) -> None:
    """Note when a scratch database was last used."""
    connection.execute(
        sql.SQL("comment on database {} is {}").format(
            sql.Identifier(name), sql.Literal(str(int(time.time())))
        )
    )


def _drop(connection: psycopg.Connection, name: str, *, left: bool = False) -> None:
    """Drop a scratch database; one that is in use only where its users have left."""
    force = sql.SQL(" with (force)" if left else "")
    with contextlib.suppress(psycopg.errors.ObjectInUse):
        connection.execute(
            sql.SQL("drop database if exists {}{}").format(sql.Identifier(name), force)
        )


def _scratches(connection: psycopg.Connection) -> list[tuple[str, float]]:
    """Return scratch databases that nobody is connected to, the last used first."""
    rows = connection.execute(
        "select d.datname, pg_catalog.shobj_description(d.oid, 'pg_database')"
        " from pg_catalog.pg_database d"
        " where pg_catalog.starts_with(d.datname::text, %s) and not exists ("
        "  select from pg_catalog.pg_stat_activity a where a.datid = d.oid)",
        [_NAME],
    ).fetchall()
    used = [
        (name, float(note) if (note or "").isdigit() else 0.0) for name, note in rows
    ]
    return sorted(used, key=lambda item: -item[1])


def _drop_oldest(connection: psycopg.Connection, current: str) -> None:
    others = [name for name, _ in _scratches(connection) if name != current]
    for name in others[_KEPT - 1 :]:
        _drop(connection, name)


def _drop_abandoned(connection: psycopg.Connection) -> None:
    """Drop what a process left behind that was killed."""
    limit = time.time() - _ABANDONED_SECONDS
    for name, used in _scratches(connection):
        if 0 < used < limit:
            _drop(connection, name)
