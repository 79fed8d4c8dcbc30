"""Workers and servers that die again and again, with runs of every kind in flight."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure.engine.database import Database, connect
from perdure.engine.install import install
from tests.runtime.worker.processes import WorkerProcess, wait_until
from tests.runtime.worker.runs import (
    Connection,
    await_end,
    effects,
    insert,
    make_effects,
    node,
    start,
)
from tests.runtime.worker.test_crash import Restartable

pytestmark = pytest.mark.slow

RUNS = 60
DEATHS = 8


@pytest.fixture
def restartable(tmp_path: Path) -> Iterator[Restartable]:
    given = Restartable(tmp_path / "postgres")
    yield given
    given.server.stop()


def start_mixed(connection: Connection, number: int) -> tuple[str, list[int]]:
    """Start a run with branches, a timer and a signal; return it and its traces."""
    name = str(number)
    branches = [
        node(
            connection,
            "df.seq(%s, %s)",
            insert(name, 10 + n, 0.02),
            insert(name, 20 + n),
        )
        for n in range(3)
    ]
    steps = [
        *(insert(name, n, 0.02) for n in range(4)),
        node(connection, "df.sleep(1)"),
        node(connection, "df.join(variadic %s::text[])", branches),
        node(connection, "df.wait_for_signal('go')"),
        insert(name, 30),
    ]
    run = start(connection, steps)
    connection.execute("select df.signal(%s, 'go', '{}')", [run])
    return run, [0, 1, 2, 3, 10, 11, 12, 20, 21, 22, 30]


def test_every_trace_is_left_once_whoever_dies(
    restartable: Restartable, tmp_path: Path
) -> None:
    random.seed(7)
    database: Database = restartable.database
    install(database)
    with connect(database.url, autocommit=True) as connection:
        make_effects(connection)
        started = [start_mixed(connection, number) for number in range(RUNS)]
    workers = [WorkerProcess(database, tmp_path, []) for _ in range(2)]
    try:
        for death in range(DEATHS):
            _all_started(workers)
            _let_them_work(database)
            if death % 3 == 2:
                restartable.crash()
                restartable.start()
            else:
                victim = workers.pop(random.randrange(2))
                victim.kill()
                workers.append(WorkerProcess(database, tmp_path, []))
        with connect(database.url, autocommit=True) as connection:
            runs = [run for run, _ in started]
            assert await_end(connection, *runs, seconds=120) == {"completed"}
            expected = Counter(
                (str(n), t) for n, (_, ts) in enumerate(started) for t in ts
            )
            assert Counter(effects(connection)) == expected
        _all_started(workers)
        for worker in workers:
            worker.process.send_signal(signal.SIGTERM)
            assert worker.end() == 0
    finally:
        for worker in workers:
            worker.kill()


def _all_started(workers: list[WorkerProcess]) -> None:
    for worker in workers:
        worker.wait_for("worker.started")


def _let_them_work(database: Database) -> None:
    """Wait until some more steps were done, or there is nothing left to do."""
    with connect(database.url, autocommit=True) as connection:
        query = (
            "select (select count(*) from effects),"
            " exists (select from df.instances where status in ('pending', 'running'))"
        )
        before = connection.execute(query).fetchone()
        assert before is not None

        def moved() -> bool:
            now = connection.execute(query).fetchone()
            return now is not None and (now[0] > before[0] + 20 or not now[1])

        wait_until(moved, 60)
