"""Servers that crash, and workers that the tests kill."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.runtime.faults.server import Crashable
from tests.runtime.worker.processes import WorkerProcess, spawning
from tests.unit.engine.http_server import Server as HttpServer
from tests.unit.engine.http_server import serving

# The runtime's objects, emptied between the tests of a module.
TABLES = (
    "instances",
    "tasks",
    "node_runs",
    "signals",
    "requests",
    "vars",
    "graphs",
    "suspects",
)
CLEAN = "".join(f"delete from df_engine.{table};" for table in TABLES) + (
    "select df.set_time(null), df.configure('0')"
)


@pytest.fixture(scope="module")
def crashable() -> Iterator[Crashable]:
    with tempfile.TemporaryDirectory(prefix="perdure-faults-") as folder:
        Path(folder).chmod(0o711)
        given = Crashable(Path(folder) / "postgres")
        yield given
        given.stop()


@pytest.fixture
def own_server() -> Iterator[Crashable]:
    """Give a server that nobody else has changed."""
    with tempfile.TemporaryDirectory(prefix="perdure-faults-") as folder:
        Path(folder).chmod(0o711)
        given = Crashable(Path(folder) / "postgres")
        yield given
        given.stop()


@pytest.fixture
def server(crashable: Crashable) -> Crashable:
    """Give the module's server with no runs in it."""
    with crashable.connect() as connection:
        connection.execute(CLEAN.encode())
        connection.execute("drop table if exists effects")
        connection.execute("create table effects (run text, step text)")
    return crashable


@pytest.fixture
def http() -> Iterator[HttpServer]:
    with serving() as started:
        yield started


@pytest.fixture
def spawn(
    server: Crashable, http: HttpServer, tmp_path: Path
) -> Iterator[Callable[..., WorkerProcess]]:
    """Start workers that may reach the test's HTTP server, and end them all."""
    (tmp_path / "perdure.toml").write_text(f'[http]\nallow = ["{http.place}"]\n')
    with spawning(tmp_path) as start:
        yield partial(start, server.database)
