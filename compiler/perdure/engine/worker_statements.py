"""The worker's statements: those that PostgreSQL refuses inside a transaction.

The engine hands over VACUUM, CREATE INDEX CONCURRENTLY, procedures that commit and the
like, and each is executed on a connection of its own, in autocommit, logged in as the
run's role; why so is said in runtime_sql/59_handed_over.sql. A lease is renewed while
the statement runs. When it cannot be renewed the statement is not wanted any more, its
run was cancelled for instance, and it is cancelled too.

A statement goes out by the extended protocol, which takes one statement alone.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from perdure.engine.database import CONNECT_SECONDS
from perdure.engine.worker_claims import ClaimedWork
from perdure.engine.worker_log import Log
from perdure.engine.worker_session import Connection, Session, reason
from perdure.engine.worker_wake import Backoff

STATEMENT_APPLICATION = "perdure statement"
# How often a running statement's lease is looked at, and so the delay of a cancel.
RENEW_SECONDS = 1.0
# The server ends a statement whose worker is gone after this.
GONE = "2s"
# What a login is refused with, for good. The server tells in words alone.
REFUSALS = (
    "not permitted to log in",
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "permission denied for database",
    "does not exist",
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A statement that this worker holds."""

    id: int
    run: str
    node: str
    attempt: int
    role: str
    own: bool
    search_path: str
    time_zone: str
    statement: str

    def facts(self) -> dict[str, str | int]:
        """Return what the log says of it."""
        return {
            "run": self.run,
            "node": self.node,
            "attempt": self.attempt,
            "role": self.role,
        }


class Refused(Exception):
    """The run's role may not log in; the message says why."""


class StatementWork(ClaimedWork[Claimed]):
    """Executes statements until it is told to stop; a few at once."""

    _failed_event = "statements.claim_failed"
    _statements = True

    def __init__(
        self, session: Session, url: str, log: Log, *, name: str, at_once: int
    ) -> None:
        super().__init__(session, log, name=name, at_once=at_once)
        self._url = url

    async def _claim(self, most: int) -> list[Claimed]:
        rows = await self._session.fetch(
            "select * from df_engine.claim_statements(%s, %s)", self._name, most
        )
        return [Claimed(*row) for row in rows]

    async def _serve(self, claimed: Claimed) -> None:
        self._log.info("statement.started", **claimed.facts())
        keeper = asyncio.create_task(self._keep(claimed, None))
        try:
            connection = await log_in(self._url, claimed)
            try:
                keeper.cancel()
                keeper = asyncio.create_task(self._keep(claimed, connection))
                await self._execute(claimed, connection)
            finally:
                await connection.close()
        except Refused as error:
            self._log.warning("statement.refused", reason=str(error), **claimed.facts())
            await self._tell(
                "select df_engine.fail_statement(%s, %s, %s, %s, %s, %s)",
                *(claimed.id, claimed.attempt),
                f"the worker could not log in as role {claimed.role}",
                *("PD033", str(error), None),
            )
        except psycopg.Error as error:
            await self._not_begun(claimed, error)
        finally:
            keeper.cancel()
        self.served += 1

    async def _not_begun(self, claimed: Claimed, error: psycopg.Error) -> None:
        """Give back a statement that had no connection; it is not to blame."""
        self._log.warning("statement.put_off", reason=reason(error), **claimed.facts())
        await self._tell(
            "select df_engine.lose_statement(%s, %s, false, %s)",
            *(claimed.id, claimed.attempt, reason(error)),
        )
        self._claim_again()

    async def _execute(self, claimed: Claimed, connection: Connection) -> None:
        cursor = await connection.execute(
            "select pg_backend_pid(), backend_start, pg_postmaster_start_time()"
            " from pg_stat_activity where pid = pg_backend_pid()"
        )
        pid, session, server = await cursor.fetchone() or (None, None, None)
        if not await self._tell(
            "select df_engine.begin_statement(%s, %s, %s, %s)",
            *(claimed.id, claimed.attempt, pid, session),
        ):
            return
        try:
            rows, count = await perform(connection, claimed.statement)
        except psycopg.Error as error:
            if connection.closed or connection.broken:
                await self._lost(claimed, server, error)
            else:
                await self._failed(claimed, error)
            return
        wanted = await self._tell(
            "select df_engine.finish_statement(%s, %s, %s, %s)",
            *(claimed.id, claimed.attempt, rows, count),
        )
        event = "statement.done" if wanted else "statement.too_late"
        self._log.info(event, **claimed.facts())

    async def _failed(self, claimed: Claimed, error: psycopg.Error) -> None:
        diagnostic = error.diag
        wanted = await self._tell(
            "select df_engine.fail_statement(%s, %s, %s, %s, %s, %s)",
            *(claimed.id, claimed.attempt),
            diagnostic.message_primary or reason(error),
            *(error.sqlstate, diagnostic.message_detail, diagnostic.context),
        )
        event = "statement.failed" if wanted else "statement.cancelled"
        self._log.warning(event, reason=reason(error), **claimed.facts())

    async def _lost(self, claimed: Claimed, server: Any, error: psycopg.Error) -> None:
        self._log.warning("statement.lost", reason=reason(error), **claimed.facts())
        # A new start of the server excuses the statement.
        await self._tell(
            "select df_engine.lose_statement(%s, %s, pg_postmaster_start_time() = %s,"
            " %s)",
            *(claimed.id, claimed.attempt, server, reason(error)),
        )
        self._claim_again()

    async def _keep(self, claimed: Claimed, connection: Connection | None) -> None:
        """Renew the lease; cancel the statement when it is not wanted any more."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with suppress(psycopg.Error):
                rows = await self._session.fetch(
                    "select df_engine.renew_statement(%s, %s)",
                    *(claimed.id, claimed.attempt),
                )
                if not rows[0][0] and connection is not None:
                    await connection.cancel_safe(timeout=CONNECT_SECONDS)

    async def _tell(self, query: Any, *values: object) -> bool:
        """Tell the engine, again while the server is away; return what it says."""
        backoff = Backoff()
        while True:
            try:
                return bool((await self._session.fetch(query, *values))[0][0])
            except psycopg.OperationalError as error:
                self._log.warning("statement.record_failed", reason=reason(error))
                await asyncio.sleep(backoff.take())


async def log_in(url: str, claimed: Claimed) -> Connection:
    """Open a session of the run's role, as it would be after a login of its own.

    Raises Refused where the server does not let the role in, psycopg.Error where it
    cannot be reached.
    """
    conninfo = url if claimed.own else url_of(url, claimed.role)
    try:
        connection = await psycopg.AsyncConnection.connect(
            conninfo,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name=STATEMENT_APPLICATION,
        )
    except psycopg.OperationalError as error:
        text = reason(error)
        if any(words in text for words in REFUSALS):
            raise Refused(text) from error
        raise
    try:
        await _prepare(connection, claimed)
    except BaseException:
        await connection.close()
        raise
    return connection


def url_of(url: str, role: str) -> str:
    """Return a connection string with another role in it, and without a password."""
    parts = conninfo_to_dict(url)
    parts.pop("password", None)
    return make_conninfo("", **{**parts, "user": role})


async def _prepare(connection: Connection, claimed: Claimed) -> None:
    """Check whose session it is, and give it what the run promised its steps."""
    await connection.execute("set role none")
    with suppress(
        psycopg.errors.InvalidParameterValue, psycopg.errors.FeatureNotSupported
    ):
        query = sql.SQL("set client_connection_check_interval = {}")
        await connection.execute(query.format(GONE))
    cursor = await connection.execute(
        "select session_user::text, current_user::text, set_config('search_path', %s,"
        " false), set_config('TimeZone', %s, false), set_config('DateStyle',"
        " 'ISO, MDY', false), set_config('IntervalStyle', 'postgres', false)",
        [claimed.search_path, claimed.time_zone],
    )
    row = await cursor.fetchone()
    if row is None or row[:2] != (claimed.role, claimed.role):
        raise Refused(f"the session is not the role's own: {row and row[0]}")


async def perform(connection: Connection, statement: str) -> tuple[str, int]:
    """Execute one statement; return its rows as JSON, and how many it touched."""
    cursor = await connection.execute(statement.encode(), prepare=True)
    rows = "[]"
    if cursor.description and cursor.pgresult is not None:
        rows = await _as_json(connection, cursor.pgresult)
    return rows, max(cursor.rowcount, 0)


async def _as_json(connection: Connection, result: psycopg.pq.abc.PGresult) -> str:
    """Let the server write rows as JSON, in the session that they come from."""
    columns = range(result.nfields)
    found = await connection.execute(
        "select format_type(t, m) from unnest(%s::oid[], %s::integer[])"
        " with ordinality u (t, m, i) order by i",
        [
            [result.ftype(column) for column in columns],
            [result.fmod(column) for column in columns],
        ],
    )
    types = [row[0] for row in await found.fetchall()]
    names = [(result.fname(column) or b"").decode() for column in columns]
    query = sql.SQL("select row_to_json(r.*)::text from (select {}) r").format(
        sql.SQL(", ").join(
            sql.SQL("%s::text::{} as {}").format(sql.SQL(kind), sql.Identifier(name))
            for kind, name in zip(types, names, strict=True)
        )
    )
    lines = []
    for row in range(result.ntuples):
        values = [result.get_value(row, column) for column in columns]
        texts = [None if value is None else bytes(value).decode() for value in values]
        cursor = await connection.execute(query, texts)
        lines.append((await cursor.fetchone() or ("null",))[0])
    return f"[{', '.join(lines)}]"
