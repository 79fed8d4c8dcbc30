"""A run that waits goes on in another graph."""

from __future__ import annotations

import psycopg
import pytest

from tests.runtime.engine.db import Db, logged

WAIT = "df.wait_for_signal('go')"
READ = """df."as"('select 1 as n', 'x')"""


def waiting(db: Db, graph: str, input: dict[str, object] | None = None) -> str:
    """Start a run and work until it waits."""
    run = db.finish(graph, input, label="w@1")
    assert db.status(run) == "running"
    return run


def move(db: Db, run: str, graph: str) -> None:
    moved = db.value(f"select df.move(%s, {graph}, 'w@2')".replace("%'", "%%'"), run)
    assert moved == run


def go(db: Db, run: str) -> None:
    db.run("select df.signal(%s, 'go')", run)
    db.work()
    assert db.status(run) == "completed", db.instance(run)["error"]


def test_what_lies_ahead_is_the_new_graphs(db: Db) -> None:
    run = waiting(db, f"df.seq({READ}, {WAIT}, {logged('old')})")
    new = "df.sql('insert into log (what) values (''new '' || $x.n)')"
    move(db, run, f"df.seq({READ}, df.seq({WAIT}, df.seq({new}, {logged('more')})))")
    assert db.instance(run)["label"] == "w@2"
    go(db, run)
    assert db.log() == ["new 1", "more"]


def test_a_statement_that_the_new_graph_does_without(db: Db) -> None:
    run = waiting(db, f"df.seq(df.seq('select 0', {READ}), {WAIT}, {logged('old')})")
    new = f"df.seq('select 0', {WAIT}, {logged('new')})"
    with pytest.raises(psycopg.Error, match=r"its node 4 \(SQL\) is node 3 \(SIGNAL\)"):
        move(db, run, new)
    agreed = '[{"old": 4, "new": null}]'
    db.run(
        f"select df.move(%s, {new}, 'w@2', agreed => %s)".replace("%'", "%%'"),
        run,
        agreed,
    )
    go(db, run)
    assert db.log() == ["new"]
    assert "x" not in {each["result_name"] for each in db.nodes(run).values()}


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (f"df.seq({WAIT}, {READ})", r"its node 2 \(SQL\) is node 2 \(SIGNAL\) there"),
        (f"df.seq('select 2', {WAIT})", r"its node 2 \(SQL\) is node 2 \(SQL\) there"),
        (f"df.seq({READ}, df.wait_for_signal('other'))", r"its node 3 \(SIGNAL\)"),
        (READ, r"its node 3 \(SIGNAL\) is not there"),
        (f"df.seq({READ}, {WAIT}, 'select $input.more')", "the input lacks more"),
    ],
)
def test_what_does_not_agree_is_told(db: Db, graph: str, message: str) -> None:
    old = f"df.seq({READ}, {WAIT}, {logged('old')})"
    run = waiting(db, old)
    before = db.instance(run), db.nodes(run)
    with pytest.raises(psycopg.Error, match=message):
        move(db, run, graph)
    assert (db.instance(run), db.nodes(run)) == before
    go(db, run)
    assert db.log() == ["old"]


def test_inside_of_branches_loops_and_conditions(db: Db) -> None:
    def graph(value: str) -> str:
        insert = f"'insert into log (what) values ({value})'"
        inner = f"df.seq({READ}, {WAIT}, {insert})"
        choice = f"df.if('select true', {inner})"
        body = f"df.seq({logged('round')}, {choice}, df.break())"
        return f"df.seq({logged('a')}, df.join(df.loop({body}), 'select 2'))"

    run = waiting(db, graph("$x.n"))
    move(db, run, graph("10 + $x.n"))
    go(db, run)
    assert db.log() == ["a", "round", "11"]


def test_a_condition_that_was_decided_must_be_the_same(db: Db) -> None:
    run = waiting(db, f"df.if('select true', {WAIT}, 'select 1')")
    with pytest.raises(psycopg.Error, match=r"its node 2 \(SQL\)"):
        move(db, run, f"df.if('select 1 = 1', {WAIT}, 'select 1')")
    move(db, run, f"df.if('select true', df.seq({WAIT}, {logged('b')}), 'select 9')")
    go(db, run)
    assert db.log() == ["b"]


def test_arms_are_compared_as_far_as_the_run_has_been_in_them(db: Db) -> None:
    def graph(*arms: str, last: str = logged("last")) -> str:
        return f"df.seq(df.if({', '.join(arms)}), {WAIT}, {last})"

    true, false = "'select true'", "'select false'"
    run = waiting(db, graph(true, "'select 1'"))
    with pytest.raises(psycopg.Error, match=r"more to do in what the run has left"):
        move(db, run, graph(true, "df.seq('select 1', 'select 2')"))
    move(db, run, graph(true, "'select 1'", f"df.if({true}, 'select 2')"))
    go(db, run)
    run = waiting(db, graph(false, "'select 1'"))
    with pytest.raises(psycopg.Error, match="more to do in what the run has left"):
        move(db, run, graph(false, "'select 1'", "'select 2'"))
    move(db, run, graph(false, "df.seq('select 2', 'select 3')", last=logged("end")))
    go(db, run)
    nested = f"df.if({false}, 'select 2', 'select 3')"
    run = waiting(db, graph(false, "'select 1'", nested))
    other = f"df.if({false}, 'select 2', df.if({true}, 'select 3'))"
    with pytest.raises(psycopg.Error, match=r"its node 8 \(SQL\) is node 8 \(IF\)"):
        move(db, run, graph(false, "'select 1'", other))
    go(db, run)
    assert db.log() == ["last", "end", "last"]


def test_timers_retries_and_handlers_go_along(db: Db) -> None:
    def graph(caught: str) -> str:
        body = "df.seq('select 1', 'select 1 / 0')"
        failing = f"df.retry({body}, 2, interval '1 hour', retry_on => array['22'])"
        return f"df.seq('select 0', df.try({failing}, {caught}))"

    run = waiting(db, graph("'select 5'"))
    move(db, run, f"df.seq({graph(logged('caught'))}, {logged('end')})")
    db.run("select df.advance_time('2 hours')")
    db.work()
    assert db.status(run) == "completed"
    assert db.log() == ["caught", "end"]


def test_items_of_a_foreach(db: Db) -> None:
    def graph(last: str) -> str:
        body = f"df.seq('select $i.n', {WAIT}, {last})"
        return f"df.foreach('select n from generate_series(1, 2) n', {body}, 'i', 2)"

    run = waiting(db, graph("'select 1'"))
    insert = "'insert into log (what) values ($i.n)'"
    move(db, run, graph(insert))
    db.run("select df.signal(%s, 'go')", run)
    go(db, run)
    assert sorted(db.log()) == ["1", "2"]


@pytest.mark.parametrize("more", [1, 2])
def test_branches_that_come_after_those_of_a_join_are_begun(db: Db, more: int) -> None:
    def graph(added: str, last: str) -> str:
        return f"df.seq(df.join('select 1', {WAIT}{added}), {last})"

    run = waiting(db, graph("", logged("end")))
    added = ", df.as(df.seq({}, 'select 7 as n'), 'late')".format(logged("added"))
    move(db, run, graph(added * more, "'insert into log (what) values ($late.n)'"))
    db.work()
    assert db.log() == ["added"] * more
    assert db.status(run) == "running"
    go(db, run)
    assert db.log() == [*["added"] * more, "7"]


def test_a_branch_that_comes_to_a_race_can_win_it(db: Db) -> None:
    sleep = f"df.seq(df.sleep(3600), {logged('late')})"
    run = waiting(db, f"df.race({WAIT}, df.wait_for_signal('stop'))")
    move(db, run, f"df.race({WAIT}, df.wait_for_signal('stop'), {sleep})")
    db.work()
    db.run("select df.advance_time('1 hour')")
    db.work()
    assert db.status(run) == "completed"
    assert db.log() == ["late"]


def test_a_branch_begins_for_each_item_that_is_in_the_join(db: Db) -> None:
    def graph(added: str) -> str:
        body = f"df.join({logged('first')}, {WAIT}{added})"
        return f"df.foreach('select n from generate_series(1, 3) n', {body}, 'i', 2)"

    run = waiting(db, graph(""))
    move(db, run, graph(", 'insert into log (what) values ($i.n)'"))
    db.work()
    assert sorted(db.log()) == ["1", "2", "first", "first"]
    db.run("select df.signal(%s, 'go')", run)
    db.run("select df.signal(%s, 'go')", run)
    go(db, run)
    assert sorted(db.log()) == ["1", "2", "3", "first", "first", "first"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"df.join('select 1', {WAIT})", f"df.join(df.seq({{}}), {WAIT})"),
        (
            f"df.join(df.seq('select 1', 'select 2'), {WAIT})",
            f"df.join(df.seq('select 1', 'select 2', 'select 3'), {WAIT})",
        ),
        (
            f"df.try('select 1', finally => {WAIT})",
            f"df.try(df.seq({{}}), finally => {WAIT})",
        ),
    ],
)
def test_what_comes_at_the_end_of_what_a_run_has_left_is_refused(
    db: Db, old: str, new: str
) -> None:
    run = waiting(db, old)
    with pytest.raises(psycopg.Error, match="has more to do in what the run has left"):
        move(db, run, new.format("'select 1', 'select 3'"))
    go(db, run)


def test_what_comes_at_the_end_of_what_a_run_is_in_is_done(db: Db) -> None:
    run = waiting(db, f"df.try({WAIT}, finally => 'select 1')")
    graph = f"df.try(df.seq({WAIT}, {logged('a')}), finally => {logged('b')})"
    move(db, run, graph)
    go(db, run)
    assert db.log() == ["a", "b"]


def test_only_a_run_that_waits_can_be_moved(db: Db) -> None:
    run = db.start(f"df.seq({logged('a')}, {WAIT})")
    with pytest.raises(psycopg.Error, match="a step of it is in progress"):
        move(db, run, WAIT)
    db.work()
    db.run("select df.pause(%s)", run)
    with pytest.raises(psycopg.Error, match="it is paused"):
        move(db, run, WAIT)
    db.run("select df.resume(%s)", run)
    go(db, run)
    with pytest.raises(psycopg.Error, match="it has ended: it is completed"):
        move(db, run, WAIT)


def test_of_somebody_elses_run(db: Db, roles: tuple[str, str]) -> None:
    run = waiting(db, WAIT)
    with psycopg.connect(db.url, autocommit=True) as connection:
        connection.execute(f"set role {roles[0]}".encode())
        with pytest.raises(psycopg.Error, match="there is no run"):
            connection.execute("select df.move(%s, 'select 1')", [run])
