"""A PostgreSQL for the tests of this folder, a database each, and real workers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from perdure.engine.database import Database, connect
from perdure.engine.install import install
from perdure.engine.postgres import Server, start_embedded
from tests.programs import BIN_DIR
from tests.runtime.worker.processes import WorkerProcess, spawning
from tests.unit.engine.http_server import Server as HttpServer
from tests.unit.engine.http_server import serving

_NUMBERS = itertools.count(1)
Connection = psycopg.Connection[Any]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("postgres")
    with start_embedded(folder, BIN_DIR, settings={"fsync": "off"}) as started:
        template = Database(started.url("template1"), "the test")
        install(template)
        yield started


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    name = f"test_{next(_NUMBERS)}"
    with connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute(psycopg.sql.SQL(f"create database {name}"))
        yield Database(server.url(name), "the test")
        admin.execute(psycopg.sql.SQL(f"drop database {name} with (force)"))


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with connect(database.url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def http() -> Iterator[HttpServer]:
    with serving() as started:
        yield started


@pytest.fixture
def spawn(
    database: Database, http: HttpServer, tmp_path: Path
) -> Iterator[Callable[..., WorkerProcess]]:
    """Start workers that may reach the test's HTTP server, and end them all."""
    (tmp_path / "perdure.toml").write_text(f'[http]\nallow = ["{http.place}"]\n')
    with spawning(tmp_path) as start:
        yield partial(start, database)


@pytest.fixture
def bare_url(server: Server) -> Iterator[str]:
    """Give the URL of a database that has nothing in it."""
    name = f"bare_{next(_NUMBERS)}"
    with connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute(psycopg.sql.SQL(f"create database {name} template template0"))
        yield server.url(name)
        admin.execute(psycopg.sql.SQL(f"drop database {name} with (force)"))
