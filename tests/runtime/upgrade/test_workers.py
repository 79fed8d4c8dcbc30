"""Workers go on working while the runtime under them is upgraded."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from perdure.engine.database import Database, connect
from perdure.engine.install import Sources, shipped
from perdure.engine.upgrade import upgrade
from tests.runtime.worker.processes import WorkerProcess, spawning, wait_until

RUNS = 400
STEP = "'insert into log (what) values ($input.n || '' {}'')'"


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[[Database], WorkerProcess]]:
    with spawning(tmp_path) as start:
        yield partial(start, until="worker.started")


@pytest.fixture
def following(tmp_path: Path) -> Sources:
    """Return the runtime of a version to come: another table, all functions anew."""
    folder = tmp_path / "following"
    shutil.copytree(shipped().folder, folder)
    first = folder / "10_schemas.sql"
    version = shipped().version()
    first.write_text(first.read_text().replace(f"'{version}'", "'9.9.9'"))
    change = "alter table df_engine.graphs add column remark text;\n"
    (folder / "upgrade" / f"{version}--9.9.9.sql").write_text(change)
    tables = folder / "11_tables.sql"
    tables.write_text(tables.read_text() + change)
    return Sources(folder)


def test_workers_go_on_while_runs_are_in_flight(
    fresh: Database,
    following: Sources,
    spawn: Callable[[Database], WorkerProcess],
) -> None:
    workers = [spawn(fresh), spawn(fresh)]
    steps = ", ".join(STEP.format(n) for n in range(1, 5))
    with connect(fresh.url, autocommit=True) as connection:

        def count(query: str) -> int:
            row = connection.execute(query.encode()).fetchone()
            assert row is not None
            return int(row[0])

        start = (
            f"select df.start(df.seq({steps}, df.sleep(1), {STEP.format(5)}),"
            " input => jsonb_build_object('n', n))"
            f" from generate_series(1, {RUNS}) n"
        )
        connection.execute(start.encode())
        wait_until(lambda: count("select count(*) from log") > RUNS // 4)
        upgrade(fresh, following)
        ended = "select count(*) from df_engine.instances where status = 'completed'"
        wait_until(
            lambda: count(ended) == RUNS, describe=lambda: str(workers[0].events)
        )
        assert count("select count(*) from log") == 5 * RUNS
        assert count("select count(distinct what) from log") == 5 * RUNS
    for worker in workers:
        worker.wait_for("worker.started")
        assert worker.process.poll() is None
        worker.process.terminate()
        assert worker.end() == 0
        wrong = ("text", "connection.lost")
        assert [each for each in worker.events if each["event"] in wrong] == []


def test_idle_workers_go_on(
    fresh: Database,
    following: Sources,
    spawn: Callable[[Database], WorkerProcess],
) -> None:
    worker = spawn(fresh)
    upgrade(fresh, following)
    with connect(fresh.url, autocommit=True) as connection:
        connection.execute("select df.start('select 1')")
        wait_until(
            lambda: connection.execute(
                "select 1 from df.instances where status = 'completed'"
            ).fetchone(),
            describe=lambda: str(worker.events),
        )
    assert {"text", "connection.lost"}.isdisjoint(worker.names()), worker.events


def test_a_worker_refuses_an_older_runtime(released: Database, tmp_path: Path) -> None:
    worker = WorkerProcess(released, tmp_path, [])
    assert worker.end() == 2
    assert any(
        "perdure runtime upgrade" in event.get("text", "") for event in worker.events
    )
