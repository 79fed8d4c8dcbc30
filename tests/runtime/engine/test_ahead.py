"""Going on with a run: the plain statements behind one that a session has done."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runtime.engine.db import Db, commits, logged, trust
from tests.runtime.engine.sessions import session

FAIL = "'select 1/0'"
PREPARE = "'do $d$ begin execute ''prepare p as select 1''; end $d$'"
CLAIM = (
    "select df_engine.claim_ahead(t.id, t.node, '>', t.node + 1, abs(t.turns) + 1,"
    " i.graph, i.executor) from df_engine.tasks t"
    " join df_engine.instances i on i.id = t.instance"
)


@pytest.fixture(params=["alone", "known to be short"])
def ahead(db: Db, request: pytest.FixtureRequest) -> Iterator[Db]:
    """Return a database where a session goes on with a run."""
    alone = request.param == "alone"
    db.run("select df.configure(batch_ms => %s)", 0 if alone else 1000)
    yield db
    db.run("select df.configure(batch_ms => 5)")


def finish(db: Db, graph: str) -> str:
    """Do a run whose statements the engine takes for short."""
    run = db.start(graph)
    trust(db)
    db.work()
    return run


def seq(*steps: str) -> str:
    return f"df.seq({', '.join(steps)})"


def test_each_step_has_a_transaction_and_a_record(ahead: Db) -> None:
    run = finish(ahead, seq(*(logged(str(n)) for n in range(25))))
    assert ahead.log() == [str(n) for n in range(25)]
    assert commits(ahead) == 25
    leaves = [
        row for row in ahead.nodes(run).values() if row["query"].startswith("insert")
    ]
    assert {row["status"] for row in leaves} == {"completed"}
    times = [time for row in leaves for time in (row["started_at"], row["finished_at"])]
    assert times == sorted(times)
    assert ahead.instance(run)["started_at"] == times[0]


@pytest.mark.parametrize("place", range(1, 5))
def test_a_step_that_fails_is_where_the_run_ends(ahead: Db, place: int) -> None:
    steps = [logged(str(n)) for n in range(5)]
    steps[place] = FAIL
    run = finish(ahead, seq(*steps))
    failed = [row for row in ahead.nodes(run).values() if row["query"] == "select 1/0"]
    assert [(row["status"], row["sqlstate"]) for row in failed] == [("failed", "22012")]
    assert ahead.status(run) == "failed"
    assert ahead.log() == [str(n) for n in range(place)]
    ahead.run("select df.retry_failed(%s)", run)
    ahead.work()
    assert ahead.log() == [str(n) for n in range(place)]


def test_who_answers_to_a_failure_does(ahead: Db) -> None:
    body = seq(logged("a"), logged("b"), FAIL, logged("never"))
    run = finish(ahead, seq(f"df.try({body}, {logged('caught')})", logged("after")))
    assert ahead.status(run) == "completed"
    assert ahead.log() == ["a", "b", "caught", "after"]


def test_a_retry_begins_with_its_first_step(ahead: Db) -> None:
    ahead.run("create sequence if not exists tries")
    ahead.run("alter sequence tries restart")
    flaky = (
        "'do $d$ begin if nextval(''tries'') = 1 then"
        " raise sqlstate ''40001''; end if; end $d$'"
    )
    body = seq(logged("a"), flaky, logged("b"))
    run = finish(ahead, seq(logged("first"), f"df.retry({body}, 3, '0')"))
    assert ahead.instance(run)["error"] is None
    assert ahead.log() == ["first", "a", "a", "b"]


def test_rounds_of_a_loop(ahead: Db) -> None:
    ahead.run("create sequence if not exists rounds")
    ahead.run("alter sequence rounds restart")
    body = seq(logged("a"), f"df.as({logged('b')}, 'n')", logged("c"))
    until = "'select nextval(''rounds'') = 3'"
    run = finish(ahead, f"df.repeat({body}, until_condition => {until})")
    assert ahead.log() == ["a", "b", "c"] * 3
    nodes = ahead.nodes(run).values()
    executions = [row["executions"] for row in nodes if "log" in (row["query"] or "")]
    assert executions == [3] * 3


def test_results_that_the_next_steps_read(ahead: Db) -> None:
    one = "df.as('select 20 + $input.n as v', 'one')"
    two = "df.as('select $one.v + 1 as v', 'two')"
    run = ahead.start(
        seq("'select 1'", one, two, "'select ''<$two.v> <{sys_label}>'' as v'"),
        {"n": 1},
        label="mine",
    )
    trust(ahead)
    ahead.work()
    assert ahead.rows(run) == [{"v": "<22> <mine>"}]


def test_a_large_result(ahead: Db) -> None:
    large = "df.as('select repeat(''x'', 2000000) as v', 'large')"
    run = finish(
        ahead, seq(logged("a"), large, "'select length($large.v) as n'", logged("b"))
    )
    assert ahead.status(run) == "completed"
    assert ahead.log() == ["a", "b"]


def test_no_more_steps_than_were_asked_for(ahead: Db) -> None:
    ahead.start(seq(*(logged(str(n)) for n in range(9))))
    trust(ahead)
    for done in (1, 4, 8):
        most = done - len(ahead.log())
        assert ahead.run("call df.work(%s, 20000)", most)[0][0] == most
        assert len(ahead.log()) == done


def test_no_step_begins_when_time_is_up(ahead: Db) -> None:
    slow = "'select pg_sleep(0.05)'"
    ahead.start(seq(*[slow] * 9))
    trust(ahead)
    steps, wait_ms = ahead.run("call df.work(100, 120)")[0]
    assert 2 <= steps <= 4
    assert wait_ms == 0


@pytest.mark.parametrize(
    ("verb", "status"), [("pause", "paused"), ("cancel", "cancelled")]
)
def test_a_step_that_stops_its_run(ahead: Db, verb: str, status: str) -> None:
    stops = f"'select df.{verb}(''{{sys_instance_id}}'')'"
    run = finish(ahead, seq(logged("a"), stops, logged("b"), logged("c")))
    assert (ahead.status(run), ahead.log()) == (status, ["a"])
    ahead.run("select df.resume(%s)", run)
    ahead.work()
    assert ahead.log() == (["a", "b", "c"] if verb == "pause" else ["a"])


def test_a_step_that_signals_its_run_does_not_begin_again(ahead: Db) -> None:
    signals = (
        "'select df.signal(''{sys_instance_id}'', ''go'', run_now => true),"
        " nextval(''log_id_seq'')'"
    )
    run = finish(
        ahead, seq(logged("a"), signals, "df.wait_for_signal('go')", logged("b"))
    )
    assert ahead.status(run) == "completed"
    assert ahead.log() == ["a", "b"]


def test_a_function_that_prepares_a_statement(ahead: Db) -> None:
    """The name is free again, and no other run sees the statement."""
    run = finish(ahead, seq(logged("a"), PREPARE, PREPARE, logged("b")))
    assert ahead.status(run) == "completed"
    assert ahead.log() == ["a", "b"]
    other = finish(ahead, "'execute p'")
    assert ahead.instance(other)["sqlstate"] == "26000"
    twice = PREPARE.replace("; end", "; execute ''prepare p as select 2''; end")
    run = finish(ahead, seq(logged("a"), twice))
    assert ahead.instance(run)["sqlstate"] == "42P05"


@pytest.mark.parametrize("end", ["rollback", "commit", None])
def test_a_task_that_somebody_has_locked_is_left_alone(ahead: Db, end: str) -> None:
    """It may have been claimed meanwhile; and nobody waits to find out."""
    ahead.start(seq(*(logged(str(n)) for n in range(5))))
    ahead.run("call df.work(2, 20000)")
    ahead.run("set lock_timeout = '1s'")
    with session(ahead) as other:
        other.execute("select from df_engine.tasks for update")
        if end is not None:
            other.execute(end)
        assert ahead.value(CLAIM) is False
    ahead.work()
    assert len(ahead.log()) == 5


def test_a_task_that_nobody_has_touched_is_claimed(ahead: Db) -> None:
    ahead.start(seq(*(logged(str(n)) for n in range(5))))
    ahead.run("call df.work(2, 20000)")
    ahead.run("update df_engine.tasks set node = node")
    assert ahead.value(CLAIM) is True
    ahead.work()
    assert ahead.log() == ["0", "1", "3", "4"]


def test_a_run_that_another_session_goes_on_with_is_left_to_it(ahead: Db) -> None:
    """Unless there is nothing else, or it has been idle for too long."""
    ahead.start(seq(*(logged(str(n)) for n in range(5))))
    trust(ahead)
    ahead.run("call df.work(2, 20000)")
    assert ahead.value("select turns from df_engine.tasks") == -2
    ahead.run("update df_engine.tasks set moved_at = now() + interval '1 hour'")
    ahead.start(logged("other"))
    ahead.run("call df.work(1, 20000)")
    assert ahead.log() == ["0", "1", "other"]
    ahead.run("call df.work(1, 20000)")
    ahead.start(logged("later"))
    ahead.run("update df_engine.tasks set moved_at = now() - interval '1 second'")
    ahead.run("call df.work(1, 20000)")
    assert ahead.log() == ["0", "1", "other", "2", "3"]
