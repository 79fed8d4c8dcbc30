"""The same over each kind of connection, in the transaction that the caller has."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from decimal import Decimal
from typing import Any

import asyncpg
import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from perdure.application import (
    AsyncConnection,
    AsyncHandle,
    Handle,
    NotDeployed,
    NotPermitted,
    RunNotFound,
    WrongConnection,
    WrongInput,
    deployed_workflow,
)
from tests.runtime.application.conftest import parts_of, working
from tests.runtime.application.project.workflows.orders import order_approval, slow

Opened = AbstractContextManager[Any]
OpenedAsync = AbstractAsyncContextManager[Any]
APPROVED = {"status": "approved", "total": Decimal("20.50"), "note": None}


def address(url: str, driver: str) -> sqlalchemy.URL:
    parts = parts_of(url)
    host = parts["host"]
    query = {"host": host} if host.startswith("/") else {}
    return sqlalchemy.URL.create(
        f"postgresql+{driver}",
        parts["user"],
        parts["password"],
        None if query else host,
        parts["port"],
        parts["database"],
        query,
    )


@contextmanager
def sqlalchemy_connection(url: str) -> Iterator[sqlalchemy.Connection]:
    engine = sqlalchemy.create_engine(address(url, "psycopg"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@contextmanager
def sqlalchemy_session(url: str) -> Iterator[Session]:
    engine = sqlalchemy.create_engine(address(url, "psycopg"))
    with Session(engine) as session:
        yield session
    engine.dispose()


BLOCKING: dict[str, Callable[[str], Opened]] = {
    "psycopg": psycopg.connect,
    "sqlalchemy": sqlalchemy_connection,
    "session": sqlalchemy_session,
}


@pytest.mark.parametrize("driver", BLOCKING)
def test_blocking_connections(url: str, driver: str) -> None:
    with BLOCKING[driver](url) as connection, working(url):
        gone = order_approval.start(connection, 1)
        connection.rollback()
        run = order_approval.start(connection, order_id=1)
        assert isinstance(run, Handle)
        connection.commit()
        assert run.wait(timeout=60) == APPROVED
        waiting = slow.with_options(key=f"100% {driver}").start(connection)
        connection.commit()
        waiting.cancel()
        connection.commit()
        assert waiting.status() == "cancelled"
        with pytest.raises(RunNotFound):
            gone.status()
        with pytest.raises(NotDeployed):
            deployed_workflow('100% "%s"').start(connection)
        with pytest.raises(WrongInput, match="may not be null") as error:
            order_approval.start(connection, None)  # type: ignore[call-overload]
        assert "SQL:" not in str(error.value)


@asynccontextmanager
async def opened_psycopg(url: str) -> AsyncIterator[Any]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        yield connection


@asynccontextmanager
async def opened_sqlalchemy(url: str, driver: str) -> AsyncIterator[Any]:
    engine = create_async_engine(address(url, driver))
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


@asynccontextmanager
async def opened_session(url: str) -> AsyncIterator[Any]:
    engine = create_async_engine(address(url, "asyncpg"))
    async with AsyncSession(engine) as session:
        yield session
    await engine.dispose()


class Asyncpg:
    """asyncpg's way of transactions, in the words of the others."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.transaction: Any = None

    async def begin(self) -> None:
        self.transaction = self.connection.transaction()
        await self.transaction.start()

    async def rollback(self) -> None:
        await self.transaction.rollback()
        await self.begin()

    async def commit(self) -> None:
        await self.transaction.commit()
        await self.begin()


@asynccontextmanager
async def opened_asyncpg(url: str) -> AsyncIterator[Asyncpg]:
    connection = await asyncpg.connect(**parts_of(url))
    given = Asyncpg(connection)
    await given.begin()
    yield given
    await connection.close()


@asynccontextmanager
async def opened_pool(url: str) -> AsyncIterator[Asyncpg]:
    async with (
        asyncpg.create_pool(**parts_of(url), min_size=1) as pool,
        pool.acquire() as connection,
    ):
        given = Asyncpg(connection)
        await given.begin()
        yield given
        await given.transaction.rollback()


AWAITED: dict[str, Callable[[str], OpenedAsync]] = {
    "psycopg": opened_psycopg,
    "sqlalchemy_psycopg": lambda url: opened_sqlalchemy(url, "psycopg"),
    "sqlalchemy_asyncpg": lambda url: opened_sqlalchemy(url, "asyncpg"),
    "session": opened_session,
    "asyncpg": opened_asyncpg,
    "asyncpg_pool": opened_pool,
}


@pytest.mark.parametrize("driver", AWAITED)
def test_awaited_connections(url: str, driver: str) -> None:
    async def check() -> None:
        async with AWAITED[driver](url) as given:
            connection: AsyncConnection = given
            if isinstance(given, Asyncpg):
                connection = given.connection
            gone = await order_approval.start(connection, 1)
            await given.rollback()
            run = await order_approval.start(connection, order_id=1)
            assert isinstance(run, AsyncHandle)
            await given.commit()
            assert await run.wait(timeout=60) == APPROVED
            keyed = slow.with_options(key=f"awaited {driver}")
            waiting = await keyed.start(connection)
            await given.commit()
            await waiting.pause("a moment")
            await waiting.resume()
            with pytest.raises(WrongInput, match="never waits for a signal"):
                await waiting.signal("unheard", {"n": 1})
            large = await order_approval.start(connection, order_id=2)
            with pytest.raises(WrongInput, match="approved is missing"):
                await large.signal("approval", {"n": 1})
            await large.signal("approval", {"approved": True})
            await waiting.cancel()
            await given.commit()
            assert await waiting.status() == "cancelled"
            with pytest.raises(RunNotFound):
                await gone.status()
            with pytest.raises(WrongInput, match="may not be null") as error:
                await order_approval.start(connection, None)  # type: ignore[call-overload]
            assert "SQL:" not in str(error.value)

    with working(url):
        run_to_end(check())


@pytest.mark.parametrize("driver", AWAITED)
def test_tasks_share_a_connection(url: str, driver: str) -> None:
    async def check() -> None:
        async with AWAITED[driver](url) as given:
            connection = given.connection if isinstance(given, Asyncpg) else given
            starts = (order_approval.start(connection, 1) for _ in range(4))
            runs = await asyncio.gather(*starts)
            await given.commit()
            waits = (run.wait(timeout=60) for run in runs)
            assert await asyncio.gather(*waits) == [APPROVED] * 4
            waiting = await slow.start(connection)
            await given.commit()
            tasks = [asyncio.create_task(waiting.wait()) for _ in range(3)]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await waiting.cancel()
            await given.commit()
            assert await waiting.status() == "cancelled"

    with working(url):
        run_to_end(check())


def run_to_end(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


def test_what_is_near_a_connection(url: str) -> None:
    engine = sqlalchemy.create_engine(address(url, "psycopg"))
    with pytest.raises(WrongConnection, match="or a session"):
        slow.start(engine)  # type: ignore[call-overload]
    lite = sqlalchemy.create_engine("sqlite://")
    with lite.connect() as other, pytest.raises(WrongConnection, match="to sqlite"):
        slow.start(other)
    engine.dispose()
    lite.dispose()


def test_a_pool_is_no_connection(url: str) -> None:
    async def check() -> None:
        async with asyncpg.create_pool(**parts_of(url), min_size=1) as pool:
            with pytest.raises(WrongConnection, match=r"pool\.acquire"):
                slow.start(pool)

    run_to_end(check())


def test_rights_are_asked_for_by_every_driver(url: str) -> None:
    with sqlalchemy_connection(url) as connection:
        connection.exec_driver_sql("create role nobody_at_all")
        connection.exec_driver_sql("set role nobody_at_all")
        with pytest.raises(NotPermitted, match="grant execute"):
            slow.start(connection)
        with pytest.raises(NotPermitted, match="grant_usage"):
            slow.attach(connection, "00000000").status()


# In a process of its own: Django is configured once in each.
DJANGO = """
import json, sys
from django.conf import settings

settings.configure(DATABASES={"default": json.loads(sys.argv[1])})
from django.db import connection, transaction
from perdure import WorkflowError, deployed_workflow

with transaction.atomic():
    run = deployed_workflow("slow").start(connection)
    print(run.status())
    transaction.set_rollback(True)
try:
    run.status()
except WorkflowError as error:
    print(type(error).__name__)
try:
    deployed_workflow("hello").start(connection, who=None)
except WorkflowError as error:
    print(error)
"""


def test_django_s_connection(url: str) -> None:
    parts = parts_of(url)
    settings = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts["database"],
        "USER": parts["user"],
        "PASSWORD": parts["password"],
        "HOST": parts["host"],
        "PORT": parts["port"],
    }
    done = subprocess.run(
        [sys.executable, "-c", DJANGO, json.dumps(settings)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["pending", "RunNotFound"]
    assert "may not be null" in done.stdout
