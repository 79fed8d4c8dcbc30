"""A database per module, copied from a template that holds the runtime.

Tests get it empty: they share it because making a database takes longer than most of
them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.databases import made, made_url
from tests.runtime.engine.db import Db

RUNTIME = Path(__file__).resolve().parents[3] / "runtime_sql"
LOG = (
    "create table public.log (id bigint generated always as identity, what text,"
    " at timestamptz default clock_timestamp(), began timestamptz default now());"
    " grant all on public.log to public"
)

CLEAN = (
    "".join(
        f"delete from {table};"
        for table in (
            "df_engine.instances",
            "df_engine.tasks",
            "df_engine.paused_tasks",
            "df_engine.failed_tasks",
            "df_engine.failed_names",
            "df_engine.turns",
            "df_engine.limits",
            "df_engine.node_runs",
            "df_engine.items",
            "df_engine.calls",
            "df_engine.signals",
            "df_engine.requests",
            "df_engine.vars",
            "df_engine.graphs",
            "public.log",
        )
    )
    + "alter sequence log_id_seq restart; select df.set_time(null), df.configure('0')"
)


@pytest.fixture(scope="session")
def template(postgres: str) -> Iterator[str]:
    """Return the name of a database with the runtime and a table to log into."""
    with made(postgres) as name:
        with psycopg.connect(make_conninfo(postgres, dbname=name)) as connection:
            for path in sorted(RUNTIME.glob("*.sql")):
                connection.execute(path.read_bytes())
            connection.execute(LOG.encode())
        yield name


@pytest.fixture(scope="module")
def url(postgres: str, template: str) -> Iterator[str]:
    with made_url(postgres, template) as url:
        yield url


@pytest.fixture
def db(url: str) -> Iterator[Db]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(CLEAN.encode())
        yield Db(url, connection)


@pytest.fixture
def batches(db: Db) -> Iterator[Db]:
    """Return a database with batches that no noise of the machine cuts short."""
    db.run("select df.configure(batch_ms => 1000)")
    yield db
    db.run("select df.configure(batch_ms => 5)")


@pytest.fixture
def roles(db: Db) -> Iterator[tuple[str, str]]:
    """Return two roles that may log in and start runs."""
    names = (f"df_a_{uuid.uuid4().hex[:12]}", f"df_b_{uuid.uuid4().hex[:12]}")
    for name in names:
        db.run(f"create role {name} login password 'secret'")
        db.run("select df.grant_usage(%s)", name)
    yield names
    for name in names:
        db.run("select df.revoke_usage(%s)", name)
        db.run(f"drop owned by {name} cascade")
        db.run(f"drop role {name}")
