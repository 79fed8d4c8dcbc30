"""A step is its role's, and stays so; nothing leaks from one step into the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.runtime.engine.db import Db


@contextmanager
def as_role(db: Db, role: str) -> Iterator[Db]:
    """Yield a connection that has become the role."""
    with psycopg.connect(db.url, autocommit=True) as connection:
        connection.execute(f"set session authorization {role}".encode())
        yield Db(make_conninfo(db.url), connection)


def finish_as(db: Db, role: str, graph: str) -> str:
    with as_role(db, role) as user:
        run = user.start(graph)
    db.work()
    return run


def test_a_step_runs_as_the_role_that_started_the_run(
    db: Db, roles: tuple[str, str]
) -> None:
    for role in roles:
        run = finish_as(db, role, "'select current_user::text as who'")
        assert db.rows(run) == [{"who": role}]
        assert db.instance(run)["submitted_by"] == role


@pytest.mark.parametrize(
    "attack",
    [
        "reset role",
        "set role postgres",
        "set session authorization default",
        "reset session authorization",
        "select set_config('role', 'postgres', false)",
        "select set_config('session_authorization', 'postgres', true)",
        "do $$ begin reset role; end $$",
        "do $$ begin execute 'set role postgres'; end $$",
        "do $$ begin begin reset role; exception when division_by_zero then null;"
        " end; end $$",
        "select sneaky()",
        "create role intruder",
        "select * from df_engine.tasks",
        "insert into df_engine.roles (role) values ('postgres')",
        "select df_exec.run_1('select 1', true, true, 'public', 'UTC')",
        "alter function df_exec.run_2 security invoker",
        "select df_engine.start('postgres', 'select 1', null, null, '{}', '', 'UTC')",
        "call df.work(1, 1)",
        "select df.grant_usage(current_user)",
        "select df.set_time(now())",
        "select * from df.claim_http('w', 1)",
        "update df.commands set role = 'postgres'",
        "delete from df.instances",
    ],
)
def test_a_step_cannot_become_or_touch_more(
    db: Db, roles: tuple[str, str], attack: str
) -> None:
    db.run(
        "create or replace function public.sneaky() returns void language plpgsql as"
        " $$ begin execute 'set role postgres'; end $$"
    )
    quoted = attack.replace("'", "''")
    run = finish_as(db, roles[0], f"'{quoted}'")
    row = db.instance(run)
    assert row["status"] == "failed"
    assert row["sqlstate"] in ("42501", "22023", "0A000", "55000"), row["error"]
    after = finish_as(db, roles[0], "'select current_user::text as who'")
    assert db.rows(after) == [{"who": roles[0]}]


def test_what_runs_at_commit_runs_as_the_role(db: Db, roles: tuple[str, str]) -> None:
    """A deferred trigger, and a cursor that would outlive the transaction."""
    db.run(
        "create or replace function public.witness() returns trigger language"
        " plpgsql as $$"
        " begin insert into public.log (what) values (current_user); return null;"
        " end $$"
    )
    db.run("drop table if exists public.bait")
    db.run("create table public.bait (a int)")
    db.run(
        "create constraint trigger deferred after insert on public.bait deferrable"
        " initially deferred for each row execute function public.witness()"
    )
    db.run(f"grant all on public.bait to {roles[0]}")
    db.run(
        "create or replace function public.peek() returns int language plpgsql as $$"
        " begin insert into public.log (what) values ('cursor ' || current_user);"
        " return 1;"
        " end $$"
    )
    finish_as(db, roles[0], "'insert into public.bait values (1)'")
    finish_as(db, roles[0], "'declare c cursor with hold for select public.peek()'")
    assert db.log() == [roles[0]]


def test_the_engine_takes_no_lock_that_others_can_hold(db: Db) -> None:
    """Any role may take an advisory lock, and keep it."""
    found = db.run(
        "select proname from pg_proc where pronamespace = 'df_engine'::regnamespace"
        r" and prosrc ~ 'pg_(try_)?advisory_(xact_)?lock(_shared)?\('"
    )
    assert found == []


# How a step gets a table whose deferred trigger is again().
LAY = (
    "create constraint trigger again after insert on bait deferrable initially deferred"
    " for each row execute function public.again(); insert into bait values (1)"
)


@pytest.mark.parametrize("kind", ["create table if not exists", "create temp table"])
def test_a_trigger_that_defers_itself_anew_never_runs_as_the_owner(
    db: Db, roles: tuple[str, str], kind: str
) -> None:
    """What is left to the commit of a step would fire as the worker."""
    db.run("drop table if exists public.bait")
    db.run("grant create on schema public to public")
    db.run(
        "create or replace function public.again() returns trigger language plpgsql"
        " as $$ begin set constraints all deferred;"
        " insert into public.log (what) values (current_user);"
        " if new.a < 3 then insert into bait values (new.a + 1); end if;"
        " return null; end $$"
    )
    db.run(
        "create or replace function public.lay() returns void language plpgsql as"
        f" $$ begin {kind} bait (a int); {LAY}; end $$"
    )
    with as_role(db, roles[0]) as user:
        run = user.start("'select public.lay()'")
        others = [user.start("'select 1'") for _ in range(5)]
    db.work()
    assert db.instance(run)["sqlstate"] in ("25006", "55006")
    assert {db.status(other) for other in others} == {"completed"}
    assert db.log() == []


def test_a_hostile_search_path_does_not_reach_the_engine(
    db: Db, roles: tuple[str, str]
) -> None:
    """An operator in the way of the engine's own would run as the worker."""
    db.run(f"create schema trap authorization {roles[0]}")
    with as_role(db, roles[0]) as user:
        user.run(
            'create function trap.eq("char", "char") returns boolean'
            " language plpgsql as"
            " $$ begin insert into public.log (what) values (current_user);"
            " return pg_catalog.chareq($1, $2); end $$"
        )
        user.run(
            "create operator trap.= (function = trap.eq,"
            ' leftarg = "char", rightarg = "char")'
        )
        user.run(
            "create function trap.plus(int, int) returns int language plpgsql as $$"
            " begin"
            " insert into public.log (what) values (current_user); return 1; end $$"
        )
        user.run(
            "create operator trap.+ (function = trap.plus, leftarg = int, rightarg"
            " = int)"
        )
        user.run("set search_path = trap, pg_catalog")
        user.start("""df.seq('set search_path = trap, pg_catalog',
            'select set_config(''search_path'', ''trap, pg_catalog'', false)',
              'select 1')""")
    db.work()
    assert set(db.log()) <= {roles[0]}
    db.run("drop schema trap cascade")


def test_a_role_sees_and_touches_its_own_runs_only(
    db: Db, roles: tuple[str, str]
) -> None:
    mine, other = roles
    with as_role(db, mine) as me, as_role(db, other) as they:
        run = me.start("df.seq('select 1', df.wait_for_signal('go'))")
        db.work()
        assert me.status(run) == "running"
        assert len(me.nodes(run)) == 3
        assert they.run("select * from df.instances") == []
        assert they.run("select * from df.nodes") == []
        assert they.value("select df.status(%s)", run) is None
        assert they.value("select df.result(%s)", run) is None
        for statement in ("df.signal(%s, 'go')", "df.cancel(%s)", "df.explain(%s)"):
            with pytest.raises(psycopg.Error) as caught:
                they.run(f"select {statement}", run)
            assert caught.value.sqlstate == "PD002"
        me.run("select df.cancel(%s)", run)
        assert me.status(run) == "cancelled"


def test_the_name_of_the_role_cannot_be_forged(db: Db, roles: tuple[str, str]) -> None:
    with as_role(db, roles[0]) as user:
        ((run, role),) = user.run(
            "insert into df.commands (role, verb, text1, data, search_path, time_zone)"
            " values (%s::regrole, 'start', 'select 1', '{}', '', 'UTC')"
            " returning result, role::text",
            roles[1],
        )
    assert role == roles[0]
    assert db.instance(run)["submitted_by"] == roles[0]


def test_a_role_without_a_grant(db: Db, roles: tuple[str, str]) -> None:
    db.run("select df.revoke_usage(%s)", roles[0])
    with as_role(db, roles[0]) as user, pytest.raises(psycopg.Error) as caught:
        user.start("'select 1'")
    assert caught.value.sqlstate == "42501"


def test_a_revoked_role_keeps_its_runs_but_no_step_runs(
    db: Db, roles: tuple[str, str]
) -> None:
    with as_role(db, roles[0]) as user:
        run = user.start("'select 1'")
    db.run("select df.revoke_usage(%s)", roles[0])
    db.work()
    assert db.instance(run)["sqlstate"] == "PD005"


def test_a_role_whose_executor_was_dropped(db: Db, roles: tuple[str, str]) -> None:
    with as_role(db, roles[0]) as user:
        run = user.start("'select current_user::text as who'")
    other = db.start("'select 1'")
    db.run(f"drop owned by {roles[0]}")
    db.work()
    row = db.instance(run)
    assert (row["sqlstate"], row["error"]) == (
        "PD005",
        "the role of this run has no executor any more",
    )
    assert db.status(other) == "completed"
    db.run("select df.grant_usage(%s)", roles[0])
    db.run("select df.retry_failed(%s)", run)
    db.work()
    assert db.rows(run) == [{"who": roles[0]}]


def test_an_executor_that_another_role_was_given(
    db: Db, roles: tuple[str, str]
) -> None:
    db.run(f"reassign owned by {roles[0]} to {roles[1]}")
    db.run("select df.grant_usage(%s)", roles[0])
    run = finish_as(db, roles[0], "'select current_user::text as who'")
    assert db.rows(run) == [{"who": roles[0]}]


def test_http_is_a_grant_of_its_own(db: Db, roles: tuple[str, str]) -> None:
    with as_role(db, roles[0]) as user:
        with pytest.raises(psycopg.Error) as caught:
            user.start("df.http('http://host')")
        assert caught.value.sqlstate == "PD005"
        db.run("select df.grant_usage(%s, include_http => true)", roles[0])
        user.start("df.http('http://host')")


def test_a_definers_function_starts_runs_as_the_definer(
    db: Db, roles: tuple[str, str]
) -> None:
    db.run(
        "create or replace function public.start_as_owner() returns text language sql"
        " security definer as $$ select df.start('select current_user::text as who') $$"
    )
    db.run(f"alter function public.start_as_owner() owner to {roles[1]}")
    with as_role(db, roles[0]) as user:
        run = user.value("select public.start_as_owner()")
    db.work()
    assert db.rows(run) == [{"who": roles[1]}]


def test_a_run_started_by_a_step_belongs_to_the_steps_role(
    db: Db, roles: tuple[str, str]
) -> None:
    run = finish_as(
        db, roles[0], "$$select df.start('select current_user::text as who') as id$$"
    )
    child = db.rows(run)[0]["id"]
    assert db.rows(child) == [{"who": roles[0]}]


def test_nothing_is_granted_to_public(db: Db) -> None:
    assert (
        db.run(
            "select p.oid::regprocedure::text from pg_proc p,"
            " aclexplode(coalesce(p.proacl,"
            " acldefault('f', p.proowner))) a where a.grantee = 0 and"
            " p.pronamespace::regnamespace"
            "::text in ('df', 'df_engine', 'df_exec', 'perdure')"
        )
        == []
    )
    assert (
        db.run(
            "select c.relname from pg_class c, aclexplode(c.relacl) a where"
            " a.grantee = 0 and"
            " c.relnamespace::regnamespace::text in ('df', 'df_engine', 'df_exec',"
            " 'perdure')"
        )
        == []
    )


@pytest.mark.parametrize(
    ("leak", "check"),
    [
        ("set work_mem = '77kB'", "select current_setting('work_mem') <> '77kB' as ok"),
        (
            "select set_config('my.secret', 'x', false)",
            "select coalesce(current_setting('my.secret', true), '') = '' as ok",
        ),
        (
            "create temp table t (a int)",
            "select to_regclass('pg_temp.t') is null as ok",
        ),
        (
            "select pg_advisory_lock(4711)",
            "select count(*) = 0 as ok from pg_locks where locktype = 'advisory'",
        ),
        ("listen somewhere", "select count(*) = 0 as ok from pg_listening_channels()"),
        ("prepare leaked as select 1", "execute leaked"),
        (
            "declare held cursor with hold for select 1",
            "select count(*) = 0 as ok from pg_cursors where is_holdable",
        ),
        ("select nextval('public.log_id_seq')", "select lastval()"),
    ],
)
@pytest.mark.parametrize("batch_ms", [0, 5])
def test_nothing_leaks_into_the_next_step(
    db: Db, leak: str, check: str, batch_ms: int
) -> None:
    db.run("select df.configure(batch_ms => %s)", batch_ms)
    one, two = (text.replace("'", "''") for text in (leak, check))
    run = db.start(f"df.seq('select 1', '{one}', '{two}')")
    db.work()
    row = db.instance(run)
    if check.startswith("select count") or " as ok" in check:
        assert db.rows(run) == [{"ok": True}]
    else:
        assert row["status"] == "failed"
        assert row["sqlstate"] in ("26000", "55000"), row["error"]


def test_the_workers_own_prepared_statements_stay(db: Db) -> None:
    db.connection.prepare_threshold = 0
    for _ in range(3):
        db.finish("'select 1'")


def test_a_step_sees_the_search_path_and_time_zone_of_its_start(db: Db) -> None:
    db.run("create schema if not exists app")
    db.run("create table if not exists app.only_here (a int)")
    with psycopg.connect(db.url, autocommit=True) as connection:
        user = Db(db.url, connection)
        user.run("set search_path = app, public")
        user.run("set timezone = 'Asia/Tokyo'")
        user.run("set datestyle = 'German'")
        run = user.start(
            "df.seq('insert into only_here values (1)',"
            " 'select current_setting(''TimeZone'') as tz, (date"
            " ''2026-02-01'')::text as d')"
        )
    db.run("set datestyle = 'SQL'")
    db.work()
    assert db.rows(run) == [{"tz": "Asia/Tokyo", "d": "2026-02-01"}]
