"""The ends of runs and of branches in batches: recorded together, the same as alone."""

from __future__ import annotations

from tests.runtime.engine.db import Db, commits, trust
from tests.runtime.engine.sessions import work_side_by_side

WIDTH = 30
LEAF = "insert into log (what) values ($input.n || ''/{0}'') returning {0} as v"


def leaves(first: int, last: int) -> str:
    return ", ".join(f"'{LEAF.format(leaf)}'" for leaf in range(first, last + 1))


def join(branches: str) -> str:
    return f'df."join"({branches})'


def start(db: Db, graph: str, runs: int = 1) -> list[str]:
    """Start runs whose statements the engine takes for short, for good."""
    rows = db.run(
        f"select df.start({graph}, input => jsonb_build_object('n', n))"
        " from generate_series(1, %s) n order by n",
        runs,
    )
    trust(db)
    return [str(row[0]) for row in rows]


def waiting(db: Db) -> str:
    """Return the states of the tasks."""
    query = "select string_agg(state::text, '' order by state) from df_engine.tasks"
    return db.value(query) or ""


def test_runs_end_together(batches: Db) -> None:
    runs = start(batches, f"df.seq({leaves(1, 2)})", 20)
    assert batches.work() == 40
    assert commits(batches) < 10
    rows = batches.run(
        "select status, result, started_at <= completed_at, started_at >= created_at"
        " from df_engine.instances where run_id = any (%s)",
        runs,
    )
    result = '{"rows": [{"v":2}], "row_count": 1}'
    assert rows == [("completed", result, True, True)] * 20
    assert waiting(batches) == ""


def test_branches_end_together(batches: Db) -> None:
    run = start(batches, f"df.seq({join(leaves(1, WIDTH))}, 'select 1')")[0]
    batches.work()
    assert commits(batches) <= 5
    assert batches.status(run) == "completed"
    assert sorted(batches.log()) == sorted(f"1/{v}" for v in range(1, WIDTH + 1))
    assert waiting(batches) == ""


def test_names_of_branches_that_ended_together(batches: Db) -> None:
    named = ", ".join(f"df.as('{LEAF.format(v)}', 'b{v}')" for v in range(1, 6))
    after = "insert into log (what) values ($b1 || ''+'' || $b5)"
    start(batches, f"df.seq({join(named)}, '{after}')")
    batches.work()
    assert "1+5" in batches.log()


def test_sessions_share_wide_joins(batches: Db) -> None:
    """Sessions that meet in a run wait for one another; nothing is done twice."""
    runs = start(batches, f"df.seq({join(leaves(1, WIDTH))}, '{LEAF.format(0)}')", 6)
    work_side_by_side(batches)
    assert [batches.status(run) for run in runs] == ["completed"] * 6
    assert sorted(batches.log()) == sorted(
        f"{n}/{v}" for n in range(1, 7) for v in range(WIDTH + 1)
    )


def test_joins_in_joins(batches: Db) -> None:
    inner = f"df.seq({join(leaves(3, 5))}, '{LEAF.format(6)}')"
    run = start(batches, join(f"{leaves(1, 2)}, {inner}, {leaves(7, 9)}"))[0]
    batches.work()
    assert batches.status(run) == "completed"
    assert sorted(batches.log()) == [f"1/{v}" for v in range(1, 10)]
    assert waiting(batches) == ""


def test_a_failure_among_branches_that_end_together(batches: Db) -> None:
    broken = "'select 1 / ($input.n - 1)'"
    run = start(batches, join(f"{leaves(1, 4)}, {broken}, {leaves(5, 8)}"))[0]
    batches.work()
    assert batches.status(run) == "failed"
    assert sorted(batches.log()) == [f"1/{v}" for v in range(1, 9)]
    assert waiting(batches) == ""


def until_last_arrives(db: Db) -> str:
    """Do all branches of a join, so that the run is about to go on; return the run."""
    run = start(db, f"df.seq({join(leaves(1, 4))}, '{LEAF.format(9)}')")[0]
    for steps in (1, 4):
        db.run("call df.work(%s, 20000)", steps)
    assert waiting(db) == "afffj"
    return run


def test_a_run_paused_between_its_branches_and_what_follows(batches: Db) -> None:
    run = until_last_arrives(batches)
    batches.run("select df.pause(%s)", run)
    batches.work()
    assert "1/9" not in batches.log()
    batches.run("select df.resume(%s)", run)
    batches.work()
    assert batches.status(run) == "completed"
    assert batches.log()[-1] == "1/9"


def test_a_run_cancelled_between_its_branches_and_what_follows(batches: Db) -> None:
    run = until_last_arrives(batches)
    batches.run("select df.cancel(%s, 'enough')", run)
    batches.work()
    assert batches.status(run) == "cancelled"
    assert waiting(batches) == ""
    assert "1/9" not in batches.log()
