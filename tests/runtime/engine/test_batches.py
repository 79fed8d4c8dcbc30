"""Short steps of several runs share a commit, and nobody can tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest

from tests.runtime.engine.db import Db, commits, trust
from tests.runtime.engine.sessions import sleeps, terminate_sleepers, wait_until

INSERT = "insert into log (what) values ($input.n || ''/{}'')"


@pytest.fixture(autouse=True)
def tables(db: Db) -> Iterator[None]:
    """Drop the tables that a test has made."""
    yield
    for table in ("accounts", "children", "parents"):
        db.run(f"drop table if exists {table} cascade")


def seq(*statements: str) -> str:
    return "df.seq({})".format(", ".join(f"'{text}'" for text in statements))


def start(db: Db, graph: str, first: int, last: int) -> list[str]:
    """Start a run for each number, its input `n`."""
    rows = db.run(
        f"select df.start({graph}, input => jsonb_build_object('n', n))"
        " from generate_series(%s::integer, %s) n order by n",
        first,
        last,
    )
    return [str(row[0]) for row in rows]


def test_statements_are_trusted_once_they_were_short(batches: Db) -> None:
    def trusted() -> bool:
        start(batches, seq("select $input.n"), 1, 20)
        batches.work()
        query = "select min(short_runs) >= 3 from df_engine.nodes where op = 'sql'"
        return bool(batches.value(query))

    wait_until(trusted)


def test_runs_share_commits(batches: Db) -> None:
    graph = seq(*(INSERT.format(i) for i in range(5)))
    start(batches, graph, 1, 40)
    trust(batches)
    assert batches.work() == 200
    assert batches.value("select count(distinct what) from log") == 200
    assert commits(batches) < 40


def test_none_where_they_are_turned_off(batches: Db) -> None:
    batches.run("select df.configure(batch_ms => 0)")
    start(batches, seq(*(INSERT.format(i) for i in range(3))), 1, 10)
    trust(batches)
    batches.work()
    assert commits(batches) == 30


def test_runs_that_are_started_one_after_the_other_gather(batches: Db) -> None:
    """Each step starts the next run: a call that is to gather leaves some for later."""
    batches.run(
        "create or replace function start_next(n integer) returns void"
        " language plpgsql as $$ begin if n > 1 then"
        " perform df.start('select start_next($input.n)', input =>"
        " jsonb_build_object('n', n - 1)); end if; end $$"
    )

    def calls(db: Db) -> list[tuple[object, ...]]:
        query = "select df.start('select start_next($input.n)', input => '{\"n\": 20}')"
        db.run(query)
        trust(db)
        found: list[tuple[object, ...]] = []
        while sum(int(str(steps)) for steps, _ in found) < 20:
            found += db.run("call df.work(100000, 20000)")
        return found

    assert calls(batches) == [(20, None)]
    options = "-c perdure.gather=on"
    with psycopg.connect(batches.url, autocommit=True, options=options) as connection:
        worker = Db(batches.url, connection)
        wait_until(lambda: len(calls(worker)) > 1)  # or the machine is slow
        assert {wait for _, wait in calls(worker)} <= {4, None}
    batches.run("drop function start_next")


def test_now_advances_within_a_run(batches: Db) -> None:
    start(batches, seq(*(INSERT.format(i) for i in range(5))), 1, 30)
    trust(batches)
    batches.work()
    assert not batches.run(
        "select from log a join log b on split_part(a.what, '/', 1)"
        " = split_part(b.what, '/', 1)"
        " where split_part(a.what, '/', 2) < split_part(b.what, '/', 2)"
        " and a.began >= b.began"
    )


def test_a_failing_step_undoes_only_itself(batches: Db) -> None:
    failing = "insert into log (what) select ''x'' where 1 / ($input.n - 7) is not null"
    runs = start(batches, seq(INSERT.format("a"), failing, INSERT.format("b")), 1, 20)
    trust(batches)
    batches.work()
    assert {n for n, run in enumerate(runs, 1) if batches.status(run) == "failed"} == {
        7
    }
    assert batches.nodes(runs[6])["3"]["attempts"] == 1
    assert sorted(batches.log()) == sorted(
        ["x"] * 19
        + [f"{n}/a" for n in range(1, 21)]
        + [f"{n}/b" for n in range(1, 21) if n != 7]
    )


def work_on(url: str) -> None:
    """Do what a worker does until there is nothing to come, or its session is lost."""
    wait: int | None = 0
    with (
        suppress(psycopg.errors.AdminShutdown),
        psycopg.connect(url, autocommit=True) as connection,
    ):
        while wait is not None:
            time.sleep(wait / 1000)
            row = connection.execute("call df.work(100000, 500)").fetchone()
            assert row is not None
            wait = row[1]


@contextmanager
def sessions(db: Db, count: int) -> Iterator[None]:
    """Let some sessions work, and wait for their end."""
    workers = [threading.Thread(target=work_on, args=(db.url,)) for _ in range(count)]
    for worker in workers:
        worker.start()
    yield
    for worker in workers:
        worker.join()


def dawdle(db: Db, slow: int, seconds: float) -> None:
    """Make a function that logs a number, and takes its time with one of them."""
    db.run(
        "create or replace function public.dawdle(n integer) returns void"
        " language plpgsql set search_path = public as $$ begin"
        f" if n = {slow} then perform pg_catalog.pg_sleep({seconds}); end if;"
        " insert into log (what) values (n); end $$"
    )


@contextmanager
def locked(db: Db, statement: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(db.url) as connection:
        connection.execute(statement.encode())
        yield connection


def test_a_step_that_waits_for_a_lock_holds_nobody_up(batches: Db) -> None:
    batches.run("create table accounts (id integer primary key, n integer default 0)")
    batches.run("insert into accounts select generate_series(1, 20)")
    runs = start(
        batches, seq("update accounts set n = n + 1 where id = $input.n"), 1, 20
    )
    trust(batches)

    lock = "update accounts set n = 0 where id = 8"
    with locked(batches, lock) as connection, sessions(batches, 2):
        wait_until(
            lambda: batches.value("select count(*) from accounts where n = 1") == 19
        )
        assert batches.status(runs[7]) in ("pending", "running")
        connection.rollback()
    assert batches.status(runs[7]) == "completed"
    assert batches.value("select sum(n) from accounts") == 20


def test_opposite_orders_of_locks_are_no_deadlock(batches: Db) -> None:
    batches.run("create table accounts (id integer primary key, n integer default 0)")
    batches.run("insert into accounts select generate_series(0, 3)")
    update = "update accounts set n = n + 1 where id = mod($input.n + {}, 4)"
    runs = start(batches, seq(*(update.format(i * 3) for i in range(6))), 1, 60)
    trust(batches)
    with sessions(batches, 4):
        pass
    assert all(batches.status(run) == "completed" for run in runs)
    assert batches.value("select sum(n) from accounts") == 360


def test_a_statement_that_turned_slow_has_to_prove_itself(batches: Db) -> None:
    batches.run("select df.configure(batch_ms => 5)")
    dawdle(batches, 5, 0.3)
    start(batches, seq("select public.dawdle($input.n)"), 1, 5)
    trust(batches)
    batches.work()
    assert (
        batches.value("select short_runs from df_engine.nodes where op = 'sql'") == -20
    )


@pytest.mark.parametrize(
    "statement", ["notify somebody", "select pg_sleep(0)", "do $$ begin end $$"]
)
def test_statements_that_are_never_added(batches: Db, statement: str) -> None:
    start(batches, f"$q${statement}$q$", 1, 30)
    batches.work()
    assert (
        batches.value("select max(short_runs) from df_engine.nodes where op = 'sql'")
        < 0
    )


def test_deferred_constraints_turn_them_off(batches: Db) -> None:
    batches.run("create table parents (id integer primary key)")
    batches.run(
        "create table children (parent integer references parents deferrable"
        " initially deferred, began timestamptz default now())"
    )
    both = (
        "with c as (insert into children values ($input.n))"
        " insert into parents values ($input.n)"
    )
    runs = start(batches, seq(both, both.replace("$input.n", "-$input.n")), 1, 10)
    trust(batches)
    batches.work()
    assert all(batches.status(run) == "completed" for run in runs)
    assert commits(batches, "children") == 20


def test_a_bound_of_steps_is_kept(batches: Db) -> None:
    start(batches, seq(*(INSERT.format(i) for i in range(3))), 1, 30)
    trust(batches)
    row = batches.run("call df.work(7, 20000)")[0]
    assert row == (7, 0)
    assert len(batches.log()) == 7


def test_branches_and_loops_in_batches(batches: Db) -> None:
    graph = (
        f"""df.seq(df."join"('{INSERT.format("a")}', '{INSERT.format("b")}'),"""
        f" df.repeat('{INSERT.format('c')}', until_condition =>"
        " 'select count(*) >= 3 from log where what = $input.n || ''/c'''))"
    )
    runs = start(batches, graph, 1, 20)
    trust(batches)
    batches.work()
    assert all(batches.status(run) == "completed" for run in runs)
    assert sorted(batches.log()) == sorted(
        f"{n}/{x}" for n in range(1, 21) for x in ("a", "b", "c", "c", "c")
    )


def test_a_slow_step_delays_only_its_batch(batches: Db) -> None:
    """What a session has not claimed goes on while it is in a slow statement."""
    dawdle(batches, 5, 3)
    runs = start(batches, seq("select public.dawdle($input.n)"), 1, 200)
    trust(batches)
    with sessions(batches, 2):
        wait_until(lambda: sleeps(batches))
        wait_until(lambda: len(batches.log()) >= 170)
        assert sleeps(batches)
    assert all(batches.status(run) == "completed" for run in runs)
    assert sorted(batches.log(), key=int) == [str(n) for n in range(1, 201)]


def test_a_session_that_dies_in_a_batch_has_done_nothing_of_it(batches: Db) -> None:
    """And the other one, which found everything held and went to sleep, wakes up."""
    dawdle(batches, 5, 60)
    runs = start(batches, seq("select public.dawdle($input.n)"), 1, 20)
    trust(batches)
    with sessions(batches, 2):
        wait_until(lambda: sleeps(batches))
        done = len(batches.log())
        dawdle(batches, 0, 0)
        terminate_sleepers(batches)
    assert done < 20
    assert all(batches.status(run) == "completed" for run in runs)
    assert sorted(batches.log(), key=int) == [str(n) for n in range(1, 21)]


def test_steps_of_a_run_keep_their_order(batches: Db) -> None:
    batches.run("select df.configure(batch_ms => 5)")
    start(batches, seq(*(INSERT.format(i) for i in range(12))), 1, 50)
    trust(batches)
    with sessions(batches, 3):
        pass
    assert batches.value("select count(distinct what) from log") == 600
    assert not batches.run(
        "select from (select split_part(what, '/', 2)::int as step, lag("
        " split_part(what, '/', 2)::int, 1, -1) over (partition by"
        " split_part(what, '/', 1) order by at) as before from log) s"
        " where step <> before + 1"
    )


def test_a_long_run_does_not_keep_others_waiting(batches: Db) -> None:
    """Ten steps, then it queues behind what has become ready in the meantime."""
    long = start(batches, seq(*(INSERT.format(i) for i in range(100))), 0, 0)[0]
    trust(batches)
    batches.run("call df.work(5, 20000)")
    short = start(batches, seq(INSERT.format("x")), 1, 1)[0]
    batches.run("call df.work(10, 20000)")
    assert batches.status(short) == "completed"
    assert batches.status(long) == "running"


def test_what_a_batch_leaves_is_found_behind_the_place_to_look_from(
    batches: Db,
) -> None:
    """A task that became free before the place where a session looks is not lost."""
    runs = start(batches, seq(INSERT.format("a"), INSERT.format("b")), 1, 30)
    trust(batches)
    held = "select from df_engine.tasks order by ready_at limit 10 for update"
    with locked(batches, held) as connection, sessions(batches, 1):
        wait_until(lambda: len(batches.log()) == 40)
        connection.rollback()
    assert all(batches.status(run) == "completed" for run in runs)
