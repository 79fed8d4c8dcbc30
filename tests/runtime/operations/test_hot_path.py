"""Claims look at ready rows alone: no table is read from end to end."""

from __future__ import annotations

import time

import pytest

from perdure.engine.database import connect
from tests.runtime.engine.db import Db, logged
from tests.runtime.worker.processes import wait_until

WAITING = 100_000
HOT = ("tasks", "instances", "node_runs", "signals", "requests", "items", "nodes")
SCANS = (
    "select relname, seq_scan from pg_stat_user_tables where schemaname = 'df_engine'"
    " and relname = any (%s) order by relname"
)

USED = "select idx_scan from pg_stat_user_indexes where indexrelname = 'tasks_ready'"

# One run for each thing that the engine does.
GRAPHS = (
    f"df.seq({logged('a')}, {logged('b')})",
    f"df.join({logged('a')}, {logged('b')})",
    f"df.race({logged('a')}, df.sleep(1000))",
    f"df.seq(df.sleep(0), {logged('a')})",
    "df.seq(df.as('select 1 as n', 'x'), 'insert into log (what) select $x.n::text')",
    "df.if('select true', 'select 1', 'select 2')",
    "df.loop('select 1', 'select false')",
    "df.retry('select 1 / 0', 2, interval '0 s', retry_on => array['22'])",
    "df.wait_for_signal('go', 0)",
    "df.foreach('select generate_series(1, 3) as n', 'select $item.n')",
)


@pytest.fixture
def crowded(db: Db) -> Db:
    """Return a database in which many runs wait, half for a time, half for a signal."""
    db.finish("df.sleep(1000000)")
    db.finish("df.wait_for_signal('never')")
    db.run(
        "insert into df_engine.instances (run_id, graph, role, executor, search_path,"
        " time_zone, input, database) select 'x' || n, graph, role, executor,"
        " search_path, time_zone, input, database from df_engine.instances,"
        f" generate_series(1, {WAITING // 2}) n on conflict do nothing"
    )
    db.run(
        "insert into df_engine.instances (run_id, graph, role, executor, search_path,"
        " time_zone, input, database) select 'y' || n, graph, role, executor,"
        " search_path, time_zone, input, database from (select * from"
        " df_engine.instances limit 1) i,"
        f" generate_series(1, {WAITING // 2}) n"
    )
    db.run(
        "insert into df_engine.tasks (instance, frame, node, state, wake_at, signal)"
        " select i.id, t.frame, t.node, t.state, t.wake_at, t.signal"
        " from df_engine.instances i join df_engine.tasks t"
        " on (t.signal is null) = (i.run_id like 'x%') where i.run_id ~ '^[xy]'"
    )
    return db


def scans(db: Db) -> dict[str, int]:
    """Return how often each table was scanned, once all sessions have said so."""
    found: list[dict[str, int]] = []

    def settled() -> bool:
        time.sleep(1.1)  # a session tells the statistics once a second at most
        found.append(dict(db.run(SCANS, list(HOT))))
        return len(found) > 1 and found[-1] == found[-2]

    wait_until(settled)
    return found[-1]


@pytest.mark.parametrize("analyzed", [True, False], ids=["analyzed", "new"])
def test_no_table_is_scanned(crowded: Db, analyzed: bool) -> None:
    db = crowded
    if analyzed:
        db.run("analyze")
    before = scans(db)
    with connect(db.url, autocommit=True) as connection:
        worker = Db(db.url, connection)
        for graph in GRAPHS:
            worker.start(graph)
        signalled = worker.finish(f"df.seq(df.wait_for_signal('go'), {logged('z')})")
        worker.run("select df.signal(%s, 'go')", signalled)
        cancelled = worker.finish("df.join(df.sleep(100), df.sleep(200))")
        worker.run("select df.cancel(%s)", cancelled)
        worker.work()
    assert scans(db) == before
    assert db.value(USED) > len(GRAPHS)
    active = "select count(*) from df_engine.instances where status = 'active'"
    assert db.value(active) == WAITING + 2


def test_the_ready_index_holds_ready_rows_alone(crowded: Db) -> None:
    db = crowded
    db.run("vacuum analyze df_engine.tasks")
    pages = "select relpages from pg_class where relname = 'tasks_ready'"
    assert db.value(pages) <= 2
    db.start("'select 1'")
    with connect(db.url) as connection:
        plan = connection.execute(
            "explain (analyze, buffers, format json) select df_engine.claim(null, 10)"
        ).fetchone()
    assert plan is not None
    top = plan[0][0]["Plan"]
    assert top["Shared Hit Blocks"] + top["Shared Read Blocks"] < 2000
