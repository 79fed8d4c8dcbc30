"""What df.start does with its options: keys, concurrency limits, timeouts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psycopg
import pytest

from tests.runtime.engine.db import Db, logged
from tests.runtime.engine.sessions import (
    WORKER,
    as_role,
    meanwhile,
    session,
    sleeps,
    terminate_sleepers,
    wait_until,
    waits_for_lock,
    working,
)

START = "select df.start('select 1', key => 'k')"


def statuses(db: Db, runs: list[str]) -> list[str]:
    return [db.status(run) for run in runs]


def test_a_new_graph_in_an_open_transaction_holds_nobody_up(db: Db) -> None:
    graph = logged("a")
    with session(db) as first:
        first.execute(f"select df.start({graph})".encode())
        runs = [db.start(graph), db.start(graph)]
        db.work()
        assert statuses(db, runs) == ["completed", "completed"]
        first.commit()
    runs.append(db.start(graph))
    db.work()
    assert db.log() == ["a"] * 4
    assert db.value("select count(*) from df_engine.graphs") == 2


# --- keys -------------------------------------------------------------------------


def test_the_same_key_is_the_same_run(db: Db) -> None:
    first = db.start(logged("a"), key="k")
    assert db.start(logged("a"), key="k") == first
    db.work()
    assert db.start(logged("b"), key="k") == first
    assert db.start(logged("b"), key="other") != first
    db.work()
    assert db.log() == ["a", "b"]


def test_a_key_is_the_roles_own(db: Db, roles: tuple[str, str]) -> None:
    runs = set()
    for role in roles:
        with as_role(db, role) as other:
            runs.add(other.value(START))
    assert len(runs) == 2


def test_two_sessions_with_one_key(db: Db) -> None:
    """The second waits for the first one's transaction, and takes its run."""
    found = []
    with session(db) as first:
        row = first.execute(START).fetchone()
        with meanwhile(lambda: found.append(db.value(START))):
            with session(db) as watcher:
                wait_until(lambda: waits_for_lock(Db(db.url, watcher)))
            first.commit()
    assert row == (found[0],)
    assert db.value("select count(*) from df.instances") == 1


def test_a_key_of_a_start_that_was_rolled_back_is_free(db: Db) -> None:
    found = []
    with session(db) as first:
        row = first.execute(START).fetchone()
        with meanwhile(lambda: found.append(db.value(START))):
            with session(db) as watcher:
                wait_until(lambda: waits_for_lock(Db(db.url, watcher)))
            first.rollback()
    assert row != (found[0],)
    db.work()
    assert db.status(found[0]) == "completed"


# --- concurrency ------------------------------------------------------------------


def limited(db: Db, what: str, limit: int | None = 1, key: str = "k") -> str:
    """Start a run that logs a word, waits for `go` and logs it again."""
    value = "null" if limit is None else str(limit)
    return str(
        db.value(
            f"select df.start(df.seq({logged(what)}, df.wait_for_signal('go'),"
            f" {logged(what + '!')}), concurrency_key => '{key}',"
            f" concurrency_limit => {value})"
        )
    )


def go(db: Db, run: str) -> None:
    db.run("select df.signal(%s, 'go')", run)
    db.work()


def test_runs_beyond_the_limit_wait_in_order(db: Db) -> None:
    runs = [limited(db, word, 2) for word in "abcd"]
    db.work()
    assert statuses(db, runs) == ["running", "running", "pending", "pending"]
    assert [db.instance(run)["queued"] for run in runs] == [False, False, True, True]
    assert sorted(db.log()) == ["a", "b"]
    go(db, runs[1])
    assert statuses(db, runs) == ["running", "completed", "running", "pending"]
    go(db, runs[0])
    go(db, runs[2])
    go(db, runs[3])
    assert statuses(db, runs) == ["completed"] * 4
    assert [word for word in db.log() if "!" not in word][2:] == ["c", "d"]
    assert db.value("select count(*) from df_engine.turns") == 0


def test_a_waiting_run_costs_nothing(db: Db) -> None:
    limited(db, "a")
    for _ in range(20):
        limited(db, "b")
    db.work()
    assert db.value("select count(*) from df_engine.tasks") == 1
    assert db.run("call df.work(100, 1000)")[0] == (0, None)


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_the_next_run_begins_however_one_ends(db: Db, end: str) -> None:
    first = db.start(
        "df.seq(df.wait_for_signal('go'), 'select 1/0')", concurrency_key="k"
    )
    second = limited(db, "b", None)
    db.work()
    assert db.log() == []
    if end == "failed":
        go(db, first)
    else:
        db.run("select df.cancel(%s)", first)
        db.work()
    assert statuses(db, [first, second]) == [end, "running"]
    assert db.log() == ["b"]


def test_a_waiting_run_is_cancelled(db: Db) -> None:
    runs = [limited(db, word) for word in "abc"]
    db.work()
    db.run("select df.cancel(%s)", runs[1])
    go(db, runs[0])
    assert statuses(db, runs) == ["completed", "cancelled", "running"]
    assert db.log() == ["a", "a!", "c"]


def test_the_latest_limit_counts(db: Db) -> None:
    runs = [limited(db, word, 1) for word in "abc"]
    db.work()
    runs.append(limited(db, "d", 3))
    db.work()
    assert statuses(db, runs) == ["running", "running", "running", "pending"]
    go(db, runs[0])
    assert statuses(db, runs) == ["completed", "running", "running", "running"]
    runs.append(limited(db, "e", None))
    db.work()
    assert db.status(runs[4]) == "pending"
    for run in runs[1:4]:
        go(db, run)
    runs += [limited(db, "f", 1), limited(db, "g", None)]
    db.work()
    assert statuses(db, runs[4:]) == ["running", "pending", "pending"]


def test_the_limit_outlives_the_run_that_gave_it(db: Db) -> None:
    db.finish("'select 1'", concurrency_key="k", concurrency_limit="2")
    runs = [limited(db, word, None) for word in "abc"]
    db.work()
    assert statuses(db, runs) == ["running", "running", "pending"]


def test_keys_and_roles_do_not_limit_each_other(db: Db, roles: tuple[str, str]) -> None:
    limited(db, "a")
    limited(db, "b", key="other")
    for role in roles:
        with as_role(db, role) as other:
            limited(other, role)
    db.work()
    assert sorted(db.log()) == sorted(["a", "b", *roles])


def test_starts_with_one_key_do_not_wait_for_each_other(db: Db) -> None:
    with session(db) as first:
        first.execute(
            "select df.start('select 1', concurrency_key => 'k',"
            " concurrency_limit => 1)"
        )
        db.run("set lock_timeout = '1s'")
        run = limited(db, "b")
        db.work()
        assert db.status(run) == "running"
        first.commit()
    db.work()
    go(db, run)
    assert db.value("select count(*) from df.instances where status = 'completed'") == 2


def test_an_end_that_the_next_start_does_not_see(db: Db) -> None:
    """Run a ends in a transaction that is open while b starts and asks for its turn."""
    first = db.start("df.wait_for_signal('go')", concurrency_key="k")
    db.work()
    with session(db) as ending:
        ending.execute("select df.cancel(%s)", [first])
        second = limited(db, "b")
        db.work()
        assert db.log() == []
        ending.commit()
    db.work()
    assert statuses(db, [first, second]) == ["cancelled", "running"]


def test_two_sessions_give_turns_at_once(db: Db) -> None:
    """The second counts the active runs anew when it has got the lock."""
    runs = [limited(db, word) for word in "abc"]
    with session(db) as first:
        first.execute(
            "select df_engine.give_turns(t.id, t.instance) from df_engine.tasks t"
            " where t.state = 'q' order by t.id limit 1"
        )
        with working(db):
            with session(db) as watcher:
                wait_until(lambda: waits_for_lock(Db(db.url, watcher)))
            first.commit()
    db.work()
    assert statuses(db, runs) == ["running", "pending", "pending"]


@pytest.mark.slow
def test_limits_through_kill_9(db: Db) -> None:
    """Never more runs at once than allowed, and none is left, whoever dies."""
    graph = f"df.seq({logged('b')}, 'select pg_sleep(0.005)', {logged('e')})"
    db.run(
        f"select df.start({graph}, concurrency_key => 'k' || i % 2,"
        " concurrency_limit => 1 + i % 2) from generate_series(1, 150) i"
    )
    processes = [start_worker(db) for _ in range(3)]
    ended = "select count(*) from df.instances where ended_at is not null"
    for kill in range(8):
        wait_until(lambda kill=kill: db.value(ended) >= kill * 15)  # type: ignore[misc]
        os.kill(processes[kill % 3].pid, signal.SIGKILL)
        processes[kill % 3].wait()
        processes[kill % 3] = start_worker(db)
    wait_until(lambda: db.value("select count(*) from df_engine.turns") == 0)
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert db.run("select distinct status from df.instances") == [("completed",)]
    most = db.run(
        """select a.concurrency_key, max((select count(*) from df.instances b
             where b.concurrency_key = a.concurrency_key
               and b.started_at <= a.started_at and b.ended_at > a.started_at))
           from df.instances a group by 1 order by 1"""
    )
    assert [(key, count <= n) for n, (key, count) in enumerate(most, 1)] == [
        ("k0", True),
        ("k1", True),
    ]
    assert len(db.log()) == 300


def start_worker(db: Db) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WORKER, db.url])


def test_a_session_that_dies_keeps_no_turn(db: Db) -> None:
    slow = "'select pg_sleep(case when $input.slow then 60 else 0 end)'"
    first = db.start(slow, {"slow": True}, concurrency_key="k")
    second = db.start(slow, {"slow": False}, concurrency_key="k")
    with meanwhile(lambda: work_elsewhere(db)):
        wait_until(lambda: sleeps(db))
        db.run("select df.cancel(%s)", first)
        terminate_sleepers(db)
    db.work()
    assert db.status(second) == "completed"


def work_elsewhere(db: Db) -> None:
    """Work until the session is ended."""
    with (
        pytest.raises(psycopg.OperationalError),
        psycopg.connect(db.url, autocommit=True) as connection,
    ):
        connection.execute("call df.work(100000, 20000)")


@pytest.mark.parametrize(
    "options",
    [
        "concurrency_limit => 1",
        "concurrency_key => 'k', concurrency_limit => 0",
        "concurrency_key => ''",
        "timeout => '0 s'",
        "timeout => '-1 s'",
    ],
)
def test_options_that_make_no_sense(db: Db, options: str) -> None:
    with pytest.raises(psycopg.Error) as error:
        db.run(f"select df.start('select 1', {options})")
    assert error.value.sqlstate == "PD003"


# --- timeouts ---------------------------------------------------------------------


def test_a_run_that_is_not_done_in_time_fails(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.finish(
        f"""df.seq({logged("a")}, df."join"(df.sleep(7200),
          df.wait_for_signal('go')), {logged("b")})""",
        timeout="1 hour",
    )
    assert db.status(run) == "running"
    db.run("select df.advance_time('1 hour')")
    db.work()
    row = db.instance(run)
    assert (row["status"], row["sqlstate"]) == ("failed", "PD031")
    assert "01:00:00" in row["error"]
    assert db.value("select count(*) from df_engine.tasks") == 0
    db.run("select df.advance_time('2 hours')")
    db.run("select df.signal(%s, 'go')", run)
    db.work()
    assert db.log() == ["a"]


def test_a_run_that_is_done_in_time(db: Db) -> None:
    run = db.finish(logged("a"), timeout="1 hour")
    assert db.status(run) == "completed"
    assert db.value("select count(*) from df_engine.tasks") == 0


def test_a_run_in_time_may_fail_or_be_cancelled(db: Db) -> None:
    db.finish("'select 1/0'", timeout="1 hour")
    run = db.finish("df.sleep(100)", timeout="1 hour")
    db.run("select df.cancel(%s)", run)
    assert db.value("select count(*) from df_engine.tasks") == 0


@pytest.mark.parametrize(
    "look", ["call df.work(100, 1000)", "select df_engine.fire_timeouts()"]
)
def test_a_statement_in_progress_is_ended_by_the_timeout(db: Db, look: str) -> None:
    run = db.start(
        f"df.seq({logged('a')}, $$with x as (insert into log (what) values ('b'))"
        f" select pg_sleep(60)$$, {logged('c')})",
        timeout="1 hour",
    )
    with working(db):
        wait_until(lambda: sleeps(db))
        db.run("select df.advance_time('1 hour')")
        db.run(look)
        assert db.instance(run)["sqlstate"] == "PD031"
    db.work()
    assert db.log() == ["a"]
    assert db.value("select count(*) from df_engine.tasks") == 0


def test_the_time_of_a_run_that_waits_for_its_turn(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    db.start("df.wait_for_signal('go')", concurrency_key="k")
    late = db.start(logged("b"), concurrency_key="k", timeout="1 hour")
    last = db.finish(logged("c"), concurrency_key="k")
    db.run("select df.advance_time('1 hour')")
    db.work()
    assert statuses(db, [late, last]) == ["failed", "pending"]
