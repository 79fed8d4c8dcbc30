"""The worker's connections to PostgreSQL, and which of their errors pass by."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, LiteralString

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from perdure.engine.database import CONNECT_SECONDS, WORKER_APPLICATION

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

# The schema or its functions are gone, or not for this role: waiting does not help.
PERMANENT = (
    errors.InvalidSchemaName,
    errors.UndefinedFunction,
    errors.UndefinedTable,
    errors.InsufficientPrivilege,
    errors.InvalidCatalogName,
    errors.InvalidPassword,
    errors.InvalidAuthorizationSpecification,
)


# What the engine relies on, whatever the settings of the role or the database: startup
# options, because RESET ALL, after each step, goes back to them. `role` because a role
# may have been given one, exit_on_error because it makes caught errors end the session,
# jit because it compiles for a second what takes a millisecond: where a sequential scan
# is discouraged, and the only way, it counts as very dear. Then two that decide what is
# captured of a result: floats would lose digits, bytea would look different. The last
# is the engine's own, see df.work.
SETTINGS: Mapping[str, str] = {
    "role": "none",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "exit_on_error": "off",
    "jit": "off",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "perdure.gather": "on",
}
# The server ends what a client that is gone has begun, after this; not on all systems.
NOTICE_DEATH: Mapping[str, str] = {"client_connection_check_interval": "1s"}
# Of PostgreSQL 17 and later; unknown settings are refused.
SINCE_17: Mapping[str, str] = {"transaction_timeout": "0"}


async def connect(url: str, settings: Mapping[str, str] | None = None) -> Connection:
    """Open a connection for the engine, with its settings unless others are given."""
    if settings is not None:
        return await _open(url, settings)
    settings = {**SETTINGS, **NOTICE_DEATH}
    try:
        connection = await _open(url, settings)
    except psycopg.OperationalError as error:
        if "client_connection_check_interval" not in str(error):
            raise
        settings = SETTINGS
        connection = await _open(url, settings)
    if connection.info.server_version < 170000:
        return connection
    cursor = await connection.execute("show transaction_timeout")
    if await cursor.fetchone() == ("0",):
        return connection
    await connection.close()
    return await _open(url, {**settings, **SINCE_17})


async def _open(url: str, settings: Mapping[str, str]) -> Connection:
    """Open a connection in autocommit that notices a dead network in a minute."""
    given = conninfo_to_dict(url).get("options") or ""
    ours = (f"-c {name}={_escaped(text)}" for name, text in settings.items())
    return await psycopg.AsyncConnection.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
        application_name=WORKER_APPLICATION,
        keepalives=1,
        keepalives_idle=30,
        keepalives_interval=10,
        keepalives_count=3,
        options=" ".join((str(given), *ours)).strip(),
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(" ", "\\ ")


class Session:
    """One connection, shared by tasks one at a time, opened anew after a loss."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = asyncio.Lock()
        self._connection: Connection | None = None

    async def fetch(
        self, query: LiteralString, *values: object
    ) -> list[tuple[Any, ...]]:
        """Run a query and return its rows; a broken connection is given up."""
        async with self._lock:
            connection = self._connection
            if connection is None:
                connection = self._connection = await connect(self._url)
            try:
                cursor = await connection.execute(query, values)
                return await cursor.fetchall()
            finally:
                if connection.closed or connection.broken:
                    self._connection = None

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


async def next_lease(session: Session, most: float, *, statements: bool) -> float:
    """Return the seconds until a lease ends that somebody holds, `most` at most."""
    rows = await session.fetch("select df_engine.next_lease(%s)", statements)
    ms = rows[0][0]
    if ms is None:
        return most
    # One that has ended, and was not free: somebody else is about to take it.
    return min(most, ms / 1000 + 0.05) if ms else 1.0


def reason(error: BaseException) -> str:
    """Return an error's message in one line."""
    lines = (line.strip() for line in str(error).splitlines())
    return "; ".join(line for line in lines if line) or type(error).__name__
