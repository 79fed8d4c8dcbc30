"""A database with the runtime for each test, and a table to log into."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from perdure.engine.database import Database
from perdure.engine.install import install
from tests.runtime.engine.db import Db


def admin(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="module")
def template(postgres: str) -> Iterator[str]:
    """Return the name of a database with the runtime and a table to log into."""
    name = f"operations_template_{uuid.uuid4().hex}"
    admin(postgres, f"create database {name}")
    url = make_conninfo(postgres, dbname=name)
    install(Database(url, "the test"))
    admin(url, "create table log (id bigint generated always as identity, what text)")
    yield name
    admin(postgres, f"drop database {name} with (force)")


@pytest.fixture
def url(postgres: str, template: str) -> Iterator[str]:
    name = f"operations_{uuid.uuid4().hex}"
    admin(postgres, f"create database {name} template {template}")
    yield make_conninfo(postgres, dbname=name)
    admin(postgres, f"drop database {name} with (force)")


@pytest.fixture
def db(url: str) -> Iterator[Db]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield Db(url, connection)
