"""Other sessions: ones that wait for a lock, and ones of other roles."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from tests.runtime.engine.db import Db

Row = tuple[Any, ...]

SLEEPERS = (
    "select case %s when 'cancel' then pg_cancel_backend(pid)"
    " else pg_terminate_backend(pid) end from pg_stat_activity"
    " where wait_event = 'PgSleep' and datname = current_database()"
)

# A process that works until it is killed: `python -c WORKER url`.
WORKER = """
import psycopg, sys
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    while True:
        connection.execute("call df.work(100000, 1000)")
"""


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that will hold; it is looked at, never guessed by time."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def waits_for_lock(db: Db, count: int = 1) -> bool:
    """Whether so many sessions of the test's database wait for a lock."""
    look_again(db)
    return bool(
        db.value(
            "select count(*) >= %s from pg_stat_activity where wait_event_type = 'Lock'"
            " and datname = current_database()",
            count,
        )
    )


def sleeps(db: Db, count: int = 1) -> bool:
    """Whether so many sessions of the test's database are in pg_sleep."""
    look_again(db)
    return bool(
        db.value(
            "select count(*) >= %s from pg_stat_activity where wait_event = 'PgSleep'"
            " and datname = current_database()",
            count,
        )
    )


def terminate_sleepers(db: Db) -> None:
    """End the sessions of the test's database that are in pg_sleep."""
    db.run(SLEEPERS, "terminate")


def cancel_sleepers(db: Db) -> None:
    """Cancel the statements of the test's database that are in pg_sleep."""
    db.run(SLEEPERS, "cancel")


def look_again(db: Db) -> None:
    """Forget what was seen: a transaction sees the sessions of its first look."""
    db.run("select pg_stat_clear_snapshot()")


def work_side_by_side(db: Db, sessions: int = 4) -> None:
    """Do all that is ready on several connections at a time, then what they left."""

    def body() -> None:
        with psycopg.connect(db.url, autocommit=True) as connection:
            connection.execute("call df.work(100000, 60000)")

    threads = [threading.Thread(target=body) for _ in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.work()


@contextmanager
def working(db: Db) -> Iterator[threading.Thread]:
    """Do all that is ready on another connection, meanwhile."""

    def body() -> None:
        with psycopg.connect(db.url, autocommit=True) as connection:
            while True:
                try:
                    connection.execute("call df.work(100000, 20000)")
                    return
                except psycopg.errors.QueryCanceled:
                    continue

    thread = threading.Thread(target=body)
    thread.start()
    yield thread
    thread.join()


@contextmanager
def worker_thread(db: Db) -> Iterator[threading.Thread]:
    """Run df.work on another connection; what becomes of it does not matter."""

    def body() -> None:
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(db.url, autocommit=True) as connection,
        ):
            connection.execute("call df.work(100000, 20000)")

    thread = threading.Thread(target=body)
    thread.start()
    yield thread
    thread.join()


@contextmanager
def meanwhile(task: Callable[[], None]) -> Iterator[None]:
    """Run something that may block, and wait for its end; its error is raised."""
    errors: list[BaseException] = []

    def body() -> None:
        try:
            task()
        except BaseException as error:  # handed to the test
            errors.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    yield
    thread.join()
    if errors:
        raise errors[0]


@contextmanager
def session(db: Db) -> Iterator[psycopg.Connection[Row]]:
    """Give another connection, in a transaction that the test ends."""
    with psycopg.connect(db.url) as connection:
        yield connection
        connection.rollback()


@contextmanager
def as_role(db: Db, role: str) -> Iterator[Db]:
    """Give a connection in autocommit of another role."""
    url = make_conninfo(db.url, user=role, password="secret")
    with psycopg.connect(url, autocommit=True) as connection:
        yield Db(url, connection)
