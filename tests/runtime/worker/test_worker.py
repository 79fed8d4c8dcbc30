"""The worker as a process: waking, stopping, losing connections."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from perdure.engine.database import Database
from tests.runtime.worker.processes import COMMAND, WorkerProcess, wait_until
from tests.runtime.worker.runs import (
    Connection,
    await_end,
    effects,
    insert,
    make_effects,
    node,
    start,
    status,
)

Spawn = Callable[..., WorkerProcess]


def test_two_workers_do_every_step_once(connection: Connection, spawn: Spawn) -> None:
    make_effects(connection)
    spawn("--connections", "2")
    spawn("--connections", "2")
    runs = [
        start(connection, [insert(str(n), step) for step in range(5)])
        for n in range(40)
    ]
    assert await_end(connection, *runs) == {"completed"}
    expected = sorted((str(n), step) for n in range(40) for step in range(5))
    assert effects(connection) == expected


def test_idle_worker_wakes_for_a_start(connection: Connection, spawn: Spawn) -> None:
    make_effects(connection)
    spawn()
    await_end(connection, start(connection, [insert("warm", 0)]))
    times = []
    for n in range(5):
        time.sleep(0.2)
        began = time.monotonic()
        run = start(connection, [insert(str(n), 0)])
        await_end(connection, run)
        times.append(time.monotonic() - began)
    # Typically 10 ms; without the notification it would be the poll of a minute.
    assert min(times) < 1


def test_timer_ends_when_it_is_due(connection: Connection, spawn: Spawn) -> None:
    make_effects(connection)
    spawn()
    sleep = node(connection, "df.sleep(1)")
    began = time.monotonic()
    run = start(connection, [sleep, insert("late", 0)])
    await_end(connection, run)
    assert 0.9 < time.monotonic() - began < 6


def test_signal_wakes_a_run_that_waits(connection: Connection, spawn: Spawn) -> None:
    make_effects(connection)
    spawn()
    wait = node(connection, "df.wait_for_signal('go')")
    run = start(connection, [wait, insert("after", 0)])
    wait_until(lambda: status(connection, run) == "running")
    time.sleep(0.3)
    assert status(connection, run) == "running"
    connection.execute("select df.signal(%s, 'go', '{}')", [run])
    assert await_end(connection, run) == {"completed"}


def test_sigterm_finishes_the_running_step_and_no_other(
    connection: Connection, spawn: Spawn
) -> None:
    make_effects(connection)
    worker = spawn("--connections", "1")
    run = start(connection, [insert("a", 1, seconds=1.5), insert("a", 2, seconds=30)])
    wait_until(lambda: _is_busy(connection))
    worker.process.send_signal(signal.SIGTERM)
    assert worker.end() == 0
    assert worker.names()[-2:] == ["worker.stopping", "worker.stopped"]
    assert effects(connection) == [("a", 1)]
    assert status(connection, run) == "running"


def test_idle_worker_stops_at_once(spawn: Spawn) -> None:
    worker = spawn()
    began = time.monotonic()
    worker.process.send_signal(signal.SIGINT)
    assert worker.end() == 0
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("twice", [True, False], ids=["second signal", "grace ends"])
def test_step_that_is_given_up_is_undone_and_done_again(
    connection: Connection, spawn: Spawn, twice: bool
) -> None:
    make_effects(connection)
    connection.execute("create table patience as select 60.0 as seconds")
    slow = "insert into effects select 'a', 1 from patience, pg_sleep(seconds)"
    worker = spawn("--connections", "1", "--grace", "60" if twice else "1")
    run = start(connection, [slow, insert("a", 2)])
    wait_until(lambda: _is_busy(connection))
    worker.process.send_signal(signal.SIGTERM)
    if twice:
        worker.wait_for("worker.stopping")
        worker.process.send_signal(signal.SIGTERM)
    assert worker.end() == 0
    assert effects(connection) == []
    connection.execute("update patience set seconds = 0")
    spawn()
    assert await_end(connection, run) == {"completed"}
    assert effects(connection) == [("a", 1), ("a", 2)]


def test_lost_connections_are_opened_anew(connection: Connection, spawn: Spawn) -> None:
    make_effects(connection)
    worker = spawn("--connections", "3")
    wait_until(lambda: len(_backends(connection)) >= 4)
    for pid in _backends(connection):
        connection.execute("select pg_terminate_backend(%s)", [pid])
    worker.wait_for("connection.restored")
    run = start(connection, [insert("a", 1)])
    assert await_end(connection, run) == {"completed"}


def _backends(connection: Connection) -> list[int]:
    rows = connection.execute(
        "select pid from pg_stat_activity where application_name = 'perdure worker'"
        " and datname = current_database() and state = 'idle'"
    )
    return [pid for (pid,) in rows]


def test_step_that_ends_its_own_connection_does_not_end_the_worker(
    connection: Connection, spawn: Spawn
) -> None:
    make_effects(connection)
    worker = spawn("--connections", "1")
    bad = start(connection, ["select pg_terminate_backend(pg_backend_pid())"])
    worker.wait_for("connection.lost")
    connection.execute("select df.cancel(%s, 'enough')", [bad])
    run = start(connection, [insert("a", 1)])
    assert await_end(connection, run) == {"completed"}


def test_worker_without_runtime_says_what_to_do(bare_url: str) -> None:
    code, error = _run_worker(bare_url)
    assert code == 2
    assert "perdure runtime install" in error


def test_worker_without_database_ends_with_code_3(
    database: Database, tmp_path: Path
) -> None:
    code, error = _run_worker(database.url.replace("/test_", "/no_such_"))
    assert code == 3
    assert 'database "no_such_' in error
    assert "does not exist" in error


def _run_worker(url: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "--database-url", url],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "NO_COLOR": "1"},
    )
    return done.returncode, done.stderr


def _is_busy(connection: Connection) -> bool:
    row = connection.execute(
        "select count(*) from pg_stat_activity"
        " where application_name = 'perdure worker' and wait_event = 'PgSleep'"
    ).fetchone()
    return row is not None and row[0] > 0
