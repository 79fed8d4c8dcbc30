"""Steps that are done at once, in the transaction of the caller."""

from __future__ import annotations

import psycopg
import pytest

from tests.runtime.engine.db import Db, logged
from tests.runtime.engine.sessions import as_role, session, sleeps, wait_until, working


def start_now(db: Db, graph: str, options: str = "") -> str:
    return str(db.value(f"select df.start({graph}, run_now => true{options})"))


def signal_now(db: Db, run: str, name: str = "go") -> None:
    db.run("select df.signal(%s, %s, run_now => true)", run, name)


def test_the_whole_run(db: Db) -> None:
    run = start_now(db, f"df.seq({logged('a')}, {logged('b')}, 'select 7 as n')")
    assert db.log() == ["a", "b"]
    assert db.rows(run) == [{"n": 7}]
    assert db.work() == 0


def test_until_a_timer(db: Db) -> None:
    run = start_now(db, f"df.seq({logged('a')}, df.sleep(1000), {logged('b')})")
    assert db.log() == ["a"]
    assert db.nodes(run)["3"]["status"] == "running"


def test_until_a_signal_and_on_from_there(db: Db) -> None:
    run = start_now(
        db,
        f"""df.seq({logged("a")}, df."as"(df.wait_for_signal('go'), 's'),
          {logged("b")}, df.wait_for_signal('go'), {logged("c")})""",
    )
    assert db.log() == ["a"]
    signal_now(db, run, "other")
    assert db.log() == ["a"]
    signal_now(db, run)
    assert db.log() == ["a", "b"]
    signal_now(db, run)
    assert db.log() == ["a", "b", "c"]
    assert db.status(run) == "completed"
    assert db.work() == 0


def test_until_a_request(db: Db) -> None:
    run = start_now(db, f"df.seq({logged('a')}, df.http('http://x.test/'))")
    assert db.log() == ["a"]
    assert db.run("select run_id from df.claim_http('w', 9)") == [(run,)]


def test_branches_one_after_the_other(db: Db) -> None:
    run = start_now(
        db,
        f"""df.seq(df."join"({logged("a")}, {logged("b")}, df.race({logged("c")},
          df.sleep(10))), {logged("d")})""",
    )
    assert db.log() == ["a", "b", "c", "d"]
    assert db.status(run) == "completed"


def test_everything_else_of_the_language(db: Db) -> None:
    run = start_now(
        db,
        f"""df.seq(df.foreach('select i from generate_series(1, 3) i',
            'insert into log (what) values ($item.i)'),
          df.try('select 1/0', 'insert into log (what) values ($err.sqlstate)'),
          df.transaction({logged("x")}, {logged("y")}),
          df."if"('select true', {logged("z")}))""",
    )
    assert db.log() == ["1", "2", "3", "22012", "x", "y", "z"]
    assert db.status(run) == "completed"


def test_a_failing_step(db: Db) -> None:
    """Its effects are undone, the failure is recorded, the caller goes on."""
    with session(db) as other:
        row = other.execute(
            f"select df.start(df.seq({logged('a')}, $$with x as (insert into log (what)"
            " values ('b')) select 1/0$$), run_now => true)"
        ).fetchone()
        assert row is not None
        other.execute("insert into log (what) values ('caller')")
        other.commit()
    assert db.log() == ["a", "caller"]
    instance = db.instance(row[0])
    assert (instance["status"], instance["sqlstate"]) == ("failed", "22012")
    assert db.nodes(row[0])["3"]["status"] == "failed"


def test_a_retry_waits_for_a_worker(db: Db) -> None:
    run = start_now(
        db, "df.retry('select 1/0', 3, '1 hour', retry_on => array['22012'])"
    )
    node = db.nodes(run)["2"]
    assert (node["attempts"], node["error"]) == (1, "division by zero")
    assert node["wake_at"] is not None


def test_it_is_all_the_callers_transaction(db: Db) -> None:
    with session(db) as other:
        other.execute(
            f"select df.start(df.seq({logged('a')}, {logged('b')}), run_now => true)"
        )
        assert db.log() == []
        assert db.work() == 0
        other.rollback()
    assert db.log() == []
    assert db.value("select count(*) from df.instances") == 0


def test_a_bound(db: Db) -> None:
    db.run("select df.configure('0')")
    run = start_now(db, f"df.repeat({logged('x')})")
    assert 5 <= len(db.log()) <= 50
    db.run("select df.cancel(%s)", run)


def test_the_callers_session_stays_as_it_is(db: Db) -> None:
    """Nothing of it is reset, and nothing of the steps stays in it."""
    with session(db) as other:
        for statement in (
            "set search_path = public, pg_temp",
            "set timezone = 'Asia/Tokyo'",
            "set datestyle = 'German'",
            "set app.tenant = 'x'",
            "create temp table mine (n int)",
            "select pg_advisory_lock(7)",
            "prepare mine as select 1",
            "declare mine cursor with hold for select 1",
        ):
            other.execute(statement.encode())
        state = (
            "select current_setting('search_path'), current_setting('timezone'),"
            " current_setting('datestyle'), current_setting('app.tenant'),"
            " current_setting('intervalstyle'), to_regclass('mine')::oid,"
            " (select count(*) from pg_locks where locktype = 'advisory'"
            "   and pid = pg_backend_pid()),"
            " (select count(*) from pg_cursors where is_holdable),"
            " (select count(*) from pg_prepared_statements where from_sql)"
        )
        before = other.execute(state.encode()).fetchone()
        graph = f"df.seq({logged('a')}, 'select now(), date ''2030-01-02'' as d')"
        row = other.execute(
            f"select df.start({graph}, run_now => true)".encode()
        ).fetchone()
        assert other.execute(state.encode()).fetchone() == before
        other.commit()
        assert other.execute(state.encode()).fetchone() == before
    assert row is not None
    assert db.rows(row[0])[0]["d"] == "2030-01-02"


@pytest.mark.parametrize(
    "statement",
    [
        "set search_path = pg_catalog",
        "set app.tenant = 'step'",
        "create temp table step_table (n int)",
        "select pg_advisory_lock(8)",
        "prepare step_statement as select 1",
        "declare step_cursor cursor with hold for select 1",
        "do 'begin perform set_config(''timezone'', ''Asia/Tokyo'', false); end'",
    ],
)
def test_what_a_step_would_leave_is_left_to_a_worker(db: Db, statement: str) -> None:
    with session(db) as other:
        row = other.execute(
            f"select df.start(df.seq({logged('a')}, $${statement}$$, {logged('b')}),"
            " run_now => true)".encode()
        ).fetchone()
        assert row is not None
        found = other.execute(
            "select current_setting('search_path'),"
            " current_setting('app.tenant', true),"
            " to_regclass('step_table'), (select count(*) from pg_locks"
            "   where locktype = 'advisory' and pid = pg_backend_pid()),"
            " current_setting('timezone')"
        ).fetchone()
        assert found == ('"$user", public', None, None, 0, db.value("show timezone"))
        other.commit()
    assert db.log() == ["a"]
    assert db.status(row[0]) == "running"
    db.work()
    assert db.log() == ["a", "b"]
    assert db.status(row[0]) == "completed"


def test_deferred_constraints_stay_deferred(db: Db) -> None:
    db.run("drop table if exists child, parent")
    db.run("create table parent (id int primary key)")
    db.run(
        "create table child (id int references parent deferrable initially deferred)"
    )
    try:
        with session(db) as other:
            other.execute("insert into child values (1)")
            other.execute(
                "select df.start('insert into child values (2)', run_now => true)"
            )
            other.execute("insert into parent values (1), (2)")
            other.commit()
        assert db.value("select count(*) from child") == 2
        with session(db) as other:
            other.execute(
                "select df.start('insert into child values (3)', run_now => true)"
            )
            with pytest.raises(psycopg.errors.ForeignKeyViolation):
                other.commit()
        assert db.value("select count(*) from df.instances") == 1
    finally:
        db.run("drop table child, parent")


def test_the_callers_cancel_is_not_the_steps_failure(db: Db) -> None:
    db.run("set statement_timeout = '300ms'")
    try:
        with pytest.raises(psycopg.errors.QueryCanceled):
            start_now(db, "'select pg_sleep(60)'")
    finally:
        db.run("reset statement_timeout")
    assert db.value("select count(*) from df.instances") == 0


def test_a_conflict_is_left_to_a_worker(db: Db) -> None:
    db.run(
        "create or replace function public.conflict() returns void language plpgsql"
        " as $$ begin raise exception 'conflict' using errcode = '40001'; end $$"
    )
    run = start_now(db, f"df.seq({logged('a')}, 'select conflict()')")
    assert db.log() == ["a"]
    assert db.status(run) == "running"
    assert "3" not in db.nodes(run)


def test_a_statement_for_outside_of_a_transaction(db: Db) -> None:
    run = start_now(db, f"df.seq({logged('a')}, 'vacuum log', {logged('b')})")
    assert db.log() == ["a"]
    assert db.status(run) == "running"


def test_a_run_that_was_there_already(db: Db) -> None:
    run = db.start(f"df.seq({logged('a')}, {logged('b')})", key="k")
    assert start_now(db, f"df.seq({logged('a')}, {logged('b')})", ", key => 'k'") == run
    assert db.log() == []


def test_a_run_that_waits_for_its_turn(db: Db) -> None:
    run = start_now(db, logged("a"), ", concurrency_key => 'k'")
    assert db.log() == []
    db.work()
    assert db.status(run) == "completed"


def test_steps_are_the_roles_not_the_callers(db: Db, roles: tuple[str, str]) -> None:
    graph = (
        "df.seq(df.wait_for_signal('go'),"
        " 'insert into log (what) values (current_user)')"
    )
    with as_role(db, roles[0]) as other:
        run = other.start(graph)
        start_now(other, "'insert into log (what) values (current_user)'")
    db.work()
    db.run("set search_path = pg_catalog")
    signal_now(db, run)
    assert db.value("select current_user") == db.value("select session_user")
    db.run("reset search_path")
    assert db.log() == [roles[0], roles[0]]


def test_a_step_cannot_leave_its_role(db: Db, roles: tuple[str, str]) -> None:
    graph = "df.seq(df.wait_for_signal('go'), $$do 'begin reset role; end'$$)"
    with as_role(db, roles[0]) as other:
        run = other.start(graph)
    db.work()
    signal_now(db, run)
    assert db.instance(run)["sqlstate"] == "42501"


def test_another_roles_run(db: Db, roles: tuple[str, str]) -> None:
    with as_role(db, roles[0]) as owner, as_role(db, roles[1]) as other:
        run = owner.start("df.wait_for_signal('go')")
        with pytest.raises(psycopg.Error) as error:
            signal_now(other, run)
        assert error.value.sqlstate == "PD002"


def test_constraints_that_may_be_deferred_and_another_role(
    db: Db, roles: tuple[str, str]
) -> None:
    """A deferred trigger could run as the caller: the step is left to a worker."""
    with as_role(db, roles[0]) as other:
        run = other.start(f"df.seq(df.wait_for_signal('go'), {logged('a')})")
    db.work()
    db.run("create table later (n int unique deferrable)")
    try:
        signal_now(db, run)
        assert db.log() == []
    finally:
        db.run("drop table later")
    db.work()
    assert db.log() == ["a"]


def test_a_run_that_another_session_works_on(db: Db) -> None:
    """What it does is left to it; what is free is done at once."""
    run = db.start(
        f"""df."join"('select pg_sleep(1)', df.seq(df.wait_for_signal('go'),
          {logged("a")}))"""
    )
    with working(db):
        wait_until(lambda: sleeps(db))
        db.work()
        signal_now(db, run)
        assert db.log() == ["a"]
    db.work()
    assert db.status(run) == "completed"


def test_a_run_whose_row_is_locked_is_left_alone(db: Db) -> None:
    run = db.finish(f"df.seq(df.wait_for_signal('go'), {logged('a')})")
    with session(db) as other:
        other.execute("select from df_engine.instances for update")
        db.run("set lock_timeout = '5s'")
        signal_now(db, run)
        assert db.log() == []
        other.rollback()
    db.work()
    assert db.log() == ["a"]


def test_workers_do_other_work_meanwhile(db: Db) -> None:
    """The caller's open transaction holds up no worker."""
    db.finish(logged("a"))  # the graph is there
    with session(db) as other:
        other.execute(f"select df.start({logged('a')}, run_now => true)".encode())
        runs = [db.start(logged("a")) for _ in range(5)]
        db.run("set lock_timeout = '5s'")
        db.work()
        assert [db.status(run) for run in runs] == ["completed"] * 5
        other.commit()
    assert len(db.log()) == 7


def test_a_step_signals_its_own_run(db: Db) -> None:
    run = db.finish(
        f"""df."join"(df.seq(df.wait_for_signal('go'), {logged("b")}),
          df.seq(df.sleep(0), 'with x as (insert into log (what) values (''a'')
            returning 1) select df.signal(''{{sys_instance_id}}'', ''go'',
              run_now => true) from x', {logged("c")}))"""
    )
    assert db.status(run) == "completed"
    assert sorted(db.log()) == ["a", "b", "c"]


def test_a_step_starts_another_run(db: Db) -> None:
    inner = logged("inner").replace("'", "''")
    run = db.finish(
        f"df.seq('select df.start({inner}, run_now => true)', {logged('outer')})"
    )
    assert db.status(run) == "completed"
    assert db.log() == ["inner", "outer"]
    assert db.run("select distinct status from df.instances") == [("completed",)]


def test_a_paused_run(db: Db) -> None:
    run = db.finish(f"df.seq(df.wait_for_signal('go'), {logged('a')})")
    db.run("select df.pause(%s)", run)
    signal_now(db, run)
    assert db.log() == []
    db.run("select df.resume(%s)", run)
    db.work()
    assert db.log() == ["a"]
