"""A new run that begins at a node of another one."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.runtime.engine.db import Db, logged
from tests.runtime.engine.sessions import as_role

GRAPH = f"""df.seq(df."as"('select $input.n + 1 as n', 'x'), {logged("a")},
  'insert into log (what) values ($x.n || ''/'' || $input.n)', {logged("b")})"""


def fork(db: Db, run: str, node: str, input: dict[str, Any] | None = None) -> str:
    new = db.value(
        "select df.fork(%s, %s, %s)", run, node, None if input is None else Jsonb(input)
    )
    db.work()
    return str(new)


def everything(db: Db, run: str) -> tuple[object, ...]:
    return db.instance(run), db.nodes(run)


def test_a_fork_begins_at_the_node_with_the_results_before_it(db: Db) -> None:
    run = db.finish(GRAPH, {"n": 1}, label="origin")
    before = everything(db, run)
    new = fork(db, run, "4")
    assert new != run
    assert db.log() == ["a", "2/1", "b", "2/1", "b"]
    assert db.status(new) == "completed"
    assert db.instance(new)["label"] == "origin"
    assert db.nodes(new)["2"]["status"] == "completed"
    assert everything(db, run) == before


def test_another_input(db: Db) -> None:
    run = db.finish(GRAPH, {"n": 1})
    new = fork(db, run, "4", {"n": 5})
    assert db.log()[-2:] == ["2/5", "b"]
    assert db.instance(new)["input"] == {"n": 5}
    with pytest.raises(psycopg.Error, match="the input lacks n"):
        fork(db, run, "4", {})


def test_at_the_root(db: Db) -> None:
    run = db.finish(GRAPH, {"n": 1}, key="k")
    fork(db, run, "1")
    assert db.log() == ["a", "2/1", "b"] * 2
    assert db.start("'select 1'", key="k") == run


def test_of_a_failed_run(db: Db) -> None:
    """Where a retry would do the failed step again, a fork may leave it out."""
    run = db.finish(f"df.seq({logged('a')}, 'select 1/0', {logged('b')})")
    new = fork(db, run, "4")
    assert db.log() == ["a", "b"]
    assert (db.status(run), db.status(new)) == ("failed", "completed")


def test_of_a_run_in_progress(db: Db) -> None:
    run = db.finish(f"df.seq({logged('a')}, df.wait_for_signal('go'), {logged('b')})")
    fork(db, run, "2")
    assert db.log() == ["a", "a"]
    db.run("select df.signal(%s, 'go')", run)
    db.work()
    assert db.log() == ["a", "a", "b"]


def test_after_a_join_with_its_names(db: Db) -> None:
    run = db.finish(
        """df.seq(df."join"(df."as"('select 1', 'x'), df."as"('select 2', 'y')),
          'insert into log (what) values (concat($x, $y))')"""
    )
    fork(db, run, "5")
    assert db.log() == ["12", "12"]


def test_after_a_foreach_with_its_result(db: Db) -> None:
    run = db.finish(
        """df.seq(df."as"(df.foreach('select i from generate_series(1, 3) i',
            'select 1', collect => 'select $item.i as i'), 'f'),
          'insert into log (what) select sum(i) from $f.*')"""
    )
    fork(db, run, "5")
    assert db.log() == ["6", "6"]


def test_in_a_branch_of_an_if(db: Db) -> None:
    run = db.finish(
        f"""df.seq(df."if"('select true', {logged("then")}, {logged("else")}),
          {logged("end")})"""
    )
    fork(db, run, "5")
    assert db.log() == ["then", "end", "else", "end"]


def test_in_a_loop(db: Db) -> None:
    run = db.finish(
        f"""df.repeat(df.seq({logged("x")}, {logged("y")}),
          until_condition => 'select count(*) >= 6 from log')"""
    )
    fork(db, run, "4")
    assert db.log() == ["x", "y"] * 3 + ["y"]


def test_in_the_body_of_a_try(db: Db) -> None:
    run = db.finish(
        f"""df.try(df.seq({logged("a")}, 'select 1/0'),
          'insert into log (what) values ($err.sqlstate)')"""
    )
    fork(db, run, "4")
    assert db.log() == ["a", "22012", "22012"]


def test_in_a_retry(db: Db) -> None:
    run = db.finish(f"df.retry(df.seq({logged('a')}, {logged('b')}), 3, '0')")
    fork(db, run, "4")
    assert db.log() == ["a", "b", "b"]


@pytest.mark.parametrize(
    ("graph", "node", "message"),
    [
        ("""df."join"('select 1', 'select 2')""", "2", "inside of the join at node 1"),
        ("df.race('select 1', 'select 2')", "3", "inside of the race at node 1"),
        ("df.foreach('select 1', 'select 2')", "2", "inside of the foreach at node 1"),
        ("df.timeout('select 1', '1 s')", "2", "inside of the timeout at node 1"),
        ("df.transaction('select 1', 'select 2')", "3", "of the transaction at node 1"),
        (
            "df.try('select 1', 'select 2')",
            "3",
            "catch or finally of the try at node 1",
        ),
        ("'select 1'", "2", "has no node"),
        ("'select 1'", "x", "has no node"),
    ],
)
def test_where_no_run_can_begin(db: Db, graph: str, node: str, message: str) -> None:
    run = db.finish(graph)
    with pytest.raises(psycopg.Error, match=message) as error:
        fork(db, run, node)
    assert error.value.sqlstate == "PD003"
    assert db.value("select count(*) from df.instances") == 1


def test_options_are_the_originals(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.finish(
        "df.seq('select 1', df.sleep(100))", concurrency_key="k", timeout="1 hour"
    )
    new = fork(db, run, "3")
    assert db.instance(new)["queued"]
    db.run("select df.advance_time('100 s')")
    db.work()
    assert db.status(run) == "completed"
    assert db.nodes(new)["3"]["status"] == "running"
    db.run("select df.advance_time('1 hour')")
    db.work()
    assert db.status(new) in ("completed", "failed")


def test_another_roles_run(db: Db, roles: tuple[str, str]) -> None:
    with as_role(db, roles[0]) as owner, as_role(db, roles[1]) as other:
        run = owner.start("'insert into log (what) values (current_user)'")
        db.work()
        with pytest.raises(psycopg.Error) as error:
            other.run("select df.fork(%s, '1')", run)
        assert error.value.sqlstate == "PD002"
    new = fork(db, run, "1")
    assert db.instance(new)["status"] == "completed"
    assert db.log() == [roles[0]] * 2
