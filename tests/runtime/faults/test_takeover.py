"""How soon, and by whom, work goes on that somebody let go of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from perdure.engine.database import connect
from perdure.engine.errors import NoDatabase
from tests.runtime.faults.server import Connection, Crashable, value
from tests.runtime.worker.processes import WorkerProcess, wait_until
from tests.runtime.worker.runs import await_end, start
from tests.unit.engine.http_server import Server as HttpServer

Spawn = Callable[..., WorkerProcess]

# Sessions of workers that execute the long step.
EXECUTING = (
    "select pid from pg_stat_activity where wait_event = 'PgSleep'"
    " and application_name = 'perdure worker'"
)
LONG = "select pg_sleep(120)"


@pytest.fixture
def connection(server: Crashable) -> Iterator[Connection]:
    with server.connect() as connection:
        yield connection


def executing(connection: Connection, besides: int = 0) -> int:
    """Wait until a session executes the long step, another one than `besides`."""
    query = f"{EXECUTING} and pid <> {besides}"
    wait_until(lambda: connection.execute(query.encode()).fetchone())
    return int(value(connection, query))


def test_an_idle_worker_takes_a_long_step_over(
    connection: Connection, spawn: Spawn
) -> None:
    """The server notices soon that the client is gone, and lets go of the step."""
    first = spawn("--connections", "1")
    run = start(connection, [LONG])
    session = executing(connection)
    spawn("--connections", "1")
    began = time.monotonic()
    first.kill()
    executing(connection, session)
    # Typically two seconds; without the check of the client it would be two minutes.
    assert time.monotonic() - began < 30
    connection.execute("select df.cancel(%s)", [run])
    connection.execute(
        f"select pg_terminate_backend(pid) from ({EXECUTING}) x".encode()
    )


def test_an_idle_worker_takes_ready_steps_over(
    connection: Connection, spawn: Spawn
) -> None:
    """Nobody notifies of work that a dead session lets go of."""
    connection.execute("select pg_advisory_lock(1)")
    first = spawn("--connections", "4")
    spawn("--connections", "1")
    step = "insert into effects select 'x', 'y' from pg_advisory_xact_lock_shared(1)"
    runs = [start(connection, [step]) for _ in range(8)]
    query = "select count(*) from pg_stat_activity where wait_event = 'advisory'"
    wait_until(lambda: value(connection, query) == 5)
    began = time.monotonic()
    first.kill()
    wait_until(lambda: value(connection, query) == 1)
    connection.execute("select pg_advisory_unlock(1)")
    assert await_end(connection, *runs) == {"completed"}
    assert time.monotonic() - began < 30
    assert value(connection, "select count(*) from effects") == 8


def test_an_idle_worker_sends_a_request_again_when_its_lease_ends(
    connection: Connection, spawn: Spawn, http: HttpServer
) -> None:
    first = spawn("--connections", "1")
    url = http.url("/slow?seconds=30")
    run = value(connection, "select df.start(df.http(%s, 'GET'))", url)
    wait_until(lambda: http.seen)
    first.kill()
    connection.execute(
        "update df_engine.requests set leased_until = clock_timestamp() + '3 s',"
        " url = %s",
        [http.url("/echo")],
    )
    began = time.monotonic()
    spawn("--connections", "1")
    assert await_end(connection, run, seconds=60) == {"completed"}
    assert 2 < time.monotonic() - began < 30
    keys = {seen["headers"]["idempotency-key"] for seen in http.seen}
    assert (len(http.seen), len(keys)) == (2, 1)


def test_a_full_connection_table(
    server: Crashable, connection: Connection, spawn: Spawn
) -> None:
    """A worker that loses its sessions and finds no room for others waits for it."""
    worker = spawn("--connections", "2")
    guests: list[Connection] = []

    def fill() -> None:
        while True:
            try:
                guests.append(connect(server.database.url))
            except NoDatabase:
                return

    end = (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where application_name ~ '^perdure (worker|statement)'"
    )

    def shut_out() -> bool:
        fill()
        return not value(connection, end)

    wait_until(shut_out)
    worker.wait_for("connection.lost")
    runs = [
        start(connection, [f"insert into effects values ('{n}', 'x')"])
        for n in range(20)
    ]
    vacuum = start(connection, ["vacuum effects"])
    time.sleep(1)
    assert value(connection, "select count(*) from effects") == 0
    for guest in guests:
        guest.close()
    assert await_end(connection, *runs, vacuum, seconds=60) == {"completed"}
    assert value(connection, "select count(*) from effects") == 20
    worker.wait_for("connection.restored")


def test_of_two_steps_in_a_deadlock_one_fails(
    connection: Connection, spawn: Spawn
) -> None:
    connection.execute("drop table if exists pair")
    connection.execute(
        "create table pair as select i, 0 as n from generate_series(1, 2) i"
    )
    step = (
        "do $x$ begin update pair set n = n + 1 where i = {};"
        " perform pg_advisory_xact_lock_shared(1);"
        " update pair set n = n + 1 where i = {}; end $x$"
    )
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(1)")
        spawn("--connections", "2")
        runs = [start(connection, [step.format(i, 3 - i)]) for i in (1, 2)]
        waiting = "select count(*) from pg_stat_activity where wait_event = 'advisory'"
        wait_until(lambda: value(connection, waiting) == 2)
        cursor.execute("select pg_advisory_unlock(1)")
    assert await_end(connection, *runs) == {"completed", "failed"}
    rows = connection.execute("select n from pair").fetchall()
    assert rows == [(1,), (1,)]
    query = "select sqlstate, error from df.instances where status = 'failed'"
    assert connection.execute(query).fetchall() == [("40P01", "deadlock detected")]


def test_a_conflict_of_serializable_transactions(
    connection: Connection, spawn: Spawn
) -> None:
    """Statements that are handed over have the isolation that their role has."""
    connection.execute("drop table if exists pair")
    connection.execute("create table pair as select 0 as n")
    connection.execute(
        "create or replace procedure add() language plpgsql as $$ begin commit;"
        " perform n from pair; perform pg_sleep(0.05);"
        " update pair set n = n + 1; end $$"
    )
    connection.execute(
        "alter role postgres set default_transaction_isolation = serializable"
    )
    try:
        worker = spawn("--connections", "2")
        runs = [
            value(connection, "select df.start(df.retry('call add()', 50, '20 ms'))")
            for _ in range(8)
        ]
        assert await_end(connection, *runs, seconds=60) == {"completed"}
    finally:
        connection.execute("alter role postgres reset default_transaction_isolation")
    assert value(connection, "select n from pair") == 8
    assert "statement.failed" in worker.names()


@pytest.mark.slow
def test_a_million_rows(connection: Connection, spawn: Spawn) -> None:
    spawn("--connections", "2")
    query = "select g, md5(g::text) as m from generate_series(1, 1000000) g"
    run = value(
        connection,
        "select df.start(df.seq(df.\"as\"(%s, 'r'), 'select $r.m as m'))",
        query,
    )
    quick = [start(connection, ["select 1", "select 2"]) for _ in range(50)]
    assert await_end(connection, *quick, run, seconds=120) == {"completed"}
    rows = value(
        connection,
        "select row_count from df.nodes where instance_id = %s and id = '2'",
        run,
    )
    assert rows == 1_000_000


def test_no_worker_executes_a_paused_run_s_statement(
    connection: Connection, spawn: Spawn
) -> None:
    run = start(connection, ["vacuum effects"])
    connection.execute("call df.work(10, 1000)")
    connection.execute("select df.pause(%s)", [run])
    spawn("--connections", "1")
    other = start(connection, ["vacuum effects"])
    assert await_end(connection, other) == {"completed"}
    assert value(connection, "select attempt from df_engine.requests") == 0
    connection.execute("select df.resume(%s)", [run])
    assert await_end(connection, run) == {"completed"}


def test_ready_is_said_when_the_connections_are_up(
    connection: Connection, spawn: Spawn
) -> None:
    worker = spawn("--connections", "3")
    assert worker.wait_for("worker.ready")["connections"] == 3
    query = (
        "select count(*) from pg_stat_activity"
        " where application_name = 'perdure worker'"
    )
    assert value(connection, query) >= 4


def test_a_stranger_s_cancel_is_not_the_step_s_failure(
    connection: Connection, spawn: Spawn
) -> None:
    spawn("--connections", "1")
    run = start(connection, ["insert into effects select 'x', 'y' from pg_sleep(3)"])
    session = executing(connection)
    with psycopg.connect(connection.info.dsn, autocommit=True) as operator:
        operator.execute("select pg_cancel_backend(%s)", [session])
    assert await_end(connection, run) == {"completed"}
    assert value(connection, "select count(*) from effects") == 1
