"""Install the runtime into a database, or bring it up to this version.

The runtime is the files `runtime_sql/NN_subject.sql`, run in order, in one transaction
under an advisory lock: two deployments at once install it once, and a failure leaves
nothing behind. From version to version leads `runtime_sql/upgrade/A--B.sql`, as with
extensions. The rejected way was to drop and create: it would lose the runs.

The digest of the files is kept as the comment of the schema, so that a build from a
checkout is not taken for another build that has the same version.

A database with the extension pg_durable has a runtime already. What compiled workflows
need beside it, schema `perdure`, is installed in the same way: the files
`runtime_sql/8N_perdure_*.sql` and `runtime_sql/support/NN_*.sql`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors, sql

from perdure.assets import assets
from perdure.engine.database import Database, connect
from perdure.engine.errors import EngineError, MissingPrivilege, MissingRuntime

_LOCK = 0x7065726475726501  # "perdure", and 1 for installing
_VERSION = re.compile(
    r"function\s+(?:df\.runtime|perdure\.support)_version\s*\(\s*\)"
    r".*?select\s+'([^']+)'",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Status:
    """What is installed, and what this version of Perdure brings."""

    installed: str | None
    shipped: str
    other_build: bool = False

    @property
    def current(self) -> bool:
        """Whether there is nothing to do."""
        return self.installed == self.shipped and not self.other_build


@dataclass(frozen=True, slots=True)
class Sources:
    """The runtime's files, in a folder.

    `extension` is the oldest version of pg_durable to serve, where the files are those
    that go beside it; empty where they are the whole runtime.
    """

    folder: Path
    extension: tuple[int, ...] = ()

    @property
    def schema(self) -> str:
        """The schema whose comment tells the build."""
        return "perdure" if self.extension else "df"

    @property
    def what(self) -> str:
        """What is installed, in a word."""
        return "support" if self.extension else "runtime"

    @property
    def title(self) -> str:
        """What is installed, as messages call it."""
        return "support of pg_durable" if self.extension else "runtime"

    def files(self) -> list[Path]:
        """Return what is installed, in order."""
        if not self.extension:
            return sorted(self.folder.glob("[0-9][0-9]_*.sql"))
        shared = sorted(self.folder.glob("8[0-9]_perdure_*.sql"))
        return shared + sorted((self.folder / "support").glob("[0-9][0-9]_*.sql"))

    def version(self) -> str:
        """Return the version that the files install."""
        for path in self.files():
            found = _VERSION.search(path.read_text(encoding="utf-8"))
            if found:
                return found[1]
        raise EngineError(f'"{self.folder}" holds no runtime with a version')

    def mark(self) -> str:
        """Return the comment of the schema: version and digest."""
        content = b"\0".join(path.read_bytes() for path in self.files())
        digest = hashlib.sha256(content).hexdigest()[:16]
        return f"Perdure {self.what} {self.version()} {digest}"

    def upgrades(self, installed: str) -> list[Path]:
        """Return the files that lead from a version to this one, in order."""
        path, at, goal = [], installed, self.version()
        folder = self.folder / "support" if self.extension else self.folder
        while at != goal:
            steps = sorted((folder / "upgrade").glob(f"{at}--*.sql"))
            if len(steps) != 1:
                raise EngineError(
                    f"the {self.title} {installed} of this database cannot be upgraded"
                    f" to {goal}: this version of Perdure knows no way"
                )
            path.append(steps[0])
            at = steps[0].stem.partition("--")[2]
        return path


def shipped(extension: tuple[int, ...] = ()) -> Sources:
    """Return the runtime of this version of Perdure, or what goes beside pg_durable."""
    return Sources(assets("runtime_sql"), extension)


def script(sources: Sources | None = None) -> str:
    """Return the SQL that installs the runtime, as one transaction, for psql."""
    sources = sources or shipped()
    parts = [f"-- {path.name}\n{_read(path)}" for path in sources.files()]
    return f"begin;\n\n{''.join(parts)}\n{_mark(sources)};\n\ncommit;\n"


def _mark(sources: Sources) -> str:
    return f"comment on schema {sources.schema} is '{sources.mark()}'"


def read_status(
    connection: psycopg.Connection[Any], sources: Sources | None = None
) -> Status:
    """Return what is installed. Raises EngineError when it is not of this kind."""
    sources = sources or shipped()
    _check_extension(connection, sources)
    function = f"{sources.schema}.{sources.what}_version()"
    row = connection.execute(
        "select to_regnamespace(%(schema)s), to_regprocedure(%(function)s),"
        " obj_description(to_regnamespace(%(schema)s), 'pg_namespace')",
        {"schema": sources.schema, "function": function},
    ).fetchone()
    assert row is not None
    schema, version, comment = row
    if schema is None:
        return Status(None, sources.version())
    if version is None:
        raise EngineError(
            f"schema {sources.schema} of this database is not of Perdure's"
            f" {sources.what}"
        )
    found = connection.execute(
        sql.SQL("select {}").format(sql.SQL(function))
    ).fetchone()
    assert found is not None
    same = found[0] != sources.version() or comment in (None, sources.mark())
    return Status(found[0], sources.version(), other_build=not same)


def _check_extension(connection: psycopg.Connection[Any], sources: Sources) -> None:
    """Raise EngineError unless the extension is there when it is meant, and only then.

    Its schema df would be in the way of the runtime's own.
    """
    row = connection.execute(
        "select extversion from pg_extension where extname = 'pg_durable'"
    ).fetchone()
    if not sources.extension:
        if row is not None:
            raise EngineError(
                "this database has the extension pg_durable, which is a runtime"
                ' already; with target "pg_durable>=0.2.5" what compiled workflows need'
                " is installed beside it"
            )
        return
    if row is None:
        raise EngineError(
            "this database has no extension pg_durable: create extension pg_durable"
        )
    found = tuple(int(part) for part in re.findall(r"\d+", row[0]))
    if found < sources.extension:
        oldest = ".".join(map(str, sources.extension))
        raise EngineError(
            f"this database has pg_durable {row[0]}, and the target is {oldest} or"
            " later"
        )


def install(
    database: Database, sources: Sources | None = None
) -> tuple[Status, Status]:
    """Install or upgrade the runtime; return what was there and what is there now.

    Raises MissingPrivilege when the role may not, EngineError when there is no way
    from what is there, or a file fails.
    """
    sources = sources or shipped()
    with connect(database.url, database.origin) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        before = read_status(connection, sources)
        if before.current:
            return before, before
        for path in _needed(before, sources, database):
            _execute(connection, path.name, _read(path))
        _execute(connection, "comment", _mark(sources))
        return before, read_status(connection, sources)


def _needed(before: Status, sources: Sources, database: Database) -> list[Path]:
    if before.installed is None:
        return sources.files()
    if before.other_build:
        raise EngineError(
            f"the {sources.title} of this database is another build of"
            f" {before.installed}, and there is no upgrade from build to build"
            + ('; "perdure run --fresh" starts anew' if database.embedded else "")
        )
    return sources.upgrades(before.installed)


def _execute(connection: psycopg.Connection[Any], name: str, text: str) -> None:
    try:
        connection.execute(sql.SQL(text))
    except errors.InsufficientPrivilege as error:
        raise MissingPrivilege(
            f"installing it needs more privileges: {_primary(error)};"
            ' "perdure runtime sql" prints what has to be run'
        ) from error
    except psycopg.Error as error:
        raise EngineError(f"{name}: {_primary(error)}") from error


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _primary(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error)


def require_runtime(url: str) -> None:
    """Raise NoDatabase or MissingRuntime unless a worker can work there."""
    with connect(url, autocommit=True) as connection:
        row = connection.execute(
            "select to_regprocedure('df.runtime_version()')"
        ).fetchone()
    if row is None or row[0] is None:
        raise MissingRuntime(
            "the runtime is not installed in this database;"
            ' "perdure runtime install" installs it'
        )
