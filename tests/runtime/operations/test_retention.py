"""Runs that ended are removed by age and number, and nothing else is held up by it."""

from __future__ import annotations

import threading

import psycopg
import pytest

from perdure.engine.database import connect
from tests.runtime.engine.db import Db, logged
from tests.runtime.worker.processes import wait_until

# Tables that know runs, but hold rows only of those that have not ended.
OF_ACTIVE_RUNS = {"tasks", "requests", "paused_tasks", "turns", "calls"}

STATUS = {
    "completed": "'select 1'",
    "failed": "'select 1 / 0'",
    "cancelled": "df.sleep(1000)",
}


def end(db: Db, status: str, age: str, *, key: str = "", label: str = "") -> str:
    """Return a run that ended so long ago."""
    options = {"key": key} if key else {}
    run = db.finish(STATUS[status], {}, label=label, **options)
    if status == "cancelled":
        db.run("select df.cancel(%s)", run)
    db.run(
        "update df_engine.instances set completed_at = now() - %s::interval,"
        " created_at = now() - %s::interval - interval '1 s' where run_id = %s",
        *(age, age, run),
    )
    assert db.status(run) == status
    return run


def prune(db: Db, options: str = "") -> int:
    pruned, more = db.run(f"call df.prune({options})")[0]
    assert not more
    return int(pruned)


def runs(db: Db) -> set[str]:
    return {row[0] for row in db.run("select id from df.instances")}


def fill(db: Db, count: int) -> None:
    """Make runs that ended long ago, with two nodes each."""
    end(db, "completed", "40 days")
    db.run(
        "insert into df_engine.instances (run_id, graph, role, executor, search_path,"
        " time_zone, status, input, database, created_at, completed_at)"
        " select 'x' || n, graph, role, executor, search_path, time_zone, status,"
        " input, database, created_at, completed_at"
        f" from df_engine.instances, generate_series(2, {count}) n"
    )
    db.run(
        "insert into df_engine.node_runs (instance, node, status)"
        " select id, n, 'completed' from df_engine.instances, generate_series(2, 3) n"
    )
    db.run("analyze")


@pytest.mark.parametrize("status", STATUS)
def test_by_age_and_status(db: Db, status: str) -> None:
    for other in STATUS:
        db.run(f"select df.configure(keep_{other} => '10 days')")
    db.run(f"select df.configure(keep_{status} => '5 days')")
    kept = {end(db, other, "6 days") for other in STATUS if other != status}
    kept.add(end(db, status, "4 days"))
    gone = end(db, status, "6 days")
    assert prune(db) == 1
    assert runs(db) == kept
    assert db.run("select * from df.nodes where instance_id = %s", gone) == []


def test_zero_is_never(db: Db) -> None:
    db.run(
        "select df.configure(keep_completed => '0', keep_failed => '0',"
        " keep_cancelled => '0', keep_runs => 0)"
    )
    kept = {end(db, status, "1000 days") for status in STATUS}
    assert prune(db) == 0
    assert runs(db) == kept


def test_by_number_of_each_status(db: Db) -> None:
    db.run("select df.configure(keep_runs => 2)")
    ended = {
        status: [end(db, status, "2 hours") for _ in range(4)] for status in STATUS
    }
    young = [end(db, "completed", "1 minute") for _ in range(3)]
    assert prune(db) == 2 + 2 + 4
    expected = {*ended["failed"][2:], *ended["cancelled"][2:], *young}
    assert runs(db) == expected
    db.run("update df_engine.instances set completed_at = now() - interval '2 hours'")
    db.run("select df.configure(keep_runs => 1)")
    assert prune(db) == 4


def test_a_key_is_remembered_as_long_as_its_run_is_old(db: Db) -> None:
    db.run("select df.configure(keep_runs => 1)")
    first = end(db, "completed", "29 days", key="a")
    for _ in range(3):
        end(db, "completed", "2 hours")
    prune(db)
    assert db.start("'select 1'", key="a") == first
    db.run(
        "update df_engine.instances set created_at = now() - interval '40 days',"
        " completed_at = now() - interval '31 days' where key = 'a'"
    )
    prune(db)
    assert db.start("'select 1'", key="a") != first


def test_runs_that_wait_stay(db: Db) -> None:
    waiting = {
        db.finish(f"df.seq(df.wait_for_signal('go'), {logged('went')})"),
        db.finish("df.sleep(100000)"),
        db.start("'select 1'"),
    }
    db.run("update df_engine.instances set created_at = now() - interval '400 days'")
    db.run("select df.configure(keep_runs => 1)")
    end(db, "completed", "31 days")
    assert prune(db) == 1
    assert runs(db) == waiting


def test_a_run_that_is_called_waits_for_its_caller(db: Db) -> None:
    called = end(db, "completed", "40 days")
    db.run(
        "insert into df_engine.calls (task, instance, called, owned)"
        " select 1, 1, id, false from df_engine.instances"
    )
    assert prune(db) == 0
    assert runs(db) == {called}


def test_nothing_of_a_run_is_left(db: Db) -> None:
    end(db, "completed", "40 days")
    tables = [
        row[0]
        for row in db.run(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
            " where c.relnamespace = 'df_engine'::regnamespace and c.relkind = 'r'"
            " and a.attname = 'instance' and not a.attisdropped"
        )
    ]
    assert set(tables) > OF_ACTIVE_RUNS
    outliving = sorted(set(tables) - OF_ACTIVE_RUNS)
    source = db.value(
        "select prosrc from pg_proc where proname = 'remove_leftover'"
        " and pronamespace = 'df_engine'::regnamespace"
    )
    assert [t for t in outliving if f"delete from df_engine.{t} " not in source] == []
    db.run(
        "insert into df_engine.signals (instance, name, data) select id, 'a', '1'"
        " from df_engine.instances"
    )
    assert prune(db) == 1
    assert {t: db.value(f"select count(*) from df_engine.{t}") for t in tables} == (
        dict.fromkeys(tables, 0)
    )


def test_many_runs_go_in_small_transactions_by_index(db: Db) -> None:
    fill(db, 5000)
    keep = db.finish(logged("kept"))
    with connect(db.url) as connection:
        removed, scans = [], []
        more = True
        while more:
            row = connection.execute(
                "select * from df_engine.prune_next(500)"
            ).fetchone()
            assert row is not None
            more = row[1]
            removed.append(row[0])
            scans += connection.execute(
                "select relname from pg_stat_xact_user_tables where seq_scan > 0"
                " and relname ~ '^(instances|node_runs|tasks|signals|items)$'"
            ).fetchall()
            connection.commit()
    assert sum(removed) == 5000
    assert max(removed) == 500
    assert scans == []
    assert runs(db) == {keep}
    assert db.value("select count(*) from df_engine.node_runs") == 1


def test_a_run_of_many_nodes_goes_piece_by_piece(db: Db) -> None:
    end(db, "completed", "40 days")
    db.run(
        "insert into df_engine.node_runs (instance, node, item, status)"
        " select id, 1, n, 'completed'"
        " from df_engine.instances, generate_series(1, 350) n"
    )
    left = []
    while db.value("select more from df_engine.prune_next(10)"):
        left.append(db.value("select count(*) from df_engine.node_runs"))
        assert db.value("select count(*) from df.nodes") in (1, 0)
    assert [each for each in dict.fromkeys(left) if each < 351] == [251, 151, 51, 0]


def test_nobody_waits_for_it(db: Db) -> None:
    """While a piece is not committed yet, all commands and steps go on."""
    fill(db, 1000)
    waiting = db.finish(f"df.seq(df.wait_for_signal('go'), {logged('went')})")
    failed = db.finish(STATUS["failed"])
    with connect(db.url) as pruner:
        removed = 0
        while not removed:
            row = pruner.execute("select * from df_engine.prune_next(500)").fetchone()
            assert row is not None
            removed = row[0]
        db.run("set lock_timeout = '1s'")
        done = db.finish(logged("step"))
        db.run("select df.signal(%s, 'go')", waiting)
        db.work()
        other = db.start("df.sleep(1000)")
        db.run("select df.cancel(%s)", other)
        assert len(runs(db)) > 1000
        assert db.run("call df.prune()") == [(0, False)]
        assert db.log() == ["step", "went"]
    assert [db.status(each) for each in (done, waiting, other, failed)] == [
        *("completed", "completed", "cancelled", "failed")
    ]


def test_a_bounded_call_goes_on_where_the_last_one_ended(db: Db) -> None:
    fill(db, 300)
    calls = 1
    total, more = db.run("call df.prune(0, 100)")[0]
    while more:
        pruned, more = db.run("call df.prune(0, 100)")[0]
        total += pruned
        calls += 1
    assert total == 300
    assert calls > 3
    assert db.value("select pruned from df_engine.retention") == [300, 0, 0]


def sweep(db: Db) -> None:
    db.run("update df_engine.graphs set created_at = now() - interval '2 days'")
    db.run("update df_engine.retention set swept_at = null")
    prune(db)


def test_graphs_that_nothing_uses_go(db: Db) -> None:
    db.run("select df.explain(df.sql('select ''explained'''))")
    end(db, "completed", "40 days")
    used = db.finish("'select ''used'''")
    assert db.value("select count(*) from df_engine.graphs") == 3
    prune(db)
    assert db.value("select count(*) from df_engine.graphs") == 3  # young
    sweep(db)
    assert db.run("select id from df_engine.graphs") == db.run(
        "select graph from df_engine.instances"
    )
    assert db.value("select count(distinct graph) from df_engine.nodes") == 1
    assert db.status(used) == "completed"


def test_graphs_of_deployed_versions_stay(db: Db) -> None:
    db.run(
        "insert into perdure.workflow_versions (name, version, digest, signature,"
        " source, source_map, compiler_version, target)"
        " values ('shop', 2, '', '', '', '{}', '', '')"
    )
    end(db, "completed", "40 days", label="shop@2")
    assert prune(db) == 1
    sweep(db)
    assert db.value("select count(*) from df_engine.graphs") == 1
    db.run("delete from perdure.workflow_versions")
    sweep(db)
    assert db.value("select count(*) from df_engine.graphs") == 0


def test_a_start_meets_the_removal_of_its_graph(db: Db) -> None:
    end(db, "completed", "40 days")
    prune(db)
    db.run("update df_engine.graphs set created_at = now() - interval '2 days'")
    db.run("update df_engine.retention set phase = 'g', scanned = 0, swept_at = null")
    started: list[str] = []

    def start() -> None:
        with psycopg.connect(db.url, autocommit=True) as connection:
            started.append(Db(db.url, connection).start(STATUS["completed"]))

    with connect(db.url) as pruner:
        pruner.execute("select df_engine.prune_next(10)")
        thread = threading.Thread(target=start)
        thread.start()
        wait_until(
            lambda: db.value(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
                " and datname = current_database()"
            )
        )
        pruner.commit()
    thread.join(60)
    db.work()
    assert db.status(started[0]) == "completed"


def test_a_graph_stays_while_a_run_of_it_is_being_started(db: Db) -> None:
    end(db, "completed", "40 days")
    prune(db)
    with connect(db.url) as starter:
        starter.execute("select df.start('select 1')")
        sweep(db)
    db.work()
    assert db.run("select distinct status from df.instances") == [("completed",)]


def test_limits_of_keys_that_no_run_has_are_forgotten(db: Db) -> None:
    for key, work in (("gone", True), ("used", False)):
        db.run(
            "select df.start('select 1', concurrency_key => %s,"
            " concurrency_limit => 1)",
            key,
        )
        if work:
            db.work()
    db.run(
        "insert into df_engine.limits (role, key, max_active) select"
        " current_user::regrole, k, 1 from unnest(array['gone', 'used']) k"
        " on conflict do nothing"
    )
    sweep(db)
    assert db.run("select key from df_engine.limits") == [("used",)]
