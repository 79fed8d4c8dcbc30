"""Bring versions into a database, and tell which ones are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import errors, sql

from perdure.engine.errors import EngineError

Connection = psycopg.Connection[tuple[object, ...]]

LOCK = 0x7065726475726502  # "perdure", and 2 for deploying
_MADE_FROM = "perdure.made_from"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A version as the database registers it."""

    name: str
    version: int
    digest: str
    target: str
    compiler: str
    at: datetime
    by: str
    retired_at: datetime | None = None


# A lock or a statement that took too long, a query that was cancelled, a deadlock.
_BUSY = ("55P03", "57014", "40P01")


class FailedMigration(EngineError):
    """PostgreSQL refused a migration; nothing of it is there.

    `denied` says that the role lacks a privilege, `unfit` that the database has runs,
    callers or versions that stand in its way (PD034), `busy` that another session was
    in its way; `hint` is PostgreSQL's.
    """

    def __init__(
        self,
        message: str,
        *,
        denied: bool = False,
        unfit: bool = False,
        busy: bool = False,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.denied = denied
        self.unfit = unfit
        self.busy = busy
        self.hint = hint


def deployed_versions(connection: Connection) -> list[Deployed]:
    """Return the registered versions, by workflow and version."""
    if not _exists(connection, "perdure.workflow_versions"):
        return []
    retired = "retired_at" if _has_changes(connection) else "null::timestamptz"
    rows = connection.execute(
        sql.SQL(
            "select name, version, digest, target, compiler_version, deployed_at,"
            " deployed_by, {} from perdure.workflow_versions order by name, version"
        ).format(sql.SQL(retired))
    )
    return [Deployed(*row) for row in rows]  # type: ignore[arg-type]  # the columns fit


def applied_changes(connection: Connection) -> list[tuple[str, int, str]]:
    """Return the registered changes: workflow, number, digest."""
    if not _has_changes(connection):
        return []
    rows = connection.execute(
        "select workflow, number, digest from perdure.workflow_changes"
        " order by workflow, number"
    )
    return [(str(name), int(str(number)), str(digest)) for name, number, digest in rows]


def current_versions(connection: Connection) -> dict[str, int]:
    """Return the version of each workflow that is in force: what came last."""
    if not _exists(connection, "perdure.workflow_versions"):
        return {}
    came = "select name, version, deployed_at as at from perdure.workflow_versions"
    if _has_changes(connection):
        came += (
            " union all select workflow, version, changed_at"
            " from perdure.workflow_changes"
        )
    rows = connection.execute(
        sql.SQL(
            "select distinct on (name) name, version from ({}) came"
            " order by name, at desc, version desc"
        ).format(sql.SQL(came))
    )
    return {str(name): int(str(version)) for name, version in rows}


def _has_changes(connection: Connection) -> bool:
    """Say whether the register knows of changes; an older runtime's does not."""
    return _exists(connection, "perdure.workflow_changes")


def missing_versions(
    connection: Connection, versions: Iterable[tuple[str, int]]
) -> list[tuple[str, int]]:
    """Return the versions, in the order given, that the database does not register."""
    there = {(each.name, each.version) for each in deployed_versions(connection)}
    return [each for each in versions if each not in there]


_ENDED = "('completed', 'failed', 'cancelled')"


def schedules(connection: Connection) -> list[tuple[str, str]]:
    """Return the runs that start others by schedule: label and run, oldest first."""
    if not _exists(connection, "df.instances"):
        return []
    rows = connection.execute(
        "select label, id from df.instances where label like '%@% schedule'"
        f" and status not in {_ENDED} order by created_at"
    )
    return [(str(label), str(run)) for label, run in rows]


def workflows_elsewhere(connection: Connection, schema: str) -> set[str]:
    """Return the workflows whose functions stand in other schemas only."""
    if not _exists(connection, "perdure.workflow_versions"):
        return set()
    rows = connection.execute(
        "select w.name from perdure.workflow_versions w"
        " join pg_proc p on p.proname = w.name || '_v' || w.version"
        " join pg_namespace n on n.oid = p.pronamespace"
        r" where n.nspname !~ '(^pg_temp|_uncommitted$)'"
        " group by w.name having not bool_or(n.nspname = %s)",
        [schema],
    )
    return {str(name) for (name,) in rows}


def runs_on(
    connection: Connection, labels: Iterable[str]
) -> list[tuple[str, str, str]]:
    """Return the runs on versions that may go on: run, label, status.

    They have not ended, or have failed, which a retry can change.
    """
    if not _exists(connection, "df.instances"):
        return []
    rows = connection.execute(
        "select id, label, status from df.instances where label = any (%s)"
        " and status not in ('completed', 'cancelled') order by created_at",
        [list(labels)],
    )
    return [(str(run), str(label), str(status)) for run, label, status in rows]


def callers(
    connection: Connection, workflow: str, functions: Sequence[str]
) -> list[str]:
    """Return the functions that call some of a workflow's, as `refuse_callers` does.

    There are none where the runtime can't tell, or the role may not ask it.
    """
    asked = connection.execute(
        "select has_function_privilege(to_regprocedure('perdure.call_pattern(text)'),"
        " 'execute')"
    ).fetchone()
    if asked is None or not asked[0]:
        return []
    rows = connection.execute(
        "select distinct format('%%s.%%s', n.nspname, p.proname)"
        " from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " where p.proname !~ ('^' || %s || '(_v[0-9]+(_schedule)?)?$')"
        " and n.nspname !~ '(^pg_temp|_uncommitted$)' and p.prosrc ~*"
        " (select string_agg(perdure.call_pattern(f), '|') from unnest(%s::text[]) f)"
        " order by 1",
        [workflow, list(functions)],
    )
    return [str(name) for (name,) in rows]


def runs_by_version(connection: Connection) -> dict[str, Mapping[str, int]]:
    """Return numbers of runs by status, for each `workflow@version` that has any."""
    if not _exists(connection, "df.instances"):
        return {}
    rows = connection.execute(
        "select label, status, count(*) from df.instances where label like '%@%'"
        " group by label, status order by label, status"
    )
    found: dict[str, dict[str, int]] = {}
    for label, status, count in rows:
        found.setdefault(str(label), {})[str(status)] = int(str(count))
    return dict(found)


def _exists(connection: Connection, relation: str) -> bool:
    row = connection.execute("select to_regclass(%s)", [relation]).fetchone()
    return row is not None and row[0] is not None


@contextmanager
def deploying(connection: Connection, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Keep every other deployment to this database waiting.

    `on_wait` is told whose deployment this one has to wait for.
    """
    row = connection.execute("select pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    if row is None or not row[0]:
        on_wait(_holder(connection))
        connection.execute("select pg_advisory_lock(%s)", [LOCK])
    try:
        yield
    finally:
        if not connection.broken:
            connection.rollback()
            connection.execute("select pg_advisory_unlock(%s)", [LOCK])


def _holder(connection: Connection) -> str:
    """Return who holds the lock of deployments, in words."""
    row = connection.execute(
        "select format('%%s, process %%s', a.usename, a.pid)"
        " from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a using (pid)"
        " where l.locktype = 'advisory' and l.granted and l.objsubid = 1"
        " and (l.classid::bigint << 32) + l.objid::bigint = %s"
        " and l.database = (select oid from pg_catalog.pg_database"
        "   where datname = current_database())",
        [LOCK],
    ).fetchone()
    return str(row[0]) if row else "another session"


def apply_migration(connection: Connection, text: str) -> None:
    """Run a migration in one transaction. Raises FailedMigration.

    A session that was lost is the caller's error, a lock that was not to be had is not.
    """
    try:
        with connection.transaction():
            connection.execute(text.encode())
    except psycopg.Error as error:
        if connection.closed:
            raise
        reason = error.diag.message_primary or str(error)
        denied = isinstance(error, errors.InsufficientPrivilege)
        told = f"{reason} ({error.sqlstate})"
        raise FailedMigration(
            told,
            denied=denied,
            unfit=error.sqlstate == "PD034",
            busy=error.sqlstate in _BUSY,
            hint=error.diag.message_hint,
        ) from error


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
