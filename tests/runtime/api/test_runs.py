"""Starting, watching and ending runs, and variables, as pg_durable does it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.runtime.engine.db import Db


@contextmanager
def refused(sqlstate: str, match: str = ".") -> Iterator[None]:
    with pytest.raises(psycopg.Error, match=match) as caught:
        yield
    assert caught.value.sqlstate == sqlstate


def test_start_by_position_and_by_name(api: Db) -> None:
    name = api.value("select current_database()")
    runs = [
        api.value("select df.start('select 1')"),
        api.value("select df.start('select 1', 'l')"),
        api.value("select df.start('select 1', 'l', %s, 'caller')", name),
        api.value("select df.start(fut => 'select 1', label => 'l')"),
        api.value("select df.start('select 1', transaction_mode => 'CALLER')"),
    ]
    assert len(set(runs)) == len(runs)
    assert all(len(run) == 8 and set(run) <= set("0123456789abcdef") for run in runs)
    found = api.run("select label, database, root_node, status from df.instances")
    assert {row[0] for row in found} == {None, "l"}
    assert {row[1:] for row in found} == {(name, "1", "pending")}


def test_a_start_is_part_of_its_callers_transaction(api: Db) -> None:
    with api.connection.transaction(force_rollback=True):
        run = api.start("'select 1'")
        assert api.status(run) == "pending"
    assert api.value("select df.status(%s)", run) is None


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ("database => 'elsewhere'", "executes in the database"),
        ("transaction_mode => 'detached'", "must be"),
    ],
)
def test_what_a_start_cannot_honour(api: Db, options: str, match: str) -> None:
    with refused("PD003", match):
        api.run(f"select df.start('select 1', {options})")


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ("loop_pace => '-1 s'", "loop_pace must not"),
        ("keep_failed => '-1 day', keep_runs => -1", "keep_failed, keep_runs must not"),
        ("batch_ms => 1001", "1000 at most"),
    ],
)
def test_settings_that_make_no_sense(api: Db, setting: str, match: str) -> None:
    with refused("PD003", match):
        api.run(f"select df.configure({setting})")


# Nothing that compresses well: it is the stored size that an index bounds.
LONG = "(select string_agg(md5(i::text), '') from generate_series(1, 300) i)"


@pytest.mark.parametrize(
    "call",
    [
        f"df.start('select 1', key => {LONG})",
        f"df.start('select 1', concurrency_key => {LONG})",
        f"df.start_many('select 1', array['{{}}']::jsonb[], keys => array[{LONG}])",
        f"df.setvar({LONG}, '1')",
        f"df.signal(df.start(df.sleep(60)), {LONG})",
        f"perdure.started('w', {LONG})",
    ],
)
def test_a_name_that_no_index_takes(api: Db, call: str) -> None:
    with refused("PD003", "is 9600 bytes long and must be 2000 at most"):
        api.run(f"select {call}")


@pytest.mark.parametrize(
    "call",
    [
        "df.start('select 1')",
        "df.start_many('select 1', array['{}']::jsonb[])",
        "df.signal('00000000', 'go')",
        "df.cancel('00000000')",
        "df.setvar('a', '1')",
    ],
)
def test_nothing_is_lost_where_triggers_do_not_fire(api: Db, call: str) -> None:
    api.run("set session_replication_role = replica")
    with refused("PD003", "session_replication_role"):
        api.run(f"select {call}")
    api.run("reset session_replication_role")


def test_the_end_of_a_run(api: Db) -> None:
    good, bad = api.finish("'select 1 as a'"), api.finish("'select 1/0'")
    first, second = api.instance(good), api.instance(bad)
    assert (first["status"], second["status"]) == ("completed", "failed")
    assert first["completed_at"] == first["ended_at"] == first["updated_at"]
    assert second["completed_at"] is None
    assert second["ended_at"] > second["created_at"]
    assert api.value("select df.result(%s)::json -> 'row_count'", good) == 1
    assert api.value("select df.result(%s)", bad) is None


def test_nobody_has_no_status(api: Db) -> None:
    assert api.value("select df.status('00000000')") is None
    assert api.value("select df.result('a label')") is None


def test_await_instance(api: Db) -> None:
    for graph, status in [("'select 1'", "completed"), ("'select 1/0'", "failed")]:
        run = api.finish(graph)
        assert api.value("select df.await_instance(%s)", run) == status
        assert api.value("select df.wait_for_completion(%s, 1)", run) == status
    waiting = api.finish("df.sleep(60)")
    with refused("PD031", "has not ended"):
        api.run("select df.await_instance(%s, timeout_seconds => 1)", waiting)
    with refused("PD002"):
        api.run("select df.await_instance('00000000', 1)")
    with refused("PD003"):
        api.run("select df.await_instance(%s, 0)", waiting)


def test_cancel(api: Db) -> None:
    run = api.finish("df.sleep(60)")
    said = api.value("select df.cancel(%s, reason => 'enough')", run)
    assert said == f"Instance {run} cancelled: enough"
    assert (api.status(run), api.instance(run)["error"]) == ("cancelled", "enough")
    assert api.nodes(run)["1"]["status"] == "cancelled"
    done = api.finish("'select 1'")
    said = api.value("select df.cancel(%s)", done)
    assert said == f"Instance {done} cancelled: Cancelled by user"  # as pg_durable says
    assert api.status(done) == "completed"
    with refused("PD002"):
        api.run("select df.cancel('00000000')")


def test_signals_to_nobody(api: Db) -> None:
    with refused("PD002"):
        api.run("select df.signal('00000000', 'go')")
    with refused("PD003"):
        api.run("select df.signal(%s, '')", api.finish("df.sleep(60)"))


def test_variables(api: Db) -> None:
    assert api.value("select df.setvar(name => 'a', value => '1')") == "OK"
    api.run("select df.setvar('a', '2'), df.setvar('b', '3')")
    assert api.value("select df.getvar('a')") == "2"
    me = api.value("select current_user")
    query = "select name, value, owner::text from df.vars order by name"
    assert api.run(query) == [("a", "2", me), ("b", "3", me)]
    assert api.value("select df.unsetvar('a')") == "OK"
    assert api.value("select df.unsetvar('nobody')") == "OK"
    assert api.value("select df.getvar('a')") is None
    assert api.value("select df.clearvars()") == "OK"
    assert api.run(query) == []
    with refused("PD003"):
        api.run("select df.setvar('a', null)")


@pytest.mark.parametrize(
    "call",
    [
        "df.setvar('a', '1')",
        "df.unsetvar('a')",
        "df.clearvars()",
        "df.await_instance('{sys_instance_id}')",
    ],
)
def test_what_a_step_may_not_call(api: Db, call: str) -> None:
    quoted = call.replace("'", "''")
    for graph in (f"'select {quoted}'", f"'do $$ begin perform {quoted}; end $$'"):
        row = api.instance(api.finish(graph))
        assert (row["status"], row["sqlstate"]) == ("failed", "PD003")
        assert "cannot be called inside a workflow" in row["error"]


def test_a_step_may_read_variables_and_start_runs(api: Db) -> None:
    api.run("select df.setvar('a', '1')")
    run = api.finish(
        "'select df.getvar(''a'') as a, df.start(''select 2'') is not null as s'"
    )
    assert api.rows(run) == [{"a": "1", "s": True}]
    assert api.value("select count(*) from df.instances") == 2


def test_what_else_pg_durables_sql_may_call(api: Db) -> None:
    assert "perdure" in api.value("select df.version()")
    assert api.value("select df.target_database() = current_database()")
    assert api.value("select df.run()") == "Triggered run for all pending instances"
    assert api.value("select df.run('x')") == "Triggered run for instance: x"
