"""Claims: what they leave behind, and that no session waits for another one's run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.runtime.engine.db import Db, trust
from tests.runtime.engine.sessions import (
    session,
    wait_until,
    waits_for_lock,
    working,
)

JOIN = 'df."join"({})'
LEAF = "'insert into log (what) values (''{}'')'"


def multixacts(db: Db) -> int:
    db.run("checkpoint")
    return int(db.value("select next_multixact_id::text from pg_control_checkpoint()"))


@pytest.mark.parametrize("batch_ms", [0, 1000])
@pytest.mark.parametrize(
    "graph",
    [
        "df.seq('select 1', 'select 2')",
        "df.seq({}, 'select 4')".format(JOIN.format("'select 1', 'select 2'")),
        "df.race('select 1', df.sleep(100))",
        "df.if('select true', 'select 1', 'select 2')",
        "df.loop(df.seq('select 1', df.break()))",
        "df.seq(df.sleep_until('select now()'), 'select 1')",
        "df.seq(df.sleep(0), 'select 1')",
        "df.try('select 1/0', 'select 1')",
        "df.transaction('select 1', 'select 2')",
        "df.seq(df.wait_for_signal('go'), 'select 1')",
    ],
)
def test_no_step_makes_a_multixact(batches: Db, graph: str, batch_ms: int) -> None:
    """Index scans never mark a dead row that has one: every claim would look it up."""
    batches.run("select df.configure(batch_ms => %s)", batch_ms)
    before = multixacts(batches)
    for _ in range(2):
        runs = [batches.value(f"select df.start({graph})") for _ in range(3)]
        trust(batches)
        batches.work()
        for run in runs:
            batches.run("select df.signal(%s, 'go')", run)
        batches.work()
        assert {batches.status(run) for run in runs} == {"completed"}
    assert multixacts(batches) == before


def test_short_branches_of_a_busy_run_are_left_to_who_has_it(batches: Db) -> None:
    """Another run's steps are done meanwhile, and the branches are free afterwards."""
    leaves = ", ".join(LEAF.format(n) for n in range(3))
    run = batches.value(f"select df.start({JOIN.format(leaves)})")
    batches.run("call df.work(1, 20000)")
    other = batches.value(f"select df.start({LEAF.format('other')})")
    trust(batches)
    with session(batches) as holder:
        holder.execute(
            "select from df_engine.instances where run_id = %s for update", [run]
        )
        steps, wait_ms = batches.run("call df.work(100, 20000)")[0]
        assert (steps, batches.status(other)) == (1, "completed")
        assert wait_ms > 0
        held = batches.value(
            "select count(*) from (select from df_engine.tasks where state = 'x'"
            " for update skip locked) free"
        )
        assert held == 3
    batches.work()
    assert batches.status(run) == "completed"
    assert sorted(batches.log()) == ["0", "1", "2", "other"]


def test_waiting_at_a_join_does_not_make_a_statement_long(batches: Db) -> None:
    graph = JOIN.format("'select 1', 'select 2'")
    run = batches.value(f"select df.start({graph})")
    batches.run("call df.work(1, 20000)")
    with session(batches) as holder:
        holder.execute(
            "select from df_engine.instances where run_id = %s for update", [run]
        )
        with working(batches):
            wait_until(lambda: waits_for_lock(batches))
            batches.run("select pg_sleep(0.15)")
            holder.rollback()
    assert batches.status(run) == "completed"
    query = "select min(short_runs) from df_engine.nodes where op = 'sql'"
    assert batches.value(query) > -20


def test_sleeps_begin_together(batches: Db) -> None:
    """Their statements share transactions, and so their now()."""
    graph = "df.seq(df.sleep_until('select now() + interval ''1 hour'''), 'select 1')"
    batches.value(f"select df.start({graph})")
    trust(batches)
    for _ in range(8):
        batches.run(f"select df.start({graph})")
    assert batches.work() == 9
    assert batches.value("select count(distinct wake_at) from df_engine.tasks") < 9


@pytest.fixture
def gate(batches: Db) -> Db:
    """Return a database where the statement GATE waits for the holder of a lock."""
    batches.run("create table if not exists gate (id integer)")
    return batches


GATE = "'select count(*) from gate'"


@contextmanager
def closed(db: Db) -> Iterator[None]:
    """Let a session work until it waits in GATE, and go on with the block's end."""
    with session(db) as holder:
        holder.execute("lock table gate in access exclusive mode")
        with working(db):
            wait_until(lambda: waits_for_lock(db))
            yield
            holder.rollback()


@pytest.mark.parametrize("batch_ms", [0, 5])
def test_a_session_goes_on_with_no_run_that_was_paused(gate: Db, batch_ms: int) -> None:
    gate.run("select df.configure(batch_ms => %s)", batch_ms)
    steps = ", ".join([LEAF.format(1), LEAF.format(2), GATE, LEAF.format(3)])
    run = gate.start(f"df.seq({steps})")
    with closed(gate):
        gate.run("select df.pause(%s)", run)
    assert (gate.status(run), gate.log()) == ("paused", ["1", "2"])
    gate.run("select df.resume(%s)", run)
    gate.work()
    assert (gate.status(run), gate.log()) == ("completed", ["1", "2", "3"])


def test_a_session_goes_on_with_the_node_that_its_run_is_at(gate: Db) -> None:
    """Retries, loops and branches between plain statements, more of them than ten."""
    many = ", ".join(LEAF.format(n) for n in range(12))
    graph = (
        f"df.seq({many},"
        f" df.if('select true', {LEAF.format('then')}, {LEAF.format('else')}),"
        f" df.retry({LEAF.format('tried')}, 2), df.loop(df.seq({LEAF.format('round')},"
        f" {LEAF.format('again')}, df.break())), {LEAF.format('last')})"
    )
    gate.run("select df.configure(batch_ms => 0)")
    run = gate.finish(graph)
    assert gate.status(run) == "completed"
    words = [*map(str, range(12)), "then", "tried", "round", "again", "last"]
    assert gate.log() == words


def test_a_run_is_called_while_its_last_statement_executes(gate: Db) -> None:
    run = gate.start(GATE)
    with closed(gate):
        caller = gate.start(f"df.call($$select '{run}'$$)")
        gate.work()
        assert gate.status(caller) == "running"
    gate.work()
    assert {gate.status(run), gate.status(caller)} == {"completed"}


@pytest.fixture
def clock(batches: Db) -> Iterator[Db]:
    """Return a database whose timers go by a clock that the test sets."""
    batches.run("select df.set_time('2030-01-01')")
    yield batches
    batches.run("select df.set_time(null)")


def test_a_step_that_waits_holds_no_timers_that_were_due_with_it(clock: Db) -> None:
    clock.run("create table if not exists held (id integer)")
    clock.run("create sequence if not exists tries")
    clock.run(
        "create or replace function flaky() returns void language plpgsql as $$ begin"
        " if nextval('tries') = 1 then raise sqlstate '40001'; end if;"
        " perform from held; end $$"
    )
    run = clock.value("select df.start(df.retry('select flaky()', 3, '1 second'))")
    clock.work()
    others = [clock.value("select df.start(df.sleep(2))") for _ in range(3)]
    clock.work()
    clock.run("select df.advance_time('5 seconds')")
    with session(clock) as holder:
        holder.execute("lock table held in access exclusive mode")
        with working(clock):
            wait_until(lambda: waits_for_lock(clock))
            clock.work()
            assert {clock.status(other) for other in others} == {"completed"}
            assert clock.status(run) == "running"
            holder.rollback()
    assert clock.status(run) == "completed"


def test_a_sleep_that_is_over_leads_to_the_leaf_behind_it(clock: Db) -> None:
    """Not where somebody may take the branch away, or reads what the sleep gave."""
    plain = clock.value(f"select df.start(df.seq(df.sleep(2), {LEAF.format('plain')}))")
    others = [
        clock.value(f"select df.start({graph})")
        for graph in (
            "df.race(df.seq(df.sleep(2), 'select 1'), df.sleep(9))",
            "df.seq(df.as(df.sleep(2), 's'), 'select $s')",
            "df.seq(df.sleep(2), df.sleep(2))",
        )
    ]
    clock.work()
    clock.run("select df.advance_time('3 seconds')")
    clock.run("select df_engine.take_due()")
    states = "select state from df_engine.tasks join df_engine.instances i"
    where = "on i.id = instance where run_id = %s and ready_at is not null"
    assert clock.value(f"{states} {where}", plain) == "x"
    assert [clock.value(f"{states} {where}", each) for each in others] == ["d"] * 3
    slept = clock.nodes(plain)["2"]
    assert (slept["status"], slept["wake_at"]) == ("completed", None)
    clock.work()
    clock.run("select df.advance_time('3 seconds')")
    clock.work()
    assert {clock.status(each) for each in (plain, *others)} == {"completed"}
    assert clock.log() == ["plain"]


def test_a_worker_that_waits_for_the_tasks_holds_nothing_else(batches: Db) -> None:
    """An upgrade that has them waits for the other tables: that would be a deadlock."""
    held = (
        "select count(*) from pg_locks l join pg_class c on c.oid = l.relation"
        " join pg_locks w on w.pid = l.pid and not w.granted"
        " where l.granted and c.relkind = 'r'"
        " and c.relnamespace = 'df_engine'::regnamespace"
    )
    with session(batches) as holder:
        holder.execute("lock table df_engine.tasks in access exclusive mode")
        with working(batches):
            wait_until(lambda: waits_for_lock(batches))
            assert batches.value(held) == 0
            holder.rollback()


def test_a_run_whose_branch_waits_can_be_cancelled(batches: Db) -> None:
    batches.run("create table if not exists held (id integer)")
    waits = "'select count(*) from held'"
    run = batches.value(f"select df.start({JOIN.format(f'{waits}, {waits}')})")
    batches.run("call df.work(1, 20000)")
    trust(batches)
    with session(batches) as holder:
        holder.execute("lock table held in access exclusive mode")
        with working(batches):
            wait_until(lambda: waits_for_lock(batches))
            batches.run("select df.cancel(%s, 'enough')", run)
            assert batches.status(run) == "cancelled"
            holder.rollback()
    assert batches.value("select count(*) from df_engine.tasks") == 0


def test_timers_of_a_busy_run_are_left_alone(clock: Db) -> None:
    timer = "df.sleep_for('select interval ''1 second''')"
    run = clock.value(f"select df.start({JOIN.format(f'{timer}, {timer}')})")
    clock.work()
    trust(clock)
    clock.run("select df.advance_time('5 seconds')")
    other = clock.value("select df.start('select 1')")
    with session(clock) as holder:
        holder.execute(
            "select from df_engine.instances where run_id = %s for update", [run]
        )
        steps, wait_ms = clock.run("call df.work(100, 20000)")[0]
        assert (steps, clock.status(other)) == (1, "completed")
        assert wait_ms > 0
    clock.work()
    assert clock.status(run) == "completed"
