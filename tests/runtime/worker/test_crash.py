"""Nothing is lost and nothing happens twice, whoever dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perdure.engine.database import Database, connect
from perdure.engine.install import install
from perdure.engine.postgres import Server, start_embedded
from tests.programs import BIN_DIR
from tests.runtime.worker.processes import WorkerProcess, wait_until
from tests.runtime.worker.runs import (
    Connection,
    await_end,
    effects,
    insert,
    make_effects,
    start,
)

Spawn = Callable[..., WorkerProcess]

RUNS, STEPS = 30, 8
EXPECTED = sorted((str(run), step) for run in range(RUNS) for step in range(STEPS))


def start_all(connection: Connection) -> list[str]:
    make_effects(connection)
    return [
        start(connection, [insert(str(n), step, 0.02) for step in range(STEPS)])
        for n in range(RUNS)
    ]


def count(connection: Connection) -> int:
    row = connection.execute("select count(*) from effects").fetchone()
    assert row is not None
    return int(row[0])


def wait_for_effects(connection: Connection, number: int) -> None:
    wait_until(lambda: count(connection) > number)


def test_killed_worker_is_replaced_and_every_insert_happened_once(
    connection: Connection, spawn: Spawn
) -> None:
    runs = start_all(connection)
    for share in (1, 2, 3):
        worker = spawn("--connections", "4")
        wait_for_effects(connection, share * len(EXPECTED) // 5)
        worker.kill()
        assert count(connection) < len(EXPECTED)
    spawn("--connections", "4")
    assert await_end(connection, *runs) == {"completed"}
    assert effects(connection) == EXPECTED


class Restartable:
    """A server of its own that can be stopped as if the machine had failed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: Server = start_embedded(folder, BIN_DIR)
        self.database = Database(self.server.url("postgres"), "the test")

    def crash(self) -> None:
        with connect(self.database.url) as connection:
            row = connection.execute("show data_directory").fetchone()
        assert row is not None
        pid = int((Path(row[0]) / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGQUIT)
        wait_until(lambda: not _alive(pid))

    def start(self) -> None:
        before = self.server
        self.server = start_embedded(self.folder, BIN_DIR)
        before.stop()


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def restartable(tmp_path: Path) -> Iterator[Restartable]:
    given = Restartable(tmp_path / "postgres")
    yield given
    given.server.stop()


def test_restart_of_postgresql_in_the_middle(
    restartable: Restartable, tmp_path: Path
) -> None:
    database = restartable.database
    install(database)
    with connect(database.url, autocommit=True) as connection:
        runs = start_all(connection)
        worker = WorkerProcess(database, tmp_path, ["--connections", "4"])
        try:
            wait_for_effects(connection, len(EXPECTED) // 4)
            restartable.crash()
            worker.wait_for("connection.lost")
            restartable.start()
            worker.wait_for("connection.restored")
            with connect(database.url, autocommit=True) as again:
                assert await_end(again, *runs) == {"completed"}
                assert effects(again) == EXPECTED
            worker.process.send_signal(signal.SIGTERM)
            assert worker.end() == 0
        finally:
            worker.kill()
