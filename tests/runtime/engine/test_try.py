"""df.try and df.raise: what is caught, what runs last, and what gets out."""

from __future__ import annotations

import pytest

from tests.runtime.engine.db import Db, logged
from tests.runtime.engine.sessions import (
    sleeps,
    terminate_sleepers,
    wait_until,
    worker_thread,
)

CATCH = (
    "$$insert into log (what) values ($err.sqlstate || ' ' || $err.message"
    " || ' ' || $err.node || ' ' || $err.detail)$$"
)


def test_a_failure_leads_to_catch_and_its_result_counts(db: Db) -> None:
    run = db.finish(
        f"""df.seq(df."as"(df.try('select 1/0', df.seq({CATCH}, 'select 5 as v')), 'x'),
                   'select $x.v + 1 as v')"""
    )
    assert db.rows(run) == [{"v": 6}]
    assert db.log() == ["22012 division by zero 3 "]
    nodes = db.nodes(run)
    assert (nodes["3"]["status"], nodes["3"]["sqlstate"]) == ("failed", "22012")
    assert nodes["2"]["status"] == "completed"
    later = db.finish("df.seq(df.try('select 1/0', 'select 1'), 'select 1/0')")
    nodes = db.nodes(later)
    assert (nodes["2"]["status"], nodes["5"]["status"]) == ("completed", "failed")


def test_the_body_s_result_counts_when_it_ends_well(db: Db) -> None:
    run = db.finish(f"""df.try('select 1 as v', {CATCH})""")
    assert db.rows(run) == [{"v": 1}]
    assert db.log() == []


def test_the_detail_of_an_error_is_readable(db: Db) -> None:
    db.finish(
        """df.try($$do 'begin raise exception ''no'' using detail = ''because'',
          errcode = ''AB123''; end'$$, """
        + CATCH
        + ")"
    )
    assert db.log() == ["AB123 no 2 because"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("'select 1'", "completed"),
        ("'select 1/0'", "failed"),
        ("""df."return"('select 1')""", "completed"),
        ("df.break()", "completed"),
        ("df.continue()", "completed"),
    ],
)
def test_finally_runs_once_whatever_came_of_the_body(
    db: Db, body: str, status: str
) -> None:
    graph = f"df.try(df.seq({logged('body')}, {body}), finally => {logged('last')})"
    run = db.finish(f"df.repeat({graph}, until_condition => 'select true')")
    assert db.log() == ["body", "last"]
    assert db.status(run) == status
    assert db.value("select count(*) from df_engine.tasks") == 0


def test_the_result_is_kept_while_finally_runs(db: Db) -> None:
    graph = "df.try('select 7 as v', finally => 'select 8 as w')"
    assert db.rows(db.finish(graph)) == [{"v": 7}]
    assert db.rows(db.finish(f"df.try('select 1/0', {graph})")) == [{"v": 7}]
    named = f"""df.seq(df."as"({graph}, 'x'), 'select $x.v as v')"""
    assert db.rows(db.finish(named)) == [{"v": 7}]


def test_what_finally_does_counts_instead(db: Db) -> None:
    failing = db.finish("df.try('select 1/0', finally => 'select ''x''::int')")
    assert db.instance(failing)["sqlstate"] == "22P02"
    returning = db.finish(
        """df.try('select 1/0', finally => df."return"('select 3 as v'))"""
    )
    assert db.rows(returning) == [{"v": 3}]
    broken = db.finish(
        f"""df.seq(df.repeat(df.try(df."return"('select 1'), finally => df.break())),
                   {logged("after")}, 'select 2 as v')"""
    )
    assert db.rows(broken) == [{"v": 2}]
    assert db.log() == ["after"]


def test_finally_runs_after_a_failing_catch(db: Db) -> None:
    run = db.finish(
        f"df.try('select 1/0', 'select ''x''::int', finally => {logged('last')})"
    )
    assert db.instance(run)["sqlstate"] == "22P02"
    assert db.log() == ["last"]
    assert db.nodes(run)["1"]["status"] == "failed"


def test_raise_fails_with_the_same_error(db: Db) -> None:
    run = db.finish(
        f"df.seq({logged('a')}, df.try('select 1/0', df.seq({logged('undo')},"
        f" df.raise())), {logged('never')})"
    )
    row = db.instance(run)
    assert (row["sqlstate"], row["error"]) == ("22012", "division by zero")
    assert db.log() == ["a", "undo"]
    outer = db.finish(f"df.try(df.try('select 1/0', df.raise()), {CATCH})")
    assert db.status(outer) == "completed"
    assert db.log()[-1] == "22012 division by zero 3 "


def test_a_retry_around_repeats_what_was_raised_again(db: Db) -> None:
    graph = f"""df.try($$select 7 / (count(*) / 2) as v from log$$,
                  df.seq({logged("undo")}, df.raise()))"""
    run = db.finish(f"df.retry({graph}, 5, '0', retry_on => '{{22012}}')")
    assert db.rows(run) == [{"v": 7}]
    assert db.log() == ["undo"] * 2


def test_raise_without_an_error_fails_itself(db: Db) -> None:
    graph = """df.seq({}, df."as"('select 1 as v', 'err'), df."if"('select {}',
      df.try('select 1/0', 'select 1', 'e')), df.raise('{}'))"""
    run = db.finish(graph.format("'select 1'", "false", "err"))
    assert db.instance(run)["error"] == "df.raise: $err is not an error"
    run = db.finish(graph.format("'select 1'", "false", "e"))
    assert db.instance(run)["sqlstate"] == "PD004"
    nodes = db.nodes(run)
    assert nodes["9"]["sqlstate"] == "PD004"
    assert nodes["3"]["error"] is None


def test_an_error_s_name_takes_the_place_of_another_s(db: Db) -> None:
    run = db.finish(
        """df.seq(df.try('select 1/0', 'select 1'),
                  df.try('select ''x''::int', 'select 1'),
                  'select $err.sqlstate as v')"""
    )
    assert db.rows(run) == [{"v": "22P02"}]
    run = db.finish(
        """df.seq(df.try('select 1/0', 'select 1'), df."as"('select 5', 'err'),
                  'select $err as v')"""
    )
    assert db.rows(run) == [{"v": 5}]


@pytest.mark.parametrize("around", ['df."join"({}, {})', "df.race({}, df.sleep(1000))"])
def test_an_error_is_bound_in_its_branch_and_then_around_it(
    db: Db, around: str
) -> None:
    caught = "df.try('select 1/0', 'select $err.sqlstate as v', 'e1')".replace(
        "$err", "$e1"
    )
    other = "df.seq('select $e1? as v')"
    branches = around.format(caught, other)
    run = db.finish(f"df.seq({branches}, 'select $e1.sqlstate as v')")
    assert db.rows(run) == [{"v": "22012"}]


def test_a_named_try_binds_its_result_and_its_error(db: Db) -> None:
    run = db.finish(
        """df.seq(df."as"(df.try('select 1/0', 'select 3 as v'), 'x'),
                  'select $x.v as v, $err.sqlstate as s')"""
    )
    assert db.rows(run) == [{"v": 3, "s": "22012"}]


def test_try_in_every_round_of_a_loop(db: Db) -> None:
    run = db.finish(
        f"""df.repeat(df.try($$select 1 / (select count(*) % 3 from log)$$,
              {logged("caught")}, finally => {logged("last")}),
              until_condition => 'select count(*) >= 6 from log')"""
    )
    assert db.log() == ["caught", "last", "last"] * 2
    assert db.nodes(run)["2"]["executions"] == 4


def test_finally_does_not_run_in_a_lost_race_or_a_cancelled_run(db: Db) -> None:
    graph = f"df.try(df.sleep(100000), finally => {logged('last')})"
    run = db.finish(f"df.race({graph}, {logged('first')})")
    assert db.status(run) == "completed"
    cancelled = db.finish(graph)
    db.run("select df.cancel(%s)", cancelled)
    db.work()
    assert db.log() == ["first"]


def test_a_session_that_dies_in_catch_or_finally_repeats_nothing_else(db: Db) -> None:
    slow = (
        "$$with x as (insert into log (what) values ('{}'))"
        " select pg_sleep(case when $input.first then 20 else 0 end)$$"
    )
    run = db.start(
        f"df.try('select 1/0', {slow.format('catch')},"
        f" finally => {slow.format('last')})",
        {"first": True},
    )
    for log in ([], ["catch"]):
        with worker_thread(db):
            wait_until(lambda: sleeps(db))
            assert db.log() == log
            if log:
                db.run("update df_engine.instances set input = '{\"first\": false}'")
            terminate_sleepers(db)
        if not log:
            db.run("update df_engine.instances set input = '{\"first\": false}'")
            db.run("call df.work(1, 10000)")
            db.run("update df_engine.instances set input = '{\"first\": true}'")
    db.work()
    assert db.log() == ["catch", "last"]
    assert db.status(run) == "completed"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("df.try('select 1')", "needs a body, and a catch or a finally"),
        ("df.try('select 1', 'select 2', 'a b')", "is not a name"),
        ("df.try('select 1', 'select 2', 'input')", "is not a name"),
        ("df.raise('1')", "is not a name"),
        ("df.start(df.raise('nobody'))", "no node binds the name nobody"),
    ],
)
def test_what_is_refused(db: Db, call: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        db.run(f"select {call}")
