"""Several sessions at once, and sessions that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.runtime.engine.db import Db, logged
from tests.runtime.engine.sessions import (
    WORKER,
    cancel_sleepers,
    sleeps,
    terminate_sleepers,
    wait_until,
    work_side_by_side,
    worker_thread,
)


@contextmanager
def busy_worker(db: Db) -> Iterator[None]:
    """Run df.work on another connection, again and again."""
    done = threading.Event()

    def body() -> None:
        with psycopg.connect(db.url, autocommit=True) as connection:
            while not done.is_set():
                connection.execute("call df.work(100000, 20000)")
                time.sleep(0.01)

    thread = threading.Thread(target=body)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_sessions_share_the_work(db: Db) -> None:
    runs = 60
    db.run(
        "select df.start(df.seq('insert into log (what) values ($input.n || ''/a'')',"
        """ df."join"('insert into log (what) values ($input.n || ''/b'')',"""
        " 'insert into log (what) values ($input.n || ''/c'')',"
        " df.race('insert into log (what) values ($input.n || ''/d'')',"
        " df.sleep(1000))),"
        " 'insert into log (what) values ($input.n || ''/e'')'),"
        " input => jsonb_build_object('n', n::text)) from generate_series(1, %s) n",
        runs,
    )
    work_side_by_side(db)
    assert db.run("select distinct status from df.instances") == [("completed",)]
    assert sorted(db.log()) == sorted(
        f"{n}/{x}" for n in range(1, runs + 1) for x in "abcde"
    )
    assert db.value("select count(*) from df_engine.tasks") == 0


def test_a_terminated_backend_undoes_its_step(db: Db) -> None:
    run = db.start(
        f"df.seq({logged('a')}, $$with x as (insert into log (what) values ('b'))"
        f" select pg_sleep(case when $input.first then 1 else 0 end)$$, {logged('c')})",
        {"first": True},
    )
    with worker_thread(db):
        wait_until(lambda: sleeps(db))
        terminate_sleepers(db)
    assert db.log() == ["a"]
    assert db.nodes(run).keys() == {"1", "2"}
    db.work()
    assert db.log() == ["a", "b", "c"]


@pytest.mark.parametrize("kills", [4])
def test_kill_9_of_a_client_process(db: Db, kills: int) -> None:
    """Whatever moment it hits: every insert happens once, and every run ends."""
    runs, steps = 150, 10
    graph = "df.seq({})".format(
        ", ".join(
            f"'insert into log (what) values ($input.n || ''/{i}'')'"
            for i in range(steps)
        )
    )
    db.run(
        f"select df.start({graph}, input => jsonb_build_object('n', n::text))"
        " from generate_series(1, %s) n",
        runs,
    )
    for kill in range(1, kills + 1):
        process = subprocess.Popen([sys.executable, "-c", WORKER, db.url])
        target = runs * steps * kill // (kills + 1)
        wait_until(lambda target=target: db.value("select count(*) from log") >= target)  # type: ignore[misc]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    wait_until(
        lambda: db.work() >= 0 and db.value("select count(*) from df_engine.tasks") == 0
    )
    assert db.run("select distinct status from df.instances") == [("completed",)]
    assert sorted(db.log()) == sorted(
        f"{n}/{i}" for n in range(1, runs + 1) for i in range(steps)
    )


def test_a_loser_in_progress_is_undone(db: Db) -> None:
    """The slow branch is in the middle of its statement when the race is decided."""
    run = db.start(
        f"""df.seq(df.race($$with x as (insert into log (what) values ('loser'))
                             select pg_sleep(0.4)$$,
                           df.seq(df.wait_for_signal('go'), {logged("winner")})),
                   {logged("after")})"""
    )
    with worker_thread(db):
        wait_until(lambda: sleeps(db))
        db.run("select df.signal(%s, 'go')", run)
        db.work()
        wait_until(lambda: db.status(run) == "completed")
    assert db.log() == ["winner", "after"]
    assert db.value("select count(*) from df_engine.tasks") == 0


def test_a_loser_of_an_earlier_round_does_not_win_the_next(db: Db) -> None:
    run = db.start(
        f"""df.repeat(df.seq(df.race('select pg_sleep(10)',
                               df.seq(df.wait_for_signal('go'), {logged("winner")})),
                             {logged("round")}),
                      until_condition => 'select count(*) >= 4 from log')"""
    )
    with worker_thread(db):
        wait_until(lambda: sleeps(db))
        db.run("select df.signal(%s, 'go')", run)
        db.run("select df.signal(%s, 'go')", run)
        with busy_worker(db), busy_worker(db):
            wait_until(lambda: db.status(run) == "completed", 60)
    assert db.log() == ["winner", "round"] * 2


def test_a_cancel_while_a_step_runs(db: Db) -> None:
    run = db.start(f"df.seq('select pg_sleep(0.3)', {logged('after')})")
    with worker_thread(db):
        wait_until(lambda: sleeps(db))
        db.run("select df.cancel(%s)", run)
        assert db.status(run) == "cancelled"
    db.work()
    assert db.log() == []
    assert db.value("select count(*) from df_engine.tasks") == 0


def test_a_step_cancels_its_own_run(db: Db) -> None:
    run = db.finish(
        f"df.seq('select df.cancel(''{{sys_instance_id}}'')', {logged('after')})"
    )
    assert db.status(run) == "cancelled"
    assert db.log() == []


def test_a_deadlock_between_steps_is_retried(db: Db) -> None:
    db.run("drop table if exists rivals")
    db.run("create table rivals (id int primary key, n int)")
    db.run("insert into rivals values (1, 0), (2, 0)")
    for first, second in ((1, 2), (2, 1)):
        db.start(
            "df.retry($q$do $x$ begin"
            f" update rivals set n = n + 1 where id = {first}; perform pg_sleep(0.3);"
            f" update rivals set n = n + 1 where id = {second}; end $x$ $q$, 5, '0')"
        )
    with worker_thread(db):
        db.work()
    db.work()
    assert db.run("select n from rivals") == [(2,), (2,)]


def test_a_cancelled_query_is_not_the_steps_failure(db: Db) -> None:
    run = db.start(f"df.seq('select pg_sleep(0.5)', {logged('after')})")
    with worker_thread(db):
        wait_until(lambda: sleeps(db))
        cancel_sleepers(db)
    assert db.status(run) == "pending"
    db.work()
    assert db.status(run) == "completed"


def test_work_that_another_session_holds_is_looked_at_again_soon(db: Db) -> None:
    db.start("'select 1'")
    with psycopg.connect(db.url) as other:
        other.execute("select from df_engine.tasks for update")
        steps, wait = db.run("call df.work(10, 1000)")[0]
        assert steps == 0
        assert 5 <= wait <= 1000
    assert db.run("call df.work(10, 1000)")[0] == (1, None)
