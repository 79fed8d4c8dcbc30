"""The scratch database: the schema, loaded into a PostgreSQL once per content.

On the private cluster a scratch database is named after the digest of its schema and
stays, so that a later miss of the cache finds it; the least recently used ones are
dropped. It is loaded under another name, with a lock held, and gets its name when it
is complete. On a server given by URL it is dropped when the catalog is closed.

Roles belong to the whole server. The private cluster gets those that a schema names
in `grant` and the like; on a server given by URL nothing outside of the scratch
database is touched, and statements about roles are left out.

The private cluster runs without durability, and is made anew when it is damaged.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from perdure.catalog.model import Rejected
from perdure.catalog.schema import Schema, without_down
from perdure.catalog.script import Statement, split_script
from perdure.catalog.settings import ServerOptions
from perdure.catalog.wire import execute
from perdure.diagnostics import Diagnostic, error
from perdure.engine.postgres import PostgresFailed, Server, start_embedded
from perdure.source import Source, Span

CODE_REFUSED = "WF501"
CODE_EXTENSION = "WF502"

_NAME = "perdure_scratch_"
_KEPT = 4
_ABANDONED_SECONDS = 3600
_VOLATILE_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "40",
}
_EXTENSION = re.compile(
    r"\s*create\s+extension\s+(?:if\s+not\s+exists\s+)?(\"[^\"]+\"|[\w-]+)", re.I
)
_GLOBAL = re.compile(
    r"\s*(?:create|alter|drop)\s+(?:role|user|group|database|tablespace)\b(?!\s+mapping)"
    r"|\s*(?:reassign|drop)\s+owned\b|\s*alter\s+system\b",
    re.I,
)
_NEW_ROLE = re.compile(r"\s*create\s+(?:role|user|group)\b(?!\s+mapping)", re.I)
_NO_ROLE = re.compile(r'role "(.+)" does not exist')
_TOKEN = re.compile(r'"[^"]*"|\w+|\S')


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
                _drop(connection, f"{name}_new")
                found = self._fill(connection, f"{name}_new", schema)
                if found:
                    _drop(connection, f"{name}_new")
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
                found = Loader(target, connection, file, not self._options.url).load()
                if found:
                    return found
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


class Loader:
    """Runs one file of a schema."""

    def __init__(
        self,
        target: psycopg.Connection,
        maintenance: psycopg.Connection,
        file: Source,
        private: bool,
    ) -> None:
        self._target = target
        self._maintenance = maintenance
        self._file = file
        self._private = private

    def load(self) -> list[Diagnostic]:
        """Run the statements up to the first that PostgreSQL refuses."""
        statements = split_script(without_down(self._file.text))
        for number, statement in enumerate(statements):
            if not self._private and _GLOBAL.match(statement.text):
                continue
            refused = self._run(statement)
            if refused is not None:
                return self._findings(statements[number:], refused)
        # What a file sets, or leaves open, must not reach into the next one.
        execute(self._target.pgconn, "commit")
        execute(self._target.pgconn, "discard all")
        return []

    def _run(self, statement: Statement) -> Rejected | None:
        tried: set[str] = set()
        while True:
            refused = execute(self._target.pgconn, statement.text)
            if refused is None or not self._private:
                return refused
            if refused.sqlstate == "42710" and _NEW_ROLE.match(statement.text):
                return None
            role = refused.sqlstate == "42704" and _NO_ROLE.search(refused.message)
            if not role or role[1] in tried:
                return refused
            tried.add(role[1])
            self._maintenance.execute(
                sql.SQL("create role {}").format(sql.Identifier(role[1]))
            )

    def _findings(self, rest: list[Statement], refused: Rejected) -> list[Diagnostic]:
        if _is_missing_extension(rest[0], refused):
            return [self._no_extension(each) for each in self._missing(rest)]
        return [self._refused(rest[0], refused)]

    def _missing(self, rest: list[Statement]) -> list[Statement]:
        """Return the first statement, and all later ones that will fail alike."""
        rows = self._maintenance.execute("select name from pg_available_extensions")
        available = {row[0] for row in rows}
        later = [
            each
            for each in rest[1:]
            if (match := _EXTENSION.match(each.text))
            and match[1].strip('"') not in available
        ]
        return [rest[0], *later]

    def _no_extension(self, statement: Statement) -> Diagnostic:
        match = _EXTENSION.match(statement.text)
        assert match is not None
        start, end = (statement.start + at for at in match.span(1))
        server = "embedded PostgreSQL" if self._private else "server"
        return error(
            CODE_EXTENSION,
            Span(self._file.path, start, end),
            f'the schema needs the extension "{match[1].strip(chr(34))}", '
            f"which the {server} does not have",
            "statements are checked in a scratch database that holds the schema",
            help='set "postgres.bin_dir" to the bin folder of an installed PostgreSQL '
            'that has it (a private cluster is made from it), or "postgres.url" to a '
            "server that has it (a scratch database is made and dropped there)",
        )

    def _refused(self, statement: Statement, refused: Rejected) -> Diagnostic:
        at = refused.position
        match = _TOKEN.match(statement.text, at) if at is not None else None
        first = match or _TOKEN.match(statement.text)
        assert first is not None
        start, end = (statement.start + place for place in first.span())
        notes = [refused.detail] if refused.detail else []
        return error(
            CODE_REFUSED,
            Span(self._file.path, start, end),
            f"PostgreSQL refuses the schema: {refused.message}",
            *notes,
            help=refused.hint,
            sqlstate=refused.sqlstate,
        )


def _is_missing_extension(statement: Statement, refused: Rejected) -> bool:
    # 0A000 says so since PostgreSQL 15; before, the control file could not be opened.
    return bool(_EXTENSION.match(statement.text)) and refused.sqlstate in (
        "0A000",
        "58P01",
    )


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
    connection.execute(
        sql.SQL("alter database {} rename to {}").format(
            sql.Identifier(name), sql.Identifier(new)
        )
    )


def _touch(connection: psycopg.Connection, name: str) -> None:
    """Note when a scratch database was last used."""
    connection.execute(
        sql.SQL("comment on database {} is {}").format(
            sql.Identifier(name), sql.Literal(str(int(time.time())))
        )
    )


def _drop(connection: psycopg.Connection, name: str) -> None:
    with contextlib.suppress(psycopg.errors.ObjectInUse):
        connection.execute(
            sql.SQL("drop database if exists {}").format(sql.Identifier(name))
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
