"""Bring the runtime of a database to this version, with runs in flight; or remove it.

Tables stay and are altered by `runtime_sql/upgrade/A--B.sql`, version by version.
Everything else is dropped, and made anew from the files that a fresh install runs, so
that there is no second text of any function. All of it is one transaction that holds
every table of the runtime: it waits for steps and commands in progress, those that come
wait for it, and workers go on in the new code. The rejected way was `create or replace`
in each upgrade file: it cannot change a signature, and it forgets what went away.

While steps are waited for, nobody can begin one. So the wait is short, and is tried
again after a pause in which work goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors, sql

from perdure.engine.database import Database, connect
from perdure.engine.errors import EngineError, UsageError
from perdure.engine.install import (
    LOCK,
    Sources,
    Status,
    comment,
    execute,
    install,
    read,
    read_status,
    refusal,
    shipped,
)
from perdure.engine.statements import code

Connection = psycopg.Connection[Any]

# How long all work stands still, at most, before it is let go on again.
HOLD_MS = 2000
PAUSE_SECONDS = 1.0
SHOWN_RUNS = 5

_BUSY = """
select distinct format('session %%s (%%s, for %%s s): %%s', a.pid, a.application_name,
  extract(epoch from clock_timestamp() - a.xact_start)::integer,
  left(regexp_replace(a.query, '\\s+', ' ', 'g'), 60))
from pg_catalog.pg_locks l
join pg_catalog.pg_class c on c.oid = l.relation
join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.granted and l.pid <> pg_backend_pid()
  and l.database = (select oid from pg_database where datname = current_database())
  and c.relnamespace::regnamespace::text = any (%s) and c.relkind in ('r', 'v')
  and a.backend_type = 'client backend'
"""


def upgrade(
    database: Database,
    sources: Sources | None = None,
    *,
    wait: float = 60.0,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Status, Status]:
    """Upgrade the runtime; return what was there and what is there now.

    Waits for steps in progress for `wait` seconds. `say` is told what is waited for.
    Raises EngineError when there is no way from what is there, or the wait is over.
    """
    sources = sources or shipped()
    with connect(database.url, database.origin) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        before = read_status(connection, sources)
        if before.current:
            return before, before
        if not before.older or before.installed is None:
            raise EngineError(refusal(before, sources, database))
        steps = list(_steps(sources, before.installed))
        _lock(connection, sources, wait, say)
        for name, text in steps:
            execute(connection, name, text)
        return before, read_status(connection, sources)


def provide(database: Database) -> tuple[Status, Status]:
    """Install the runtime where there is none; upgrade it if the database is embedded.

    Nobody but its project uses an embedded database, so nobody has to be asked.
    """
    with connect(database.url, database.origin) as connection:
        before = read_status(connection)
    if before.older and database.embedded:
        return upgrade(database)
    return install(database)


def upgrade_script(installed: str, sources: Sources | None = None) -> str:
    """Return the SQL that upgrades a version to this one, as one transaction."""
    sources = sources or shipped()
    check = (
        f"do $$ begin\n  if {sources.schema}.{sources.what}_version() <> '{installed}'"
        f" then\n    raise exception 'the {sources.what} of this database is %',"
        f" {sources.schema}.{sources.what}_version();\n  end if;\nend $$;\n"
    )
    settings = f"{_schemas(sources.schemas)};\nset local lock_timeout = '{HOLD_MS}ms';"
    lock = read(_folder(sources) / "lock.sql")
    parts = "".join(f"-- {name}\n{text}\n" for name, text in _steps(sources, installed))
    return f"begin;\n\n{check}{settings}\n{lock}\n{parts};\n\ncommit;\n"


def _steps(sources: Sources, installed: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of what is run once the tables are locked."""
    folder = _folder(sources)
    yield "drop.sql", read(folder / "drop.sql")
    for path in sources.upgrades(installed):
        yield path.name, read(path)
    for name, text in sources.parts():
        yield name, code(text)
    yield "restore.sql", read(folder / "restore.sql")
    yield "comment", comment(sources)


def _folder(sources: Sources) -> Path:
    return sources.folder / "upgrade"


def _schemas(schemas: tuple[str, ...]) -> str:
    return f"set local perdure.schemas = '{','.join(schemas)}'"


def _lock(
    connection: Connection,
    sources: Sources,
    wait: float,
    say: Callable[[str], None],
) -> None:
    """Take all tables, as often as it needs, letting work go on in between."""
    text = read(_folder(sources) / "lock.sql")
    settings = f"{_schemas(sources.schemas)}; set local lock_timeout = '{HOLD_MS}ms'"
    deadline = time.monotonic() + wait
    said: set[str] = set()
    while True:
        try:
            with connection.transaction():
                connection.execute(sql.SQL(f"{settings}; {text}"))
            return
        except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
            busy = [
                row[0] for row in connection.execute(_BUSY, [list(sources.schemas)])
            ]
            if time.monotonic() > deadline:
                raise EngineError(
                    f"the {sources.title} is in use, and stays as it is:\n"
                    + "\n".join(busy)
                ) from error
            for line in busy:
                if line.split(")")[0] not in said:
                    say(f"waiting for {line}")
                    said.add(line.split(")")[0])
            time.sleep(PAUSE_SECONDS)
        except errors.InsufficientPrivilege as error:
            raise EngineError(str(error.diag.message_primary)) from error


def uninstall(
    database: Database,
    sources: Sources | None = None,
    *,
    force: bool = False,
    versions: bool = False,
    wait: float = 60.0,
    say: Callable[[str], None] = lambda _: None,
) -> str | None:
    """Remove the runtime; return the version that was there, None for none.

    The table of deployed versions stays unless `versions` says otherwise. Raises
    UsageError while there are runs that have not ended, unless it is forced.
    """
    sources = sources or shipped()
    with connect(database.url, database.origin) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        before = read_status(connection, sources)
        if before.installed is None:
            return None
        _lock(connection, sources, wait, say)
        if not force and not sources.extension:
            _refuse_active_runs(connection)
        drop = read(_folder(sources) / "drop.sql")
        execute(connection, "drop.sql", drop)
        gone = [each for each in sources.schemas if each != "perdure" or versions]
        tables = f"{_schemas(tuple(gone))}; set local perdure.drop_tables = 'on'"
        if gone:
            execute(connection, "drop.sql", f"{tables}; {drop}")
            execute(connection, "schemas", f"drop schema {', '.join(gone)}")
    return before.installed


def _refuse_active_runs(connection: Connection) -> None:
    rows = connection.execute(
        "select run_id, label, count(*) over () from df_engine.instances"
        " where status = 'active' order by id limit %s",
        [SHOWN_RUNS],
    ).fetchall()
    if not rows:
        return
    shown = ", ".join(f"{run} ({label})" if label else run for run, label, _ in rows)
    more = f" and {rows[0][2] - len(rows)} more" if rows[0][2] > len(rows) else ""
    raise UsageError(
        f"{rows[0][2]} runs have not ended: {shown}{more}\n"
        "(--force removes the runtime with them)"
    )
