"""df.call: waiting for another run, and what its end means."""

from __future__ import annotations

import psycopg
import pytest

from tests.runtime.engine.db import Db, logged
from tests.runtime.engine.sessions import (
    wait_until,
    worker_thread,
)

NOTHING_LEFT = (
    "select (select count(*) from df_engine.tasks) +"
    " (select count(*) from df_engine.calls)"
)


def called(graph: str, *more: str) -> str:
    """Return a query that starts a run, to be called."""
    return "$call$select df.start({})$call$".format(", ".join((graph, *more)))


def test_the_result_of_the_called_run_is_the_node_s(db: Db) -> None:
    child = called("'select 41 as v'")
    run = db.finish(
        f"""df.seq(df."as"(df.call({child}), 'x'),
                   $$select ($x::jsonb #>> '{{result,rows,0,v}}')::int + 1 as v,
             $x::jsonb ->> 'run_id' as id$$)"""
    )
    child_id = db.value("select id from df.instances where id <> %s", run)
    assert db.rows(run) == [{"v": 42, "id": child_id}]
    assert db.value(NOTHING_LEFT) == 0


def test_input_and_references_reach_the_query(db: Db) -> None:
    query = (
        "$call$select df.start('select $' || 'input.n * 2 as v',"
        " input => jsonb_build_object('n', $x.n))$call$"
    )
    run = db.finish(f"""df.seq(df."as"('select 4 as n', 'x'), df.call({query}))""")
    assert db.result(run)["result"]["rows"] == [{"v": 8}]
    assert "'n', 4" in db.nodes(run)["3"]["rendered_sql"]


def test_the_caller_waits(db: Db) -> None:
    run = db.finish("df.call(" + called("df.wait_for_signal('go')", "'child'") + ")")
    child = db.value("select id from df.instances where label = 'child'")
    assert db.status(run) == "running"
    assert child in db.nodes(run)["1"]["detail"]
    db.run("select df.signal(%s, 'go', '7')", child)
    db.work()
    assert db.result(run)["result"]["data"] == 7
    assert db.result(run)["run_id"] == child
    assert db.value(NOTHING_LEFT) == 0


def test_a_failure_of_the_called_run_is_the_node_s(db: Db) -> None:
    run = db.finish(
        "df.try(df.call(" + called("'select 1/0'") + "),"
        " 'select $err.sqlstate as s, $err.message as m, $err.node as n')"
    )
    assert db.rows(run) == [{"s": "22012", "m": "division by zero", "n": "2"}]
    node = db.nodes(run)["2"]
    assert (node["status"], node["sqlstate"]) == ("failed", "22012")


def test_a_retry_around_calls_anew(db: Db) -> None:
    run = db.finish(
        f"df.retry(df.call({called(logged('try').replace('log ', 'no_log '))}),"
        " 3, '0', retry_on => '{42P01}')"
    )
    wait_until(lambda: db.work() >= 0 and db.status(run) == "failed")
    assert db.value("select count(*) from df.instances where status = 'failed'") == 4


def test_a_cancelled_run_fails_the_node(db: Db) -> None:
    run = db.finish("df.call(" + called("df.sleep(1000)", "'child'") + ")")
    child = db.value("select id from df.instances where label = 'child'")
    db.run("select df.cancel(%s, 'enough')", child)
    db.work()
    row = db.instance(run)
    assert (row["status"], row["sqlstate"]) == ("failed", "PD032")
    assert row["error"] == f"the called run {child} was cancelled: enough"
    assert db.value(NOTHING_LEFT) == 0


def test_a_run_that_has_ended_already(db: Db) -> None:
    done = db.finish("'select 5 as v'")
    bad = db.finish("'select 1/0'")
    waiting = db.finish(f"df.call('select ''{done}''')")
    assert db.result(waiting)["result"]["rows"] == [{"v": 5}]
    assert db.instance(db.finish(f"df.call('select ''{bad}''')"))["sqlstate"] == "22012"
    assert db.value(NOTHING_LEFT) == 0


@pytest.mark.parametrize(
    "around", ["{}", "df.race({}, df.sleep(60))", "df.timeout({}, '60 s')"]
)
def test_what_it_has_started_is_cancelled_with_it(db: Db, around: str) -> None:
    db.run("select df.set_time('2030-01-01')")
    grandchild = called("df.sleep(1000)", "'grandchild'").replace("$call$", "$inner$")
    child = called(f"df.call({grandchild})", "'child'")
    graph = around.format(f"df.call({child})")
    run = db.finish(graph)
    status = "select status from df.instances where label = %s"
    assert db.value(status, "grandchild") == "running"
    if around == "{}":
        db.run("select df.cancel(%s)", run)
    db.run("select df.advance_time('60 s')")
    db.work()
    assert db.value(status, "child") == "cancelled"
    assert db.value(status, "grandchild") == "cancelled"
    assert db.value(NOTHING_LEFT) == 0


def test_what_it_has_not_started_goes_on(db: Db) -> None:
    other = db.start("df.wait_for_signal('go')", key="k")
    query = "$$select df.start(df.wait_for_signal('go'), key => 'k')$$"
    run = db.finish(f"df.call({query})")
    db.run("select df.cancel(%s)", run)
    assert db.status(other) == "running"
    assert db.value("select count(*) from df_engine.calls") == 0
    again = db.finish(f"df.call({query})")
    db.run("select df.signal(%s, 'go')", other)
    db.work()
    assert db.status(again) == "completed"


def test_many_wait_for_one(db: Db) -> None:
    other = db.start("df.seq(df.wait_for_signal('go'), 'select 3 as v')")
    runs = [db.finish(f"df.call('select ''{other}''')") for _ in range(5)]
    db.run("select df.signal(%s, 'go')", other)
    db.work()
    assert [db.result(run)["result"]["rows"] for run in runs] == [[{"v": 3}]] * 5
    assert db.value(NOTHING_LEFT) == 0


def test_calls_are_seen_while_they_wait(db: Db) -> None:
    call = called("df.wait_for_signal('go')", "'child'")
    run = db.finish(f"df.seq('select 1', df.call({call}))")
    child = db.value("select id from df.instances where label = 'child'")
    waits = [(run, "3", child)]
    assert db.run("select * from df.calls") == waits
    db.run("select df.pause(%s)", run)
    assert db.run("select * from df.calls where called_id = %s", child) == waits
    db.run("select df.resume(%s)", run)
    db.run("select df.signal(%s, 'go')", child)
    db.work()
    assert db.run("select * from df.calls") == []


@pytest.mark.parametrize(
    ("column", "index"),
    [("called_id", "calls_called"), ("instance_id", "calls_instance")],
)
def test_calls_of_some_runs_read_no_others(db: Db, column: str, index: str) -> None:
    """With everybody's calls to look through, it would take seconds."""
    db.run("set enable_seqscan = off")
    query = f"explain select * from df.calls where {column} = any ('{{a,b}}')"
    plan = "\n".join(row[0] for row in db.run(query))
    assert "Index Cond: (run_id = ANY ('{a,b}'::text[]))" in plan, plan
    assert index in plan, plan


def test_items_call_runs_of_their_own(db: Db) -> None:
    query = (
        "$call$select df.start('select $' || 'input.i * 10 as v',"
        " input => jsonb_build_object('i', $item.i))$call$"
    )
    run = db.finish(
        f"""df.foreach('select i from generate_series(1, 5) i',
              df."as"(df.call({query}), 'x'), max_parallel => 3, collect => 
              $$select $x::jsonb #> '{{result,rows,0,v}}' as v$$)"""
    )
    assert [row["v"] for row in db.rows(run)] == [10, 20, 30, 40, 50]


def test_sessions_share_callers_and_called(db: Db) -> None:
    runs = 40
    db.run(
        f"select df.start(df.call({called(logged('x'))})) from generate_series(1, %s)",
        runs,
    )
    with worker_thread(db), worker_thread(db), worker_thread(db):
        pass
    wait_until(lambda: db.work() >= 0 and db.value(NOTHING_LEFT) == 0)
    assert db.run("select status, count(*) from df.instances group by 1") == [
        ("completed", 2 * runs)
    ]
    assert db.log() == ["x"] * runs


def test_a_call_that_is_undone_leaves_no_run(db: Db) -> None:
    run = db.finish("df.call($$select df.start('select 1'), 1/0$$)")
    assert db.status(run) == "failed"
    assert db.value("select count(*) from df.instances") == 1


@pytest.mark.parametrize(
    ("query", "sqlstate", "message"),
    [
        ("'select ''0000zzzz'''", "PD002", "there is no run"),
        ("'select null'", "PD003", "gave no run"),
        ("'select 1 where false'", "PD003", "gave no run"),
        ("$$select '{sys_instance_id}'$$", "PD003", "cannot wait for itself"),
    ],
)
def test_what_fails(db: Db, query: str, sqlstate: str, message: str) -> None:
    run = db.finish(f"df.call({query})")
    row = db.instance(run)
    assert (row["sqlstate"], message in row["error"]) == (sqlstate, True), row["error"]
    assert db.nodes(run)["1"]["sqlstate"] == sqlstate


def test_only_a_run_of_one_s_own_can_be_called(db: Db, roles: tuple[str, str]) -> None:
    other = db.start("df.wait_for_signal('go')")
    with psycopg.connect(db.url, autocommit=True) as connection:
        connection.execute(f"set role {roles[0]}".encode())
        query = f"select df.start(df.call('select ''{other}'''))"
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
    db.work()
    assert db.instance(row[0])["sqlstate"] == "PD002"
