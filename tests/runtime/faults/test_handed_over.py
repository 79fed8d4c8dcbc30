"""Statements that PostgreSQL refuses inside a transaction, executed by the worker."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from perdure.engine.worker_statements import perform
from tests.runtime.faults.server import Connection, Crashable, value
from tests.runtime.worker.processes import WorkerProcess, wait_until
from tests.runtime.worker.runs import await_end, start

Spawn = Callable[..., WorkerProcess]

# Leaves a row, commits, and waits there for a lock that the test holds.
PROCEDURE = """
create or replace procedure step_by_step(inout n int, lock int default 0)
language plpgsql as $$
begin
  insert into effects values ('procedure', 'begun');
  commit;
  if lock > 0 then
    perform pg_advisory_lock(lock);
  end if;
  n := n + 1;
  insert into effects values ('procedure', 'ended');
end $$
"""
EXECUTES = (
    "select pid from pg_stat_activity where application_name = 'perdure statement'"
    " and wait_event = 'advisory'"
)


@pytest.fixture
def connection(server: Crashable) -> Iterator[Connection]:
    with server.connect() as connection:
        connection.execute(PROCEDURE)
        yield connection


def node(connection: Connection, run: str, number: str = "1") -> dict[str, Any]:
    cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
    row = cursor.execute(
        "select * from df.nodes where instance_id = %s and id = %s", [run, number]
    ).fetchone()
    assert row is not None
    return row


def effects(connection: Connection) -> list[str]:
    return [row[0] for row in connection.execute("select step from effects order by 1")]


def executing(connection: Connection) -> int:
    """Wait until a worker executes the procedure, and return its session."""
    wait_until(lambda: connection.execute(EXECUTES).fetchone())
    return int(value(connection, EXECUTES))


STATEMENTS = (
    "vacuum effects",
    "/* nightly /* */ */ VACUUM (analyze) effects -- all of it",
    "-- at\nVacuum",
    "create index concurrently effects_run on effects (run)",
    "create unique index concurrently on handed_over_pairs (a)",
    "drop index concurrently if exists effects_run",
    "reindex table concurrently effects",
    "reindex (verbose) schema public",
    "create database handed_over",
    "drop database if exists handed_over",
    "alter system set log_rotation_age = '1d'",
    "alter system reset log_rotation_age",
    "cluster",
)
FOUND_OUT = (
    "call step_by_step(1)",
    "do $x$ begin insert into effects values ('do', 'begun'); commit; end $x$",
    "reindex (concurrently) table effects",
    "alter table whole detach partition part concurrently",
)


def test_statements_outside_of_a_transaction(
    connection: Connection, spawn: Spawn
) -> None:
    connection.execute("create table if not exists handed_over_pairs (a int)")
    connection.execute(
        "drop table if exists whole, part;"
        " create table whole (a int) partition by list (a);"
        " create table part partition of whole for values in (1)"
    )
    spawn("--connections", "1")
    for statement in (*STATEMENTS, *FOUND_OUT):
        # One by one: some of them wait for every transaction that is older.
        run = start(connection, [statement, "insert into effects values ('', 'after')"])
        assert await_end(connection, run) == {"completed"}, statement
        seen = node(connection, run, "2")
        assert (seen["node_type"], seen["rendered_sql"]) == ("SQL", statement)
        assert "at least once, attempt 1, by worker" in seen["detail"], statement
    after = [step for step in effects(connection) if step == "after"]
    assert len(after) == len(STATEMENTS) + len(FOUND_OUT)
    assert value(connection, "select count(*) from df_engine.requests") == 0


def test_statements_are_found_by_their_text(connection: Connection) -> None:
    query = "select df_engine.must_leave(%s)"
    for statement in STATEMENTS:
        assert value(connection, query, statement), statement
    for statement in (
        "select 'vacuum'",
        "create index on effects (run)",
        "insert into vacuum values (1)",
        "reindex table effects",
        "cluster effects",
        "comment on database postgres is 'x'",
        "/* vacuum */ select 1",
    ):
        assert not value(connection, query, statement), statement


@pytest.mark.parametrize(
    "statement", ["discard all", "set transaction isolation level serializable"]
)
def test_statements_about_the_session_stay_failures(
    connection: Connection, statement: str
) -> None:
    run = start(connection, ["select 1", statement])
    connection.execute("call df.work(100, 10000)")
    row = connection.execute(
        "select status, sqlstate from df.instances where id = %s", [run]
    ).fetchone()
    assert row == ("failed", "25001")
    assert value(connection, "select count(*) from df_engine.requests") == 0


def test_the_result_of_a_procedure(connection: Connection, spawn: Spawn) -> None:
    connection.execute(
        "create or replace procedure gives(inout a numeric, inout b text[], inout c"
        " timestamptz, inout d jsonb) language plpgsql as $$ begin commit; end $$"
    )
    spawn("--connections", "1")
    call = (
        "call gives(1.50, array['x', 'ü'], '2026-01-02 03:04:05+00', '{\"k\": null}')"
    )
    run = value(
        connection,
        "select df.start(df.seq(df.\"as\"(%s, 'r'), 'select $r.a as a'))",
        call,
    )
    assert await_end(connection, run) == {"completed"}
    query = "select result::json from df.nodes where instance_id = %s and id = '2'"
    assert value(connection, query, run) == {
        "rows": [
            {
                "a": 1.50,
                "b": ["x", "ü"],
                "c": "2026-01-02T03:04:05+00:00",
                "d": {"k": None},
            }
        ],
        "row_count": 1,
    }
    assert (
        value(connection, "select df.result(%s)::json #>> '{rows,0,a}'", run) == "1.50"
    )


def test_a_failure_has_its_sqlstate_and_can_be_retried(
    connection: Connection, spawn: Spawn
) -> None:
    spawn("--connections", "1")
    bad = start(connection, ["vacuum nowhere"])
    assert await_end(connection, bad) == {"failed"}
    seen = node(connection, bad, "2")
    assert seen["sqlstate"] == "42P01"
    assert seen["error"] == 'relation "nowhere" does not exist'
    assert "at least once" in seen["detail"]
    connection.execute("drop sequence if exists tries")
    connection.execute("create sequence tries")
    connection.execute(
        "create or replace procedure flaky() language plpgsql as $$ begin commit;"
        " if nextval('tries') < 3 then raise sqlstate '40001'; end if; end $$"
    )
    good = value(connection, "select df.start(df.retry('call flaky()', 5, '10 ms'))")
    assert await_end(connection, good) == {"completed"}
    assert value(connection, "select last_value from tries") == 3
    assert node(connection, good, "2")["attempts"] == 3


def test_references_and_branches(connection: Connection, spawn: Spawn) -> None:
    spawn("--connections", "2")
    graph = (
        "df.seq(df.\"as\"('select 41 as n', 'n'), df.join('call step_by_step($n.n)',"
        " 'vacuum effects', 'select 1'), df.race('vacuum effects', df.sleep(600)))"
    )
    run = value(connection, f"select df.start({graph})")
    assert await_end(connection, run) == {"completed"}
    assert effects(connection) == ["begun", "ended"]


def test_without_a_worker_it_waits_and_says_for_what(connection: Connection) -> None:
    run = start(connection, ["vacuum effects"])
    connection.execute("call df.work(100, 1000)")
    assert value(connection, "select df.status(%s)", run) == "running"
    assert "waits for a worker process" in value(
        connection, "select df.explain(%s)", run
    )
    graph = value(connection, "select df.explain(df.sql('vacuum effects'))")
    assert "handed over" in graph


def test_another_worker_takes_it_after_the_lease(
    connection: Connection, spawn: Spawn
) -> None:
    connection.execute("select pg_advisory_lock(7)")
    first = spawn("--connections", "1")
    run = start(connection, ["call step_by_step(1, 7)"])
    session = executing(connection)
    spawn("--connections", "1")
    first.kill()
    wait_until(lambda: executing(connection) != session)
    connection.execute("select pg_advisory_unlock(7)")
    assert await_end(connection, run) == {"completed"}
    # At least once: the first part twice, and the rest once, because the session of the
    # dead worker was ended.
    assert effects(connection) == ["begun", "begun", "ended"]
    assert "attempt 2" in node(connection, run, "2")["detail"]


def test_cancelling_the_run_cancels_the_statement(
    connection: Connection, spawn: Spawn
) -> None:
    connection.execute("select pg_advisory_lock(7)")
    worker = spawn("--connections", "1")
    run = start(connection, ["call step_by_step(1, 7)"])
    executing(connection)
    connection.execute("select df.cancel(%s)", [run])
    wait_until(lambda: connection.execute(EXECUTES).fetchone() is None)
    worker.wait_for("statement.cancelled")
    connection.execute("select pg_advisory_unlock(7)")
    assert effects(connection) == ["begun"]
    assert value(connection, "select count(*) from df_engine.requests") == 0


def test_a_lost_race_cancels_the_statement(
    connection: Connection, spawn: Spawn
) -> None:
    connection.execute("select pg_advisory_lock(7)")
    worker = spawn("--connections", "2")
    run = value(
        connection,
        "select df.start(df.race('call step_by_step(1, 7)', df.wait_for_signal('x')))",
    )
    executing(connection)
    connection.execute("select df.signal(%s, 'x')", [run])
    assert await_end(connection, run) == {"completed"}
    worker.wait_for("statement.cancelled")
    connection.execute("select pg_advisory_unlock(7)")
    assert effects(connection) == ["begun"]


def test_a_statement_that_ends_its_session_fails_after_three(
    connection: Connection, spawn: Spawn
) -> None:
    connection.execute(
        "create or replace procedure ends_itself() language plpgsql as $$ begin commit;"
        " perform pg_terminate_backend(pg_backend_pid()); end $$"
    )
    spawn("--connections", "1")
    run = start(connection, ["call ends_itself()"])
    assert await_end(connection, run) == {"failed"}
    seen = node(connection, run, "2")
    assert (seen["sqlstate"], "3 times" in seen["error"]) == ("PD030", True)


def test_a_worker_that_is_told_to_stop_finishes_the_statement(
    connection: Connection, spawn: Spawn
) -> None:
    connection.execute("select pg_advisory_lock(7)")
    worker = spawn("--connections", "1")
    run = start(connection, ["call step_by_step(1, 7)"])
    executing(connection)
    worker.process.send_signal(signal.SIGTERM)
    worker.wait_for("worker.stopping")
    connection.execute("select pg_advisory_unlock(7)")
    assert worker.end() == 0
    assert value(connection, "select df.status(%s)", run) == "completed"


class TestRoles:
    """A statement is its role's, and stays so."""

    @pytest.fixture
    def runner(
        self, server: Crashable, connection: Connection
    ) -> Iterator[Callable[[str], Connection]]:
        opened: list[Connection] = []

        def as_role(role: str) -> Connection:
            url = make_conninfo(server.database.url, user=role)
            opened.append(psycopg.connect(url, autocommit=True))
            return opened[-1]

        connection.execute("create role runner login")
        connection.execute("create role locked nologin")
        connection.execute("grant all on effects to runner")
        connection.execute("grant create, usage on schema public to runner")
        for role in ("runner", "locked"):
            connection.execute("select df.grant_usage(%s)", [role])
        yield as_role
        for each in opened:
            each.close()
        for role in ("runner", "locked"):
            connection.execute("delete from df_engine.instances")
            connection.execute("select df.revoke_usage(%s)", [role])
            connection.execute(f"drop owned by {role} cascade".encode())
            connection.execute(f"drop role {role}".encode())

    def test_it_runs_as_the_role(
        self, connection: Connection, runner: Any, spawn: Spawn
    ) -> None:
        spawn("--connections", "1")
        user = runner("runner")
        user.execute(
            "create procedure who() language plpgsql as $$ begin commit; insert into"
            " effects values (session_user, current_user); end $$"
        )
        run = start(user, ["call who()"])
        assert await_end(user, run) == {"completed"}
        rows = connection.execute("select run, step from effects").fetchall()
        assert rows == [("runner", "runner")]

    @pytest.mark.parametrize(
        "attack",
        [
            "reset role; perform gain();",
            "reset session authorization; perform gain();",
            "set role postgres; perform gain();",
            "set session authorization postgres; perform gain();",
            "perform set_config('role', 'postgres', false); perform gain();",
            "set local role none; perform gain();",
        ],
    )
    def test_it_cannot_become_another(
        self, connection: Connection, runner: Any, spawn: Spawn, attack: str
    ) -> None:
        connection.execute("drop table if exists secret")
        connection.execute("create table secret (taken text)")
        spawn("--connections", "1")
        user = runner("runner")
        user.execute(
            "create or replace function gain() returns void language plpgsql as"
            " $$ begin insert into secret values (current_user); end $$"
        )
        body = f"begin commit; {attack} end"
        user.execute(f"create procedure attack() language plpgsql as $$ {body} $$")
        run = start(user, ["call attack()"])
        assert await_end(user, run) == {"failed"}
        assert node(user, run, "2")["sqlstate"] in ("42501", "42704", "22023")
        assert value(connection, "select count(*) from secret") == 0

    def test_a_role_without_login_is_told(
        self, connection: Connection, runner: Any, spawn: Spawn
    ) -> None:
        spawn("--connections", "1")
        with connection.transaction():
            connection.execute("set local session authorization locked")
            run = start(connection, ["vacuum"])
        assert await_end(connection, run) == {"failed"}
        seen = node(connection, run, "2")
        assert seen["sqlstate"] == "PD033"
        assert seen["error"] == "the worker could not log in as role locked"
        assert "not permitted to log in" in seen["detail"]


def test_no_second_statement_comes_along(server: Crashable) -> None:
    async def both() -> None:
        url = server.database.url
        async with await psycopg.AsyncConnection.connect(
            url, autocommit=True
        ) as opened:
            await perform(opened, "vacuum effects; reset role")

    with pytest.raises(psycopg.errors.SyntaxError, match="multiple commands"):
        asyncio.run(both())


def test_a_restart_of_the_server_excuses_it(
    server: Crashable, connection: Connection, spawn: Spawn
) -> None:
    spawn("--connections", "1")
    connection.execute("select pg_advisory_lock(7)")
    run = start(connection, ["call step_by_step(1, 7)"])
    executing(connection)
    server.crash()
    server.start()
    with server.connect() as again:
        assert await_end(again, run, seconds=60) == {"completed"}
        assert effects(again) == ["begun", "begun", "ended"]


def test_a_session_that_was_ended_by_somebody(
    connection: Connection, spawn: Spawn
) -> None:
    worker = spawn("--connections", "1")
    connection.execute("select pg_advisory_lock(7)")
    run = start(connection, ["call step_by_step(1, 7)"])
    os.kill(executing(connection), signal.SIGTERM)
    worker.wait_for("statement.lost")
    connection.execute("select pg_advisory_unlock(7)")
    assert await_end(connection, run) == {"completed"}
    assert effects(connection) == ["begun", "begun", "ended"]
