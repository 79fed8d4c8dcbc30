"""Signals and time."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.runtime.engine.db import Db, logged

WAIT = """df.seq(df."as"(df.wait_for_signal('go'), 's'),
  $$insert into log (what) values (($s)::jsonb -> 'data' ->> 'n')$$)"""


def test_a_signal_wakes_a_wait(db: Db) -> None:
    run = db.finish("df.wait_for_signal('go')")
    node = db.nodes(run)["1"]
    assert (node["status"], node["wake_at"]) == ("running", None)
    db.run("select df.signal(%s, 'go', %s)", run, '{"a": [1]}')
    db.work()
    assert db.result(run) == {
        "signal_name": "go",
        "timed_out": False,
        "data": {"a": [1]},
    }


def test_data_that_is_not_json_is_a_string(db: Db) -> None:
    run = db.start("df.wait_for_signal('go')")
    db.run("select df.signal(%s, 'go', 'plain ''text')", run)
    db.work()
    assert db.result(run)["data"] == "plain 'text"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (r'{"a": "x\u0000y"}', "unsupported Unicode escape sequence"),
        (r'["\ud800"]', "invalid input syntax for type json"),
        ('{"a": 1e999999}', "value overflows numeric format"),
        (f"[{'9' * 200_000}]", "value overflows numeric format"),
    ],
)
def test_data_that_no_step_could_read_is_refused(
    db: Db, data: str, reason: str
) -> None:
    run = db.start("df.wait_for_signal('go')")
    with pytest.raises(psycopg.Error) as caught:
        db.run("select df.signal(%s, 'go', %s)", run, data)
    assert caught.value.sqlstate == "PD013"
    expected = f'signal "go": its data cannot be kept: {reason}'
    assert caught.value.diag.message_primary == expected
    assert db.value("select count(*) from df_engine.signals") == 0


def test_numbers_and_escapes_are_kept_in_data(db: Db) -> None:
    run = db.start("df.wait_for_signal('go')")
    data = r'{"a": "\u0001\ud83d\ude00", "b": 1e1000, "c": "not 1e99999"}'
    db.run("select df.signal(%s, 'go', %s)", run, data)
    db.work()
    assert db.status(run) == "completed"


def test_early_signals_are_kept_in_order(db: Db) -> None:
    run = db.start(f"df.seq({WAIT}, df.sleep(0), {WAIT})")
    for n in (1, 2, 3):
        db.run("select df.signal(%s, 'go', %s)", run, f'{{"n": {n}}}')
    db.run("select df.signal(%s, 'other', '1')", run)
    db.work()
    assert db.status(run) == "completed"
    assert db.log() == ["1", "2"]
    assert db.value("select count(*) from df_engine.signals") == 0


def test_a_signal_after_the_timeout_is_decided_waits_for_the_next_wait(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.finish(f"df.seq(df.wait_for_signal('go', 60), {WAIT})")
    db.run("select df.advance_time('1 minute')")
    db.work()
    db.run("select df.signal(%s, 'go', '{\"n\": 9}')", run)
    db.work()
    assert db.log() == ["9"]


def test_timeout(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.finish("df.wait_for_signal('go', 60)")
    db.run("select df.advance_time('59 s')")
    assert db.work() == 0
    db.run("select df.advance_time('1 s')")
    db.work()
    assert db.result(run) == {"signal_name": "go", "timed_out": True, "data": None}


def test_a_signal_that_came_before_the_timeout_was_noticed_counts(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.finish("df.wait_for_signal('go', 60)")
    db.run("select df.signal(%s, 'go', '5')", run)
    db.run("select df.advance_time('2 minutes')")
    db.work()
    assert db.result(run)["data"] == 5


def test_two_waits_of_a_name_take_one_signal_each(db: Db) -> None:
    run = db.finish(f"""df."join"({WAIT}, {WAIT})""")
    db.run("select df.signal(%s, 'go', '{\"n\": 1}')", run)
    db.work()
    assert db.log() == ["1"]
    db.run("select df.signal(%s, 'go', '{\"n\": 2}')", run)
    db.work()
    assert db.log() == ["1", "2"]
    assert db.status(run) == "completed"


def test_a_step_signals_its_own_run(db: Db) -> None:
    run = db.finish(
        """df.seq($$select df.signal('{sys_instance_id}', 'go', '4')$$,
                  df.wait_for_signal('go'))""".replace("$$select", "'select")
        .replace("'4')$$", "''4'')'")
        .replace("'{sys_instance_id}', 'go'", "''{sys_instance_id}'', ''go''")
    )
    assert db.result(run)["data"] == 4


def test_signals_to_nobody(db: Db) -> None:
    with pytest.raises(psycopg.Error) as caught:
        db.run("select df.signal('00000000', 'go')")
    assert caught.value.sqlstate == "PD002"
    run = db.finish("'select 1'")
    db.run("select df.signal(%s, 'go')", run)
    assert db.value("select count(*) from df_engine.signals") == 0


def test_no_signal_falls_between_looking_and_waiting(db: Db) -> None:
    """The signal is sent while the wait's transaction has not committed yet."""
    run = db.finish(f"df.seq({logged('x')}, df.sleep(0), df.wait_for_signal('go'))")
    with psycopg.connect(db.url) as sender:
        sender.execute("select df.signal(%s, 'go', '1')", (run,))
        assert db.work() == 0
    db.work()
    assert db.status(run) == "completed"


def test_sleep_uses_virtual_time(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.finish(f"df.seq(df.sleep(86400), {logged('x')})")
    at = db.nodes(run)["2"]["wake_at"]
    assert at == dt.datetime(2030, 1, 2, tzinfo=dt.UTC)
    db.run("select df.advance_time('1 day')")
    db.work()
    assert db.log() == ["x"]


def test_computed_timers(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.finish(
        """df.seq(df.sleep_for($$select interval '90 min'$$),
                  df.sleep_until('select df.now() + interval ''1 day'''), 'select 1
                    as one')"""
    )
    for step in ("90 min", "1 day"):
        db.run("select df.advance_time(%s)", step)
        db.work()
    assert db.rows(run) == [{"one": 1}]
    failed = db.finish("df.sleep_for('select null::interval')")
    assert db.instance(failed)["sqlstate"] == "PD003"


@pytest.mark.parametrize(
    ("cron", "after", "due"),
    [
        ("*/15 * * * *", "2030-01-01 00:00", "2030-01-01 00:15"),
        ("0 9 * * mon", "2030-01-01 10:00", "2030-01-07 09:00"),
        ("30 8 1 * *", "2030-01-01 08:30", "2030-02-01 08:30"),
        ("0 0 29 feb *", "2030-01-01 00:00", "2032-02-29 00:00"),
        ("0 0 13 * 5", "2030-01-01 00:00", "2030-01-04 00:00"),
        ("5 4 * * 7", "2030-01-01 00:00", "2030-01-06 04:05"),
    ],
)
def test_schedule(db: Db, cron: str, after: str, due: str) -> None:
    db.run("select df.set_time(%s::timestamp at time zone 'UTC')", after)
    run = db.finish(f"df.wait_for_schedule('{cron}')")
    expected = dt.datetime.fromisoformat(due).replace(tzinfo=dt.UTC)
    assert db.nodes(run)["1"]["wake_at"] == expected


RACE = "df.race(df.wait_for_signal('go'), df.sleep(1000))"


def delivered(db: Db, *rest: str) -> str:
    """Start a race and deliver its signal; its wait has yet to go on."""
    run = db.start(f"df.seq({RACE}, {', '.join(rest)})")
    db.work()
    db.run("select df.signal(%s, 'go', %s)", run, '{"n": 1}')
    db.run("call df.work(1, 1000)")
    waits = "select count(*) from df_engine.tasks where state = 'd' and signal = 'go'"
    assert db.value(waits) == 1
    return run


def let_timer_win(db: Db) -> None:
    db.run(
        "update df_engine.tasks set wake_at = null, ready_at = '2000-01-01'"
        " where state = 'd' and signal is null"
    )
    db.run("call df.work(1, 1000)")


@pytest.fixture
def alone(db: Db) -> Iterator[Db]:
    """Return a database without batches, so that one call does one step."""
    db.run("select df.configure(batch_ms => 0)")
    yield db
    db.run("select df.configure(batch_ms => 5)")


def test_a_lost_race_gives_its_signal_back(alone: Db) -> None:
    run = delivered(alone, "df.wait_for_signal('go')")
    let_timer_win(alone)
    alone.work()
    assert alone.result(run)["data"] == {"n": 1}


def test_a_wait_that_was_held_gives_its_signal_back(alone: Db) -> None:
    run = delivered(alone, "df.wait_for_signal('go')")
    with psycopg.connect(alone.url) as holder:
        holder.execute("select from df_engine.tasks where signal = 'go' for update")
        let_timer_win(alone)
        holder.rollback()
    alone.work()
    assert alone.result(run)["data"] == {"n": 1}


def test_a_signal_given_back_goes_to_a_wait_beside_the_race(alone: Db) -> None:
    beside = "df.seq(df.sleep(10), df.wait_for_signal('go'))"
    run = alone.start(f'df."join"({RACE}, {beside})')
    alone.work()
    alone.run("select df.signal(%s, 'go', %s)", run, '{"n": 1}')
    alone.run("call df.work(1, 1000)")
    alone.run("select df.advance_time('11 seconds')")
    let_timer_win(alone)
    alone.work()
    assert alone.result(run)[1]["data"] == {"n": 1}


def test_a_queue_that_never_ends_holds_no_timer_up(alone: Db) -> None:
    """Each of the steps makes another one ready, for ever."""
    alone.start("df.loop('select 1', 'select true')")
    run = alone.start("df.seq(df.sleep(5), 'select 7 as a')")
    alone.run("select df.configure(loop_pace => '0')")
    alone.run("call df.work(20, 5000)")
    alone.run("select df.advance_time('6 seconds')")
    alone.run("call df.work(40, 5000)")
    alone.run("select df.configure(loop_pace => '1 second')")
    assert alone.rows(run) == [{"a": 7}]


def test_a_run_that_ended_keeps_no_signal(alone: Db) -> None:
    run = delivered(alone, "df.sleep(1000)")
    alone.run("select df.cancel(%s, 'enough')", run)
    alone.work()
    assert alone.value("select count(*) from df_engine.signals") == 0
    assert alone.value("select count(*) from df_engine.tasks") == 0


def test_wait_ms_says_when_to_come_back(db: Db) -> None:
    assert db.run("call df.work(10, 1000)") == [(0, None)]
    db.finish("df.sleep(100)")
    db.finish("df.sleep(50)")
    ((steps, wait),) = db.run("call df.work(10, 1000)")
    assert steps == 0
    assert 40_000 < wait <= 50_000
    db.start("df.seq('select 1', 'select 2')")
    assert db.run("call df.work(1, 1000)") == [(1, 0)]


def test_real_time_passes(db: Db) -> None:
    run = db.finish("df.seq(df.sleep(1), 'select 1 as a')")
    ((_, wait),) = db.run("call df.work(10, 1000)")
    time.sleep(wait / 1000)
    db.work()
    assert db.status(run) == "completed"


def test_workers_are_notified_once_per_commit(db: Db) -> None:
    with psycopg.connect(db.url, autocommit=True) as listener:
        listener.execute("listen df_work")
        with db.connection.transaction():
            for _ in range(5):
                db.start("'select 1'")
        got = list(listener.notifies(timeout=2, stop_after=1))
        got += list(listener.notifies(timeout=0.2))
    assert [note.payload for note in got] == [""]
