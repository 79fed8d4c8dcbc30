"""A transaction that stays open holds vacuum up, and nothing else."""

from __future__ import annotations

from perdure.engine.database import connect
from tests.runtime.engine.db import Db, logged

RUNS = 100


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
