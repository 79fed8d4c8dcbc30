"""df.transaction: statements with one checkpoint."""

from __future__ import annotations

import psycopg
import pytest

from tests.runtime.engine.db import Db, logged
from tests.runtime.engine.sessions import (
    sleeps,
    terminate_sleepers,
    wait_until,
    worker_thread,
)


def test_statements_commit_together_and_read_each_other(db: Db) -> None:
    run = db.finish(
        """df.seq(df.transaction(
             df."as"('insert into log (what) values (''a'')
                        returning id, txid_current() as x', 'first'),
             'insert into log (what) values ($first.id || '' same '' ||
                (txid_current() = $first.x))',
             df."as"('select $first.x as x, now() as at', 'last')),
           'select $last.x = $first.x as same,
                   now() > $last.at::timestamptz as later')"""
    )
    assert db.rows(run) == [{"same": True, "later": True}]
    assert db.log() == ["a", "1 same true"]
    assert [db.nodes(run)[n]["status"] for n in "234"] == ["completed"] * 3


def test_the_result_is_the_last_one_s(db: Db) -> None:
    graph = "df.transaction('select 1 as v', 'select 2 as v')"
    assert db.rows(db.finish(graph)) == [{"v": 2}]
    named = f"""df.seq(df."as"({graph}, 'x'), 'select $x.v as v')"""
    assert db.rows(db.finish(named)) == [{"v": 2}]


def test_a_failure_undoes_them_all_and_is_shown_where_it_was(db: Db) -> None:
    run = db.finish(
        f"""df.seq({logged("before")}, df.transaction(df."as"({logged("a")}, 'x'),
                   'select 1/0', {logged("b")}), {logged("after")})"""
    )
    assert db.log() == ["before"]
    row = db.instance(run)
    assert (row["status"], row["sqlstate"]) == ("failed", "22012")
    nodes = db.nodes(run)
    assert (nodes["5"]["status"], nodes["5"]["sqlstate"]) == ("failed", "22012")
    assert "4" not in nodes


def test_a_name_that_was_undone_is_not_bound(db: Db) -> None:
    run = db.finish(
        """df.seq(df.try(df.transaction(df."as"('select 1', 'x'), 'select 1/0'),
             'select $err.node as v'), 'select $x? is null as v')"""
    )
    assert db.rows(run) == [{"v": True}]


def test_a_retry_repeats_them_all(db: Db) -> None:
    db.run("create sequence if not exists tries; select setval('tries', 1, false)")
    run = db.finish(
        f"""df.retry(df.transaction({logged("a")},
              'select 1 / (nextval(''tries'') / 3)', {logged("b")}), 5, '0',
              retry_on => '{{22012}}')"""
    )
    assert db.status(run) == "completed"
    assert db.log() == ["a", "b"]
    assert db.nodes(run)["4"]["attempts"] == 3
    assert db.nodes(run)["2"]["attempts"] == 3


def test_a_wait_for_the_next_attempt_is_shown(db: Db) -> None:
    run = db.finish(
        "df.retry(df.transaction('select 1', 'select 1/0'), 2, '1 hour',"
        " retry_on => '{22012}')"
    )
    node = db.nodes(run)["2"]
    assert (node["status"], node["wake_at"] is not None) == ("running", True)
    db.run("select df.set_time(now() + interval '2 hours')")
    db.work()
    nodes = db.nodes(run)
    assert (nodes["2"]["status"], nodes["4"]["status"]) == ("failed", "failed")
    assert nodes["2"]["wake_at"] is None


def test_a_reference_without_a_value_fails_its_statement(db: Db) -> None:
    run = db.finish(
        """df.seq(df."if"('select false', df."as"('select 1', 'x')),
                  df.transaction('select 1', 'select $x'))"""
    )
    assert db.nodes(run)["7"]["sqlstate"] == "PD004"


def test_settings_of_one_statement_do_not_reach_the_next(db: Db) -> None:
    run = db.finish(
        """df.transaction('set search_path = pg_temp', 'set timezone = ''Asia/Tokyo''',
             'select current_setting(''search_path'') as p,
                     current_setting(''timezone'') as z')"""
    )
    row = db.rows(run)[0]
    assert row["p"] == '"$user", public'
    assert row["z"] != "Asia/Tokyo"


def test_in_a_race_a_join_and_a_timeout(db: Db) -> None:
    run = db.finish(
        f"""df.race(df.timeout(df."join"(df.transaction({logged("a")}, {logged("b")}),
              'select 1'), '1 minute'), df.sleep(1000))"""
    )
    assert db.status(run) == "completed"
    assert db.log() == ["a", "b"]


def test_a_timeout_undoes_what_was_done_of_it(db: Db) -> None:
    run = db.start(
        f"df.timeout(df.transaction({logged('a')}, 'select pg_sleep(60)'), '1 minute')"
    )
    with worker_thread(db) as thread:
        wait_until(lambda: sleeps(db))
        db.run("select df.set_time(now() + interval '2 minutes')")
        db.work()
        thread.join(20)
        assert not thread.is_alive()
    assert db.instance(run)["sqlstate"] == "PD031"
    assert db.log() == []


def test_a_session_that_dies_in_the_middle_leaves_nothing(db: Db) -> None:
    run = db.start(
        f"df.transaction({logged('a')}, $$select pg_sleep(case when $input.first then"
        f" 60 else 0 end)$$, {logged('b')})",
        {"first": True},
    )
    with worker_thread(db):
        wait_until(lambda: sleeps(db))
        db.run("update df_engine.instances set input = '{\"first\": false}'")
        terminate_sleepers(db)
    assert db.log() == []
    db.work()
    assert db.log() == ["a", "b"]
    assert db.status(run) == "completed"


def test_a_statement_that_cannot_be_in_a_transaction_fails(db: Db) -> None:
    run = db.finish("df.transaction('select 1', 'vacuum public.log')")
    assert db.instance(run)["sqlstate"] == "25001"
    assert db.value("select count(*) from df_engine.tasks") == 0


@pytest.mark.parametrize(
    "nodes",
    [
        "df.sleep(1)",
        "'select 1', df.seq('select 1')",
        "df.transaction('select 1')",
        "df.\"as\"(df.sleep(1), 'x')",
        "null",
        "variadic '{}'::text[]",
    ],
)
def test_what_is_refused(db: Db, nodes: str) -> None:
    with pytest.raises(psycopg.errors.Error) as error:
        db.run(f"select df.transaction({nodes})")
    assert error.value.sqlstate == "PD001"


def test_a_graph_by_hand_is_refused_too(db: Db) -> None:
    graph = '[{"df":"transaction","n":1},{"df":"sleep","s":1}]'
    with pytest.raises(psycopg.errors.Error, match="holds SQL nodes only"):
        db.run("select df.start(%s)", graph)
