"""Pause and resume."""

from __future__ import annotations

import psycopg
import pytest

from tests.runtime.engine.db import Db, logged
from tests.runtime.engine.sessions import as_role, sleeps, wait_until, working


def pause(db: Db, run: str) -> str:
    return str(db.value("select df.pause(%s, 'lunch')", run))


def resume(db: Db, run: str) -> str:
    return str(db.value("select df.resume(%s)", run))


def test_a_paused_run_does_nothing_until_it_is_resumed(db: Db) -> None:
    run = db.start(f"df.seq({logged('a')}, {logged('b')})")
    assert pause(db, run) == "paused"
    row = db.instance(run)
    assert (row["status"], row["pause_reason"]) == ("paused", "lunch")
    assert row["paused_at"] is not None
    db.work()
    assert db.log() == []
    assert db.run("call df.work(100, 1000)")[0] == (0, None)
    assert resume(db, run) == "running"
    db.work()
    assert db.log() == ["a", "b"]
    assert db.instance(run)["paused_at"] is None


def test_a_step_in_progress_ends(db: Db) -> None:
    run = db.start(
        f"df.seq($$with x as (insert into log (what) values ('a'))"
        f" select pg_sleep(0.5)$$, {logged('b')})"
    )
    with working(db):
        wait_until(lambda: sleeps(db))
        pause(db, run)
    assert db.log() == ["a"]
    assert db.status(run) == "paused"
    resume(db, run)
    db.work()
    assert db.log() == ["a", "b"]


def test_the_last_step_in_progress_ends_the_run(db: Db) -> None:
    run = db.start("'select pg_sleep(0.5)'")
    with working(db):
        wait_until(lambda: sleeps(db))
        pause(db, run)
    assert db.status(run) == "completed"
    assert resume(db, run) == "completed"
    assert db.value("select count(*) from df_engine.paused_tasks") == 0


def test_due_timers_wait(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.finish(f"df.seq(df.sleep(60), {logged('a')}, df.sleep(60), {logged('b')})")
    pause(db, run)
    db.run("select df.advance_time('1 hour')")
    db.work()
    assert db.log() == []
    resume(db, run)
    db.work()
    assert db.log() == ["a"]
    db.run("select df.advance_time('1 minute')")
    db.work()
    assert db.log() == ["a", "b"]


def test_a_timer_that_is_not_due_goes_on(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.finish(f"df.seq(df.sleep(60), {logged('a')})")
    pause(db, run)
    db.work()
    resume(db, run)
    db.work()
    assert db.log() == []
    db.run("select df.advance_time('1 minute')")
    db.work()
    assert db.log() == ["a"]


def test_signals_wait(db: Db) -> None:
    run = db.finish(
        f"""df.seq(df."as"(df.wait_for_signal('go'), 's'),
          'insert into log (what) values ($s.data)', df.wait_for_signal('go'),
          {logged("b")})"""
    )
    pause(db, run)
    db.run("select df.signal(%s, 'go', '1')", run)
    db.run("select df.signal(%s, 'go', '2')", run)
    db.work()
    assert db.log() == []
    resume(db, run)
    db.work()
    assert db.log() == ["1", "b"]
    assert db.status(run) == "completed"


def test_a_response_comes_while_the_run_is_paused(db: Db) -> None:
    run = db.finish(f"df.seq(df.http('http://x.test/'), {logged('a')})")
    ids = db.run("select request_id, attempt from df.claim_http('w', 9)")[0]
    pause(db, run)
    assert db.value(
        'select df.finish_http(%s, %s, \'{"status": 200, "ok": true}\')', *ids
    )
    db.work()
    assert db.log() == []
    resume(db, run)
    db.work()
    assert db.log() == ["a"]


def test_requests_of_a_paused_run_are_not_made(db: Db) -> None:
    run = db.finish("df.http('http://x.test/')")
    pause(db, run)
    assert db.run("select * from df.claim_http('w', 9)") == []
    resume(db, run)
    assert len(db.run("select * from df.claim_http('w', 9)")) == 1


def test_branches_wait(db: Db) -> None:
    run = db.start(
        f"""df.seq(df."join"({logged("a")}, df.seq(df.sleep(10), {logged("b")}),
          df.race(df.sleep(10), df.wait_for_signal('go'))), {logged("c")})"""
    )
    db.work()
    pause(db, run)
    db.run("select df.set_time(df.now() + '1 hour')")
    db.run("select df.signal(%s, 'go')", run)
    db.work()
    assert db.log() == ["a"]
    resume(db, run)
    db.work()
    assert db.log() == ["a", "b", "c"]
    assert db.status(run) == "completed"


def test_a_loop_goes_on_where_it_stood(db: Db) -> None:
    run = db.start(
        "df.repeat(df.seq('insert into log (what) values (''x'')',"
        " df.wait_for_signal('go')),"
        " until_condition => 'select count(*) >= 3 from log')"
    )
    for count in (1, 2, 3):
        db.work()
        assert len(db.log()) == count
        pause(db, run)
        db.run("select df.signal(%s, 'go')", run)
        db.work()
        assert len(db.log()) == count
        resume(db, run)
    db.work()
    assert db.status(run) == "completed"


def test_twice_is_fine(db: Db) -> None:
    run = db.start(logged("a"))
    assert pause(db, run) == pause(db, run) == "paused"
    db.work()
    assert resume(db, run) == resume(db, run) == "running"
    db.work()
    assert db.log() == ["a"]
    assert pause(db, run) == resume(db, run) == "completed"


def test_a_paused_run_is_cancelled(db: Db) -> None:
    run = db.start(f"df.seq(df.sleep(0), {logged('a')})")
    pause(db, run)
    db.work()
    db.run("select df.cancel(%s)", run)
    assert db.status(run) == "cancelled"
    resume(db, run)
    db.work()
    assert db.log() == []
    for table in ("tasks", "paused_tasks"):
        assert db.value(f"select count(*) from df_engine.{table}") == 0


def test_the_deadline_of_a_paused_run_waits_too(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.finish("df.sleep(7200)", timeout="1 hour")
    pause(db, run)
    db.run("select df.advance_time('1 hour')")
    db.work()
    assert db.status(run) == "paused"
    resume(db, run)
    db.work()
    assert db.instance(run)["sqlstate"] == "PD031"


def test_a_run_that_is_paused_before_its_turn_lets_others_pass(db: Db) -> None:
    first = db.start("df.wait_for_signal('go')", concurrency_key="k")
    second = db.start(logged("b"), concurrency_key="k")
    third = db.start(logged("c"), concurrency_key="k")
    pause(db, second)
    db.run("select df.signal(%s, 'go')", first)
    db.work()
    assert db.log() == ["c"]
    assert db.status(third) == "completed"
    resume(db, second)
    db.work()
    assert db.log() == ["c", "b"]


def test_another_roles_run(db: Db, roles: tuple[str, str]) -> None:
    with as_role(db, roles[0]) as owner, as_role(db, roles[1]) as other:
        run = owner.start("df.sleep(0)")
        for command in ("pause", "resume"):
            with pytest.raises(psycopg.Error) as error:
                other.run(f"select df.{command}(%s)", run)
            assert error.value.sqlstate == "PD002"
        assert pause(owner, run) == "paused"
        assert pause(db, run) == "paused"  # its owner's superior
        assert resume(db, run) == "running"
    with pytest.raises(psycopg.Error, match="there is no run"):
        db.run("select df.pause('00000000')")
