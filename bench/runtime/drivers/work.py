"""What all drivers do to the database of their subject: the table of the steps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg
from bench.runtime.drivers.protocol import Answer, percentiles, wait_for

Connection = psycopg.Connection[Any]

# `due` and `at`: when a timer should have ended, and when its step was done.
TABLE = """
create schema if not exists bench;
create table if not exists bench.work (run integer, step integer);
create table if not exists bench.late (run integer, due float8,
  at float8 default extract(epoch from clock_timestamp()));
"""
# So many are done before times are taken: sessions and pools have to get warm.
WARM_SIGNALS = 20
WARM_SLEEPERS = 100
WARM_RUNS = 40
INSERT = "insert into bench.work values (%s, %s)"
INSERT_LATE = "insert into bench.late (run, due) values (%s, %s)"


def connect(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True)


def make_tables(url: str) -> None:
    with connect(url) as connection:
        connection.execute(TABLE.encode())


def empty(connection: Connection) -> None:
    connection.execute("truncate bench.work, bench.late")


def rows(connection: Connection, table: str = "work") -> int:
    row = connection.execute(f"select count(*) from bench.{table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def require_rows(connection: Connection, expected: int, table: str = "work") -> None:
    """Raise unless every step was done, and exactly once."""
    found = rows(connection, table)
    if found != expected:
        raise RuntimeError(f"{found} rows were written instead of {expected}")


def await_rows(connection: Connection, expected: int, table: str = "work") -> None:
    wait_for(lambda: rows(connection, table) >= expected)


def lateness(connection: Connection) -> Answer:
    """Return how late timers were, from the rows of their steps."""
    found = connection.execute("select at - due from bench.late").fetchall()
    return percentiles(float(row[0]) for row in found)


class Crew:
    """Connections that do the same thing at the same time, again and again."""

    def __init__(self, url: str, count: int) -> None:
        self._connections = [connect(url) for _ in range(count)]

    def run(self, work: Callable[[Connection, int], None]) -> None:
        threads = [
            threading.Thread(target=work, args=(connection, index))
            for index, connection in enumerate(self._connections)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()
