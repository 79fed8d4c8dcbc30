"""A project that is deployed to a database, and what works there."""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from typer.testing import CliRunner

from perdure.cli.main import app
from perdure.engine.database import Database, connect
from perdure.engine.install import install

PROJECT = Path(__file__).with_name("project")
Connection = psycopg.Connection[tuple[Any, ...]]
Work = Callable[[], object]


@pytest.fixture(scope="package")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project that is compiled."""
    folder = tmp_path_factory.mktemp("application") / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    done = CliRunner().invoke(app, ["compile", "-C", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="package")
def url(project: Path, postgres: str) -> Iterator[str]:
    """Return the URL of a database with the schema and the workflows in it."""
    name = f"application_{uuid.uuid4().hex}"
    with connect(postgres, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        url = make_conninfo(postgres, dbname=name)
        install(Database(url, "the test"))
        with connect(url, autocommit=True) as connection:
            connection.execute((project / "schema.sql").read_bytes())
            connection.execute(
                "insert into shop.orders (id, total, email) values"
                " (1, 20.50, 'a@example.com'), (2, 5000, 'b@example.com')"
            )
        words = ["deploy", "--yes", "-C", str(project), "--database-url", url]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        yield url
        drop = sql.SQL("drop database {} with (force)")
        admin.execute(drop.format(sql.Identifier(name)))


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    """Return a connection as applications have it, with transactions."""
    with psycopg.connect(url) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def work(url: str) -> Iterator[Work]:
    """Return a function that does all that is ready."""
    with psycopg.connect(url, autocommit=True) as worker:
        yield lambda: worker.execute("call df.work(100000, 20000)")


@contextmanager
def working(url: str) -> Iterator[None]:
    """Work all the time, in another session, as a worker does."""
    over = threading.Event()

    def loop() -> None:
        with psycopg.connect(url, autocommit=True) as worker:
            while not over.wait(0.02):
                worker.execute("call df.work(100000, 20000)")

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)


def parts_of(url: str) -> dict[str, Any]:
    """Return the parts of a connection string, as other drivers want them."""
    parts = conninfo_to_dict(url)
    return {
        "host": parts.get("host"),
        "port": int(parts.get("port") or 5432),
        "user": parts.get("user"),
        "password": parts.get("password"),
        "database": parts.get("dbname"),
    }
