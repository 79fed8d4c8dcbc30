"""Steps that end their own session, every time: found, failed, and nobody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.runtime.faults.server import Connection, Crashable, value
from tests.runtime.worker.processes import WorkerProcess, wait_until
from tests.runtime.worker.runs import await_end, start

Spawn = Callable[..., WorkerProcess]

TERMINATE = "select pg_terminate_backend(pg_backend_pid())"
# As the kernel does when memory runs out: the server then ends all sessions.
KILL = "copy (select 1) to program 'kill -9 $PPID'"


def insert(run: str, step: str) -> str:
    return f"insert into effects values ('{run}', '{step}')"


def effects(connection: Connection) -> list[tuple[str, str]]:
    rows = connection.execute("select run, step from effects").fetchall()
    return sorted((row[0], row[1]) for row in rows)


@pytest.mark.parametrize(
    ("bad", "seen"),
    [
        (TERMINATE, "terminating connection"),
        ("select pg_cancel_backend(pg_backend_pid())", "canceling statement"),
        (
            "do $x$ begin set local exit_on_error = on; perform 1 / 0; end $x$",
            "division by zero",
        ),
    ],
)
def test_a_step_that_ends_its_session_fails(
    server: Crashable, spawn: Spawn, bad: str, seen: str
) -> None:
    spawn("--connections", "2")
    with server.connect() as connection:
        good = [
            start(connection, [insert(str(n), str(step)) for step in range(5)])
            for n in range(50)
        ]
        run = start(connection, [insert("bad", "before"), bad, insert("bad", "after")])
        assert await_end(connection, run, seconds=60) == {"failed"}
        assert await_end(connection, *good) == {"completed"}
        row = connection.execute(
            "select status, error, sqlstate, detail, rendered_sql from df.nodes"
            " where instance_id = %s and id = '3'",
            [run],
        ).fetchone()
        assert row is not None
        assert row[:3] == (
            "failed",
            "the session that executed the step ended before the step did, 3 times",
            "PD030",
        )
        assert seen in row[3]
        assert row[4] == bad
        expected = [(str(n), str(step)) for n in range(50) for step in range(5)]
        assert effects(connection) == sorted([*expected, ("bad", "before")])
        assert value(connection, "select count(*) from df_engine.suspects") == 0
        assert value(connection, "select count(*) from df_engine.tasks") == 0


def test_a_retry_may_answer_to_it(server: Crashable, spawn: Spawn) -> None:
    spawn("--connections", "1")
    with server.connect() as connection:
        node = f"df.retry('{TERMINATE}', 2, '0', retry_on => array['PD030'])"
        run = value(connection, f"select df.start({node})")
        assert await_end(connection, run, seconds=60) == {"failed"}
        query = "select attempts from df.nodes where instance_id = %s and id = '2'"
        assert value(connection, query, run) == 2


def test_references_are_filled_in_for_a_suspect(
    server: Crashable, spawn: Spawn
) -> None:
    """A step that works the second time, begun carefully, is like any other."""
    with server.connect() as connection:
        connection.execute("drop sequence if exists tries")
        connection.execute("create sequence tries")
        bad = (
            "insert into effects select $n.v, $input.word from (select case"
            " nextval('tries') when 1 then pg_terminate_backend(pg_backend_pid())"
            " end) x"
        )
        run = value(
            connection,
            "select df.start(df.seq(df.\"as\"('select ''x'' as v', 'n'), %s,"
            " 'select $n.v as v'), input => '{\"word\": \"said\"}')",
            bad,
        )
        spawn("--connections", "1")
        assert await_end(connection, run) == {"completed"}
        assert effects(connection) == [("x", "said")]
        assert value(connection, "select count(*) from df_engine.suspects") == 0


@pytest.mark.slow
def test_a_step_that_crashes_the_server_is_the_only_one_to_fail(
    server: Crashable, spawn: Spawn
) -> None:
    """Slow steps are in progress at each crash; none of them is blamed for it."""
    for _ in range(2):
        spawn("--connections", "3")
    with server.connect() as connection:
        slow = [
            start(
                connection,
                [
                    f"insert into effects select '{n}', 'slow' from pg_sleep(0.4)",
                    insert(str(n), "after"),
                ],
            )
            for n in range(40)
        ]
        run = start(connection, [KILL])
    wait_until(lambda: server.ended(run), 100)
    with server.connect() as connection:
        assert await_end(connection, *slow, seconds=60) == {"completed"}
        query = "select sqlstate from df.instances where id = %s"
        assert value(connection, query, run) == "PD030"
        expected = [(str(n), s) for n in range(40) for s in ("after", "slow")]
        assert effects(connection) == sorted(expected)
