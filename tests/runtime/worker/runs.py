"""Runs for the tests: steps that leave countable traces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from tests.runtime.worker.processes import wait_until

Connection = psycopg.Connection[Any]


def make_effects(connection: Connection) -> None:
    """Make the table that steps write to; it accepts the same row twice."""
    connection.execute("create table effects (run text not null, step integer)")


def insert(run: str, step: int, seconds: float = 0) -> str:
    """Return a step that takes some time and leaves a row."""
    slept = f" from pg_sleep({seconds})" if seconds else ""
    return f"insert into effects select '{run}', {step}{slept}"


def start(connection: Connection, steps: Sequence[str], label: str = "test") -> str:
    """Start a run of steps in order; nodes are df nodes or statements."""
    row = connection.execute(
        "select df.start(df.seq(variadic %s::text[]), %s)", [list(steps), label]
    ).fetchone()
    assert row is not None
    return str(row[0])


def node(connection: Connection, call: str, *values: object) -> str:
    """Return the node that a call of a df function makes."""
    row = connection.execute(psycopg.sql.SQL(f"select {call}"), values).fetchone()
    assert row is not None
    return str(row[0])


def status(connection: Connection, run: str) -> str:
    row = connection.execute("select df.status(%s)", [run]).fetchone()
    assert row is not None
    return str(row[0])


def await_end(connection: Connection, *runs: str, seconds: float = 30) -> set[str]:
    """Wait until all runs have ended and return how."""

    def unfinished() -> list[Any]:
        return connection.execute(
            "select id, status from df.instances where id = any(%s)"
            " and status not in ('completed', 'failed', 'cancelled')",
            [list(runs)],
        ).fetchall()

    wait_until(lambda: not unfinished(), seconds, lambda: str(unfinished()))
    rows = connection.execute(
        "select distinct status, error from df.instances where id = any(%s)",
        [list(runs)],
    ).fetchall()
    # What went wrong, in the output of a test that fails because of it.
    print(*(row for row in rows if row[1]), sep="\n")
    return {row[0] for row in rows}


def effects(connection: Connection) -> list[tuple[str, int]]:
    """Return every row that steps left, sorted."""
    rows = connection.execute("select run, step from effects").fetchall()
    return sorted((row[0], row[1]) for row in rows)
