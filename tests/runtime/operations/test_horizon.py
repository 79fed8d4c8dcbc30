"""A transaction that stays open holds vacuum up, and nothing else."""

from __future__ import annotations

import time

from perdure.engine.database import connect
from tests.runtime.engine.db import Db, logged

RUNS = 100
DEAD = 20_000
READ = (
    "select sum(idx_tup_read)::bigint from pg_stat_user_indexes"
    " where schemaname = 'df_engine' and relname = 'tasks'"
)


def test_runs_and_retention_go_on_under_a_snapshot_that_stays(db: Db) -> None:
    """What has died since is stepped over: every step is done, and once."""
    with connect(db.url) as holder:
        holder.execute("set transaction isolation level repeatable read")
        holder.execute("select count(*) from df_engine.tasks")
        for n in range(RUNS):
            db.finish(f"df.seq({logged(str(n))}, df.sleep(0), {logged(f'{n} too')})")
        assert len(set(db.log())) == len(db.log()) == 2 * RUNS
        db.run(
            "update df_engine.instances set created_at = '2000-01-01',"
            " completed_at = '2000-01-02'"
        )
        db.run("call df.prune()")
        assert db.value("select count(*) from df.instances") == 0


def test_no_index_is_read_as_a_whole_after_statistics_of_an_empty_queue(db: Db) -> None:
    """Where hardly a row is alive, that seems as cheap as to look a task up."""
    step = f"df.seq({', '.join(logged(str(n)) for n in range(8))})"
    for _ in range(4):  # then its statements are known to be short
        db.finish(step)
    with connect(db.url) as holder:
        holder.execute("set transaction isolation level repeatable read")
        holder.execute("select count(*) from df_engine.tasks")
        db.run(
            "insert into df_engine.tasks (instance, frame, node, state)"
            f" select n, 0, 1, 's' from generate_series(1, {DEAD}) n"
        )
        db.run("delete from df_engine.tasks")
        db.run("analyze df_engine.tasks")
        for _ in range(RUNS // 2):
            db.start(step)
        time.sleep(1.1)  # a session tells the statistics once a second at most
        before = db.value(READ)
        db.work()
        time.sleep(1.1)
        assert db.value("select count(*) from df_engine.tasks") == 0
    assert db.value(READ) - before < 4 * DEAD
