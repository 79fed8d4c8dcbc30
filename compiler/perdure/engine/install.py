"""Install the runtime into a database, and tell what is installed there.

The runtime is the files `runtime_sql/NN_subject.sql`, run in order, in one transaction
under an advisory lock: two deployments at once install it once, and a failure leaves
nothing behind. How it gets from version to version stands in upgrade.py.

The digest of the files is kept as the comment of the schema, so that a build from a
checkout is not taken for another build that has the same version.

A database with the extension pg_durable has a runtime already. What compiled workflows
need beside it, schema `perdure`, is installed in the same way: the files
`runtime_sql/8N_perdure_*.sql` and `runtime_sql/support/NN_*.sql`, and the runtime's
schedules, whose functions are made in schema `perdure` there. The rejected way, a copy
of that file, is two rules of summer time.
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

LOCK = 0x7065726475726501  # "perdure", and 1 for installing
_BORROWED = "45_schedule.sql"
_OWN_SCHEMAS = re.compile(r"\bdf_(graph|engine)\.")
_VERSION = re.compile(
    r"function\s+(?:df\.runtime|perdure\.support)_version\s*\(\s*\)"
    r".*?select\s+'([^']+)'",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Status:
    """What is installed, and what this version of Perdure brings.

    `build` is the mark that the installation left, None where it was made by hand.
    """

    installed: str | None
    shipped: str
    other_build: bool = False
    build: str | None = None

    @property
    def current(self) -> bool:
        """Whether there is nothing to do."""
        return self.installed == self.shipped and not self.other_build

    @property
    def older(self) -> bool:
        """Whether the database has an older version than this one."""
        return self.installed is not None and _numbers(self.installed) < _numbers(
            self.shipped
        )

    @property
    def newer(self) -> bool:
        """Whether the database has a newer version than this one."""
        return self.installed is not None and _numbers(self.installed) > _numbers(
            self.shipped
        )

    def advice(self, what: str = "runtime") -> str | None:
        """Return what is wrong and what to do about it; None when it is current."""
        if self.current:
            return None
        if self.installed is None:
            return (
                f"the {what} is not installed in this database;"
                ' "perdure runtime install" installs it'
            )
        there = f"this database has the {what} {self.installed}"
        if self.older:
            return (
                f"{there}, and this version of Perdure brings {self.shipped};"
                ' "perdure runtime upgrade" upgrades it, with runs in flight'
            )
        if self.newer:
            return (
                f"{there}, which is newer than the {self.shipped} that this version of"
                " Perdure knows; upgrade Perdure"
            )
        return (
            f"{there} from another build, and there is no upgrade from build to build"
            " of one version; releases of Perdure do not do this"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


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

    @property
    def schemas(self) -> tuple[str, ...]:
        """The schemas that belong to it, the first one's owner being its owner."""
        if self.extension:
            return ("perdure",)
        return ("df", "df_graph", "df_engine", "df_exec", "perdure")

    def files(self) -> list[Path]:
        """Return what is installed, in order."""
        if not self.extension:
            return sorted(self.folder.glob("[0-9][0-9]_*.sql"))
        shared = sorted(self.folder.glob("8[0-9]_perdure_*.sql"))
        support = sorted((self.folder / "support").glob("[0-9][0-9]_*.sql"))
        return [*shared, self.folder / _BORROWED, *support]

    def parts(self) -> list[tuple[str, str]]:
        """Return name and text of what is installed, in order."""
        return [(path.name, self._text(path)) for path in self.files()]

    def _text(self, path: Path) -> str:
        text = read(path)
        if self.extension and path.name == _BORROWED:
            return _OWN_SCHEMAS.sub("perdure.", text)
        return text

    def version(self) -> str:
        """Return the version that the files install."""
        for _, text in self.parts():
            found = _VERSION.search(text)
            if found:
                return found[1]
        raise EngineError(f'"{self.folder}" holds no runtime with a version')

    def mark(self) -> str:
        """Return the comment of the schema: version and digest."""
        content = "\0".join(text for _, text in self.parts())
        digest = hashlib.sha256(content.encode()).hexdigest()[:16]
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
    parts = [f"-- {name}\n{text}" for name, text in sources.parts()]
    return f"begin;\n\n{''.join(parts)}\n{comment(sources)};\n\ncommit;\n"


def comment(sources: Sources) -> str:
    """Return the statement that notes which build is installed."""
    return f"comment on schema {sources.schema} is '{sources.mark()}'"


def read_status(
    connection: psycopg.Connection[Any], sources: Sources | None = None
) -> Status:
    """Return what is installed. Raises EngineError when it is not of this kind."""
    sources = sources or shipped()
    _check_encoding(connection)
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
    if version is None and sources.extension and _is_remainder(connection):
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
    return Status(found[0], sources.version(), other_build=not same, build=comment)


def _is_remainder(connection: psycopg.Connection[Any]) -> bool:
    """Say whether schema perdure holds what an uninstall has left: tables alone."""
    row = connection.execute(
        "select to_regclass('perdure.workflow_versions') is not null"
        " and not exists (select from pg_proc"
        "  where pronamespace = to_regnamespace('perdure'))"
    ).fetchone()
    return row is not None and bool(row[0])


def _check_encoding(connection: psycopg.Connection[Any]) -> None:
    """Raise EngineError when nobody knows what the text in the database means.

    The driver gives bytes there, and JSON needs Unicode. Of others doctor warns.
    """
    found = connection.execute("select getdatabaseencoding()").fetchone()
    assert found is not None
    name = found[0].decode() if isinstance(found[0], bytes) else found[0]
    if name == "SQL_ASCII":
        raise EngineError(
            f"this database has the encoding {name}, and the runtime needs UTF8:"
            " create database ... template template0 encoding 'UTF8'"
        )


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
    """Install the runtime where there is none; return what was there and what is now.

    Raises MissingPrivilege when the role may not, EngineError when there is another
    version, or a file fails.
    """
    sources = sources or shipped()
    with connect(database.url, database.origin) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        before = read_status(connection, sources)
        if before.installed is None:
            for name, text in sources.parts():
                execute(connection, name, text)
            execute(connection, "comment", comment(sources))
        elif not before.current:
            raise EngineError(refusal(before, sources, database))
        return before, read_status(connection, sources)


def refusal(status: Status, sources: Sources, database: Database) -> str:
    """Return why what is installed cannot be used as it is."""
    hint = ""
    if status.other_build and database.embedded:
        hint = '; "perdure run --fresh" starts anew'
    return f"{status.advice(sources.title)}{hint}"


def execute(connection: psycopg.Connection[Any], name: str, text: str) -> None:
    """Run a file of the runtime; its name is part of the error that it may raise."""
    try:
        connection.execute(sql.SQL(text))
    except errors.InsufficientPrivilege as error:
        raise MissingPrivilege(
            f"installing it needs more privileges: {_primary(error)};"
            ' "perdure runtime sql" prints what has to be run'
        ) from error
    except psycopg.Error as error:
        raise EngineError(f"{name}: {_primary(error)}") from error


def read(path: Path) -> str:
    """Return the text of a file of the runtime."""
    return path.read_text(encoding="utf-8")


def _primary(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error)


def require_runtime(url: str) -> Status:
    """Return what is installed.

    Raises NoDatabase, or MissingRuntime unless a worker of this version can work there:
    with a runtime of its version, or a newer one, which still answers its calls.
    """
    with connect(url, autocommit=True) as connection:
        status = read_status(connection)
    if status.installed is None or status.older:
        raise MissingRuntime(str(status.advice()))
    return status
