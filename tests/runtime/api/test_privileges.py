"""Who may do and see what: grants, delegation, and what is nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo

from tests.runtime.engine.db import Db

SCHEMAS = "('df', 'df_engine', 'df_graph', 'df_exec', 'perdure')"
STRANGER = "df_stranger"

# Functions without a search_path of their own, and why; none is SECURITY DEFINER.
UNPINNED = {
    "hands on its caller's search_path": ["df.start", "df.start_many"],
    "commits, so it can have no SET clause; qualifies every name": [
        "df.prune",
        "df.work",
        "df.work_carefully",
        "df_engine.go_on",
    ],
    "has steps executed, which see the path of their run; qualifies every name": [
        "df_engine.add_round",
        "df_engine.add_steps",
        "df_engine.attempt",
        "df_engine.attempt_here",
        "df_engine.attempt_joint",
        "df_engine.attempt_suspect",
        "df_engine.attempt_transaction",
        "df_engine.dispatch",
        "df_engine.dispatch_here",
        "df_engine.execute_here",
        "df_engine.run_here",
        "df_engine.watch",
    ],
    "a part of what pins it": [
        "df_engine.input_text",
        "df_engine.read_step",
        "df_engine.sql_literal",
        "df_engine.step_of",
    ],
}


@contextmanager
def as_role(api: Db, role: str) -> Iterator[Db]:
    with psycopg.connect(make_conninfo(api.url), autocommit=True) as connection:
        connection.execute(f"set session authorization {role}".encode())
        yield Db(api.url, connection)


@pytest.fixture
def stranger(api: Db) -> Iterator[str]:
    api.run(f"drop role if exists {STRANGER}")
    api.run(f"create role {STRANGER} login")
    yield STRANGER
    api.run(f"drop owned by {STRANGER} cascade")
    api.run(f"drop role {STRANGER}")


def test_every_function_pins_its_search_path(api: Db) -> None:
    loose = api.run(
        "select distinct p.pronamespace::regnamespace || '.' || p.proname, p.prosecdef"
        f" from pg_proc p where p.pronamespace::regnamespace::text in {SCHEMAS}"
        " and not exists (select from unnest(p.proconfig) c where c ~ '^search_path=')"
        " and p.prosqlbody is null"  # parsed when it was made
    )
    known = {name for names in UNPINNED.values() for name in names}
    assert {name for name, _ in loose} - known == set()
    assert not any(definer for _, definer in loose)


def test_no_pinned_path_has_room_for_others(api: Db) -> None:
    paths = api.run(
        "select distinct substr(c, 13) from pg_proc p, unnest(p.proconfig) c"
        f" where p.pronamespace::regnamespace::text in {SCHEMAS}"
        " and c like 'search_path=%'"
    )
    assert {row[0] for row in paths} <= {
        "pg_catalog, pg_temp",
        "pg_catalog, df, pg_temp",
    }


def test_nothing_is_granted_to_public(api: Db) -> None:
    found = api.run(
        f"""
        select p.oid::regprocedure::text from pg_proc p
        cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        where p.pronamespace::regnamespace::text in {SCHEMAS} and a.grantee = 0
        union all
        select c.oid::regclass::text from pg_class c
        cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
        where c.relnamespace::regnamespace::text in {SCHEMAS} and a.grantee = 0
        union all
        select n.nspname from pg_namespace n
        cross join lateral aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
        where n.nspname in {SCHEMAS} and a.grantee = 0
        """
    )
    assert found == []


def test_a_stranger_can_read_and_call_nothing(api: Db, stranger: str) -> None:
    api.finish("df.seq('select 1', df.wait_for_signal('s', 1))")
    relations = api.run(
        "select c.oid::regclass::text from pg_class c"
        f" where c.relnamespace::regnamespace::text in {SCHEMAS}"
        " and c.relkind in ('r', 'v', 'S')"
    )
    assert len(relations) > 10
    with as_role(api, stranger) as outsider:
        for (relation,) in relations:
            with pytest.raises(errors.InsufficientPrivilege):
                outsider.run(f"select * from {relation}")
        for call in ("df.start('select 1')", "df.status('x')", "df.sql('select 1')"):
            with pytest.raises(errors.InsufficientPrivilege):
                outsider.run(f"select {call}")


def test_a_user_writes_to_no_table(api: Db, roles: tuple[str, str]) -> None:
    """But to df.commands, whose trigger signs for them, and to rows of their own."""
    may = api.run(
        f"""
        select c.oid::regclass::text, p from pg_class c,
          unnest('{{insert,update,delete,truncate,trigger,references}}'::text[]) p
        where c.relnamespace::regnamespace::text in {SCHEMAS}
          and c.relkind in ('r', 'v') and has_table_privilege(%s, c.oid, p)
        """,
        roles[0],
    )
    assert set(may) <= {("df.commands", "insert"), ("perdure.starts", "insert")}
    with as_role(api, roles[0]) as user:
        user.start("'select 1'")
        for statement in (
            "update df.instances set status = 'completed'",
            "delete from df.nodes",
            "insert into df.vars values ('a', 'b', current_user::regrole)",
            "select * from df_engine.instances",
            "select df_engine.drop_task(1)",
            "select df.set_time(now())",
            "select df.configure('1 s')",
            "call df.work(1, 1)",
        ):
            with pytest.raises(psycopg.Error) as caught:
                user.run(statement)
            assert caught.value.sqlstate in ("42501", "55000"), statement


def test_a_role_sees_its_own_only(api: Db, roles: tuple[str, str]) -> None:
    with as_role(api, roles[0]) as mine, as_role(api, roles[1]) as other:
        mine.run("select df.setvar('a', '1')")
        run = mine.start("'select 1'")
        mine.start("df.call($$select df.start(df.wait_for_signal('go'))$$)")
        api.work()
        for query in (
            "select * from df.instances",
            "select * from df.nodes",
            "select * from df.calls",
            "select * from df.vars",
            "select * from df.list_instances()",
            "select * from df.list_instances(null, 5, null)",
            f"select * from df.instance_info('{run}')",
            f"select * from df.instance_nodes('{run}')",
            f"select * from df.instance_nodes('{run}', 1)",
            f"select * from df.instance_executions('{run}')",
        ):
            assert other.run(query) == [], query
            assert mine.run(query) != [], query
            assert api.run(query) != [], "a superuser sees all"
        assert other.value("select df.getvar('a')") is None
        mine.run("select df.clearvars()")


def test_grants_add_up(api: Db, roles: tuple[str, str]) -> None:
    """As pg_durable's: a second grant takes nothing away."""
    api.run("select df.grant_usage(p_role => %s, include_http => true)", roles[0])
    api.run("select df.grant_usage(%s)", roles[0])
    with as_role(api, roles[0]) as user:
        user.start("df.http('http://h')")
    with pytest.raises(psycopg.Error) as caught:
        api.run("select df.grant_usage('nobody_of_that_name')")
    assert caught.value.sqlstate == "PD003"


def test_delegation(api: Db, roles: tuple[str, str], stranger: str) -> None:
    admin, user = roles
    with as_role(api, admin) as delegate, as_role(api, stranger) as app:
        for call in ("df.grant_usage", "df.revoke_usage"):
            with pytest.raises(errors.InsufficientPrivilege):
                delegate.run(f"select {call}(%s)", stranger)
        with pytest.raises(errors.InsufficientPrivilege):
            delegate.run(
                "insert into df.commands (verb, text1, data) values"
                " ('grant', %s, '{\"http\": false, \"grant\": false}')",
                stranger,
            )
        api.run("select df.grant_usage(%s, with_grant => true)", admin)
        with pytest.raises(errors.InsufficientPrivilege):
            delegate.run("select df.grant_usage(%s, include_http => true)", stranger)
        delegate.run("select df.grant_usage(%s)", stranger)
        run = app.start("'select current_user::text as who'")
        api.work()
        assert api.rows(run) == [{"who": stranger}]
        with pytest.raises(errors.InsufficientPrivilege):
            app.run("select df.grant_usage(%s)", stranger)
        with pytest.raises(errors.InsufficientPrivilege):
            delegate.run("select df.revoke_usage(%s)", user)
        delegate.run("select df.revoke_usage(%s)", admin)  # changes nothing
        delegate.run("select df.revoke_usage(%s)", stranger)
        with pytest.raises(errors.InsufficientPrivilege):
            app.start("'select 1'")


def test_the_owner_cannot_be_shut_out(api: Db) -> None:
    with pytest.raises(psycopg.Error) as caught:
        api.run("select df.revoke_usage(current_user)")
    assert caught.value.sqlstate == "PD003"
