"""The connections that are understood, and how a query is sent over each.

A connection is recognised by the module of its class, so that nothing is imported
that the application has not imported: psycopg, SQLAlchemy (connections and sessions)
and asyncpg; what else has DB-API cursors (Django's connection, psycopg2) works, too.
The types are protocols for the same reason. Nothing is ever committed here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from perdure.application.errors import WrongConnection
from perdure.application.query import Operation, Pause, Query
from perdure.application.refusals import translated
from perdure.application.turns import Turn, to_its_end

T = TypeVar("T")
Fetch = Callable[[Query], str | None]
FetchAsync = Callable[[Query], Coroutine[Any, Any, str | None]]


class SyncConnection(Protocol):
    """A psycopg, SQLAlchemy or Django connection, or a SQLAlchemy session."""

    def commit(self) -> None:
        """Commit the transaction; never called here."""


class _Committing(Protocol):
    """What asynchronous connections of psycopg and SQLAlchemy have in common."""

    async def commit(self) -> None:
        """Commit the transaction; never called here."""


class _Asyncpg(Protocol):
    """What is an asyncpg connection, also one of a pool."""

    def is_in_transaction(self) -> Any:
        """Say whether there is a transaction; never called here."""


AsyncConnection = _Committing | _Asyncpg
"""An asynchronous psycopg or SQLAlchemy connection or session, or asyncpg's."""


def is_async(connection: object) -> bool:
    """Say whether a connection is one that is awaited. Raises WrongConnection."""
    modules = _modules(connection)
    if _is_sqlalchemy(modules):
        return any(name.startswith("sqlalchemy.ext.asyncio") for name in modules)
    if any(name.startswith("asyncpg") for name in modules):
        if not hasattr(connection, "is_in_transaction"):
            raise _wrong(connection, "a connection, as `pool.acquire()` gives it")
        return True
    if _is_psycopg(modules):
        if not hasattr(connection, "pgconn"):
            raise _wrong(connection, "a connection")
        return any(
            "AsyncConnection" in each.__name__ for each in type(connection).mro()
        )
    if not hasattr(connection, "cursor"):
        raise _wrong(connection, "a connection of psycopg, SQLAlchemy or asyncpg")
    return False


def carry_out(connection: object, operation: Operation[T]) -> T:
    """Carry out an operation over a connection that blocks."""
    fetch = _fetch(connection)
    answer: str | None = None
    with translated():
        try:
            while True:
                asked = operation.send(answer)
                if isinstance(asked, Pause):
                    time.sleep(asked.seconds)
                    answer = None
                else:
                    answer = fetch(asked)
        except StopIteration as done:
            result: T = done.value
            return result


async def carry_out_async(connection: object, operation: Operation[T]) -> T:
    """Carry out an operation over a connection that is awaited."""
    import asyncio

    fetch = _fetch_async(connection)
    turn = Turn(connection)
    answer: str | None = None
    with translated():
        while True:
            try:
                asked = operation.send(answer)
            except StopIteration as done:
                result: T = done.value
                return result
            if isinstance(asked, Pause):
                await asyncio.sleep(asked.seconds)
                answer = None
            else:
                async with turn:
                    answer = await to_its_end(fetch(asked))


# --- connections that block ---------------------------------------------------------


def _fetch(connection: Any) -> Fetch:
    modules = _modules(connection)
    if _is_sqlalchemy(modules):
        return _of_sqlalchemy(connection)
    if _is_psycopg(modules):
        return _of_psycopg(connection)

    def fetch(asked: Query) -> str | None:
        with connection.cursor() as cursor:
            cursor.execute(asked.formatted(), asked.values)
            return _first(cursor.fetchone())

    return fetch


def _of_psycopg(connection: Any) -> Fetch:
    """Use a plain cursor: the connection's own may give rows of any form."""
    from psycopg import Cursor
    from psycopg.rows import tuple_row

    def fetch(asked: Query) -> str | None:
        with Cursor(connection, row_factory=tuple_row) as cursor:
            cursor.execute(asked.formatted().encode(), asked.values)
            return _first(cursor.fetchone())

    return fetch


def _of_sqlalchemy(given: Any) -> Fetch:
    def fetch(asked: Query) -> str | None:
        connection = given if _is_connection(given) else given.connection()
        text = _written(connection.dialect, asked)
        return _first(connection.exec_driver_sql(text, asked.values).fetchone())

    return fetch


# --- connections that are awaited ---------------------------------------------------


def _fetch_async(connection: Any) -> FetchAsync:
    modules = _modules(connection)
    if _is_sqlalchemy(modules):
        return _of_sqlalchemy_async(connection)
    if _is_psycopg(modules):
        return _of_psycopg_async(connection)

    async def fetch(asked: Query) -> str | None:
        value: str | None = await connection.fetchval(asked.numbered(), *asked.values)
        return value

    return fetch


def _of_psycopg_async(connection: Any) -> FetchAsync:
    from psycopg import AsyncCursor
    from psycopg.rows import tuple_row

    async def fetch(asked: Query) -> str | None:
        async with AsyncCursor(connection, row_factory=tuple_row) as cursor:
            await cursor.execute(asked.formatted().encode(), asked.values)
            return _first(await cursor.fetchone())

    return fetch


def _of_sqlalchemy_async(given: Any) -> FetchAsync:
    async def fetch(asked: Query) -> str | None:
        connection = given if _is_connection(given) else await given.connection()
        text = _written(connection.dialect, asked)
        answer = await connection.exec_driver_sql(text, asked.values)
        return _first(answer.fetchone())

    return fetch


# --- what they are ------------------------------------------------------------------


def _modules(connection: object) -> list[str]:
    return [each.__module__ for each in type(connection).mro()]


def _is_sqlalchemy(modules: list[str]) -> bool:
    return any(name.split(".")[0] == "sqlalchemy" for name in modules)


def _is_psycopg(modules: list[str]) -> bool:
    return any(name.split(".")[0] in ("psycopg", "psycopg_pool") for name in modules)


def _is_connection(given: Any) -> bool:
    """Say whether this is SQLAlchemy's connection, and not a session, which has one."""
    if hasattr(given, "exec_driver_sql"):
        return True
    if not callable(getattr(given, "connection", None)):
        raise _wrong(given, "a connection (`engine.connect()`) or a session")
    return False


def _written(dialect: Any, asked: Query) -> str:
    """Return the statement as the driver below SQLAlchemy takes it."""
    if dialect.name != "postgresql":
        raise WrongConnection(
            f"workflows run in PostgreSQL; this connection is to {dialect.name}"
        )
    if dialect.paramstyle in ("pyformat", "format"):
        return asked.formatted()
    if dialect.paramstyle == "numeric_dollar":
        return asked.numbered()
    raise WrongConnection(
        f"the driver {dialect.driver} is not supported; psycopg and asyncpg are"
    )


def _first(row: Any) -> str | None:
    value: str | None = row[0] if row else None
    return value


def _wrong(given: object, expected: str) -> WrongConnection:
    kind = type(given)
    return WrongConnection(
        f"expected {expected}, found {kind.__module__}.{kind.__qualname__}"
    )
