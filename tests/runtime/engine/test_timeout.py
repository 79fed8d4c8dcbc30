"""df.timeout: what it ends, and that nothing of that commits any more."""

from __future__ import annotations

import psycopg
import pytest

from tests.runtime.engine.db import Db, logged
from tests.runtime.engine.sessions import (
    cancel_sleepers,
    sleeps,
    terminate_sleepers,
    wait_until,
    worker_thread,
)

SLOW = (
    "$$with x as (insert into log (what) values ('slow'))"
    " select pg_sleep(60), 'slow' as v$$"
)
NOON = "2030-01-01 12:00:00+00"


@pytest.fixture(autouse=True)
def stopped_clock(db: Db) -> None:
    db.run("select df.set_time(%s)", NOON)


def pass_time(db: Db, by: str) -> None:
    db.run("select df.advance_time(%s)", by)
    db.work()


def failed(db: Db, run: str, sqlstate: str = "PD031") -> None:
    row = db.instance(run)
    assert (row["status"], row["sqlstate"]) == ("failed", sqlstate), row["error"]
    assert db.value("select count(*) from df_engine.tasks") == 0
    assert db.value("select count(*) from df_engine.requests") == 0


WAITS = {
    "sleep": "df.sleep(100000)",
    "signal": "df.wait_for_signal('go')",
    "schedule": "df.wait_for_schedule('0 0 1 1 *')",
    "http": "df.http('http://localhost/')",
    "join": """df."join"(df.sleep(100000), 'select 1', df.wait_for_signal('x'))""",
    "race": "df.race(df.sleep(100000), df.wait_for_signal('x'))",
    "foreach": "df.foreach('select 1 as i union all select 2', df.sleep(100000),"
    " max_parallel => 2)",
    "loop": "df.repeat(df.sleep(1000), until_condition => 'select false')",
    "try": "df.try(df.sleep(100000), 'select 1', finally => 'select 1')",
    "call": "df.call($$select df.start(df.sleep(100000))$$)",
    "timeout": "df.timeout(df.sleep(100000), '1 day')",
    "retry": "df.retry('select 1/0', 9, '1 day', retry_on => '{22012}')",
}


@pytest.mark.parametrize("inside", WAITS)
def test_what_waits_is_ended(db: Db, inside: str) -> None:
    run = db.finish(
        f"df.seq(df.timeout(df.seq({logged('a')}, {WAITS[inside]}, {logged('b')}),"
        f" '10 minutes'), {logged('c')})"
    )
    assert db.status(run) == "running"
    assert str(db.nodes(run)["2"]["wake_at"]) == "2030-01-01 12:10:00+00:00"
    pass_time(db, "9 minutes")
    assert db.status(run) == "running"
    pass_time(db, "1 minute")
    failed(db, run)
    assert db.instance(run)["error"] == "timed out after 00:10:00"
    assert db.log() == ["a"]
    node = db.nodes(run)["2"]
    assert (node["status"], node["sqlstate"]) == ("failed", "PD031")
    assert db.value("select count(*) from df.instances where status = 'running'") == 0
    assert "running" not in {each["status"] for each in db.nodes(run).values()}


def test_in_time_the_result_and_the_names_get_out(db: Db) -> None:
    run = db.finish(
        """df.seq(df."as"(df.timeout(df.seq(df."as"('select 1 as v', 'x'),
                   'select $x + 1 as v'), '1 minute'), 'y'),
                   'select $x.v + $y.v as v')"""
    )
    assert db.rows(run) == [{"v": 3}]
    assert db.value("select count(*) from df_engine.tasks") == 0


@pytest.mark.parametrize(
    ("jump", "log"),
    [("df.break()", ["after"]), ("""df."return"('select 1')""", [])],
)
def test_jumps_get_through(db: Db, jump: str, log: list[str]) -> None:
    run = db.finish(
        f"df.seq(df.repeat(df.timeout(df.seq('select 1', {jump}), '1 minute')),"
        f" {logged('after')})"
    )
    assert db.status(run) == "completed"
    assert db.log() == log


def test_a_failure_inside_is_the_node_s(db: Db) -> None:
    failed(db, db.finish("df.timeout('select 1/0', '1 minute')"), "22012")


def test_a_try_around_answers(db: Db) -> None:
    run = db.finish(
        "df.try(df.timeout(df.sleep(1000), '1 minute'),"
        " 'select $err.message as m, $err.node as n')"
    )
    pass_time(db, "1 minute")
    assert db.rows(run) == [{"m": "timed out after 00:01:00", "n": "2"}]


def test_a_retry_around_gives_each_attempt_its_time(db: Db) -> None:
    run = db.finish(
        f"df.retry(df.timeout(df.seq({logged('try')}, df.sleep(1000)), '1 minute'),"
        " 3, '0', retry_on => '{PD031}')"
    )
    for attempts in (1, 2, 3):
        assert db.log() == ["try"] * attempts
        pass_time(db, "1 minute")
    failed(db, run)
    assert db.nodes(run)["2"]["attempts"] == 3


def test_a_retry_inside_shares_the_time(db: Db) -> None:
    run = db.finish(
        f"df.timeout(df.retry(df.seq({logged('try')}, 'select 1/0'), 9, '40 s',"
        " jitter => false, factor => 1, retry_on => '{22012}'), '1 minute')"
    )
    pass_time(db, "40 s")
    assert db.log() == ["try"] * 2
    pass_time(db, "20 s")
    failed(db, run)
    assert db.log() == ["try"] * 2


def test_a_step_in_progress_is_cancelled_and_undone(db: Db) -> None:
    run = db.start(
        f"df.try(df.timeout(df.seq({SLOW}, {logged('never')}), '1 minute'),"
        f" {logged('caught')})"
    )
    with worker_thread(db) as thread:
        wait_until(lambda: sleeps(db))
        pass_time(db, "1 minute")
        wait_until(lambda: db.status(run) == "completed")
        thread.join(20)
        assert not thread.is_alive()
    assert db.log() == ["caught"]
    assert db.value("select count(*) from df_engine.tasks") == 0
    assert db.nodes(run)["2"]["sqlstate"] == "PD031"


def test_the_session_of_a_cancelled_step_works_on(db: Db) -> None:
    """Nothing of the cancellation reaches what its session does next."""
    db.start(f"df.timeout({SLOW}, '1 minute')")
    with psycopg.connect(db.url, autocommit=True) as other, worker_thread(db):
        wait_until(lambda: sleeps(db))
        runs = [db.start(logged(f"{n}")) for n in range(20)]
        pass_time(db, "1 minute")
        other.execute("call df.work(1000, 5000)")
    assert {db.status(run) for run in runs} == {"completed"}
    assert sorted(db.log()) == sorted(f"{n}" for n in range(20))


def test_a_loser_of_a_race_is_cancelled_too(db: Db) -> None:
    run = db.start(f"df.race({SLOW}, df.wait_for_signal('go'))")
    with worker_thread(db) as thread:
        wait_until(lambda: sleeps(db))
        db.run("select df.signal(%s, 'go')", run)
        db.work()
        thread.join(20)
        assert not thread.is_alive()
    assert db.status(run) == "completed"
    assert db.log() == []


def test_cancel_ends_a_statement_inside_of_a_timeout(db: Db) -> None:
    run = db.start(f"df.timeout({SLOW}, '1 minute')")
    with worker_thread(db) as thread:
        wait_until(lambda: sleeps(db))
        db.run("select df.cancel(%s)", run)
        thread.join(20)
        assert not thread.is_alive()
    db.work()
    assert db.status(run) == "cancelled"
    assert db.value("select count(*) from df_engine.tasks") == 0


def test_the_only_session_is_told_by_fire_timeouts(db: Db) -> None:
    run = db.start(f"df.timeout({SLOW}, '1 minute')")
    with worker_thread(db) as thread:
        wait_until(lambda: sleeps(db))
        db.run("select df_engine.fire_timeouts()")
        assert db.status(run) == "running"
        db.run("update df_engine.settings set clock = clock + interval '1 minute'")
        db.run("select df_engine.fire_timeouts()")
        thread.join(20)
        assert not thread.is_alive()
    failed(db, run)
    assert db.log() == []


def test_a_cancelled_query_is_not_a_timeout_otherwise(db: Db) -> None:
    run = db.start(
        "df.timeout($$with x as (insert into log (what) values ('slow'))"
        " select pg_sleep(case when $input.first then 60 else 0 end)$$, '1 minute')",
        {"first": True},
    )
    with worker_thread(db):
        wait_until(lambda: sleeps(db))
        db.run("update df_engine.instances set input = '{\"first\": false}'")
        cancel_sleepers(db)
    db.work()
    assert db.status(run) == "completed"
    assert db.log() == ["slow"]


def test_the_step_that_is_just_committing_wins(db: Db) -> None:
    """It holds the instance: nobody ends it, and fire_timeouts waits for nobody."""
    run = db.start(f"df.timeout({logged('step')}, '1 minute')")
    db.run("call df.work(1, 1000)")
    with psycopg.connect(db.url) as step:
        task = "select id from df_engine.tasks where state = 'x' for update"
        step.execute(task.encode())
        step.execute("select 1 from df_engine.instances for update")
        db.run("update df_engine.settings set clock = clock + interval '1 minute'")
        db.run("select df_engine.fire_timeouts()")
        assert db.status(run) == "running"
        step.execute("select 1")  # it was not cancelled
        step.rollback()
    db.run("select df.set_time(%s)", NOON)
    db.work()
    assert db.status(run) == "completed"


def test_many_timeouts_that_fire_while_their_steps_end(db: Db) -> None:
    """Each run either did its step or timed out, never both, never neither."""
    db.run("select df.set_time(null)")
    count = 60
    db.run(
        "select df.start(df.try(df.seq(df.timeout(df.seq("
        "'select pg_sleep(random() * 0.02)',"
        " 'insert into log (what) values ($input.n)'), '10 ms'), 'select 1 as v'),"
        " 'select 2 as v'), input => jsonb_build_object('n', n::text))"
        " from generate_series(1, %s) n",
        count,
    )
    with worker_thread(db), worker_thread(db), worker_thread(db):
        pass
    wait_until(
        lambda: db.work() >= 0 and db.value("select count(*) from df_engine.tasks") == 0
    )
    rows = db.run(
        "select result, input ->> 'n' in (select what from log) from df.instances"
    )
    assert len(rows) == count
    for result, done in rows:
        assert ('"v":1' in str(result).replace(" ", "")) == done, (result, done)
    assert len(db.log()) == len(set(db.log()))


def test_a_timeout_survives_the_session_that_fires_it(db: Db) -> None:
    run = db.start(f"df.timeout({SLOW}, '1 minute')")
    with worker_thread(db):
        wait_until(lambda: sleeps(db))
        terminate_sleepers(db)
    db.run("select df.advance_time('1 minute')")
    db.run("select df_engine.fire_timeouts()")
    failed(db, run)
    assert db.log() == []


@pytest.mark.parametrize("after", ["null", "'0'", "'-1 s'"])
def test_what_is_refused(db: Db, after: str) -> None:
    with pytest.raises(psycopg.errors.Error, match="not a time to wait for"):
        db.run(f"select df.timeout('select 1', {after})")
