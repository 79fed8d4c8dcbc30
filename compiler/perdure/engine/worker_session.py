"""The worker's connections to PostgreSQL, and which of their errors pass by."""

from __future__ import annotations

import asyncio
from typing import Any, LiteralString

import psycopg
from psycopg import errors

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


async def connect(url: str) -> Connection:
    """Open a connection in autocommit that notices a dead network in a minute."""
    return await psycopg.AsyncConnection.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
        application_name=WORKER_APPLICATION,
        keepalives=1,
        keepalives_idle=30,
        keepalives_interval=10,
        keepalives_count=3,
    )


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


def reason(error: BaseException) -> str:
    """Return an error's message in one line."""
    lines = (line.strip() for line in str(error).splitlines())
    return "; ".join(line for line in lines if line) or type(error).__name__
