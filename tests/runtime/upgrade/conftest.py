"""Databases with the runtime as it was first released, and as it is now."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from perdure.engine.database import Database
from perdure.engine.install import install

RELEASED = Path(__file__).parent / "0.1.0.sql"
LOG = "create table public.log (id serial, what text)"


def admin(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@contextmanager
def made(postgres: str, options: str = "") -> Iterator[str]:
    """Make a database and give its name."""
    name = f"upgrade_{uuid.uuid4().hex}"
    admin(postgres, f"create database {name} {options}")
    yield name
    admin(postgres, f"drop database {name} with (force)")


@pytest.fixture(scope="module")
def released_template(postgres: str) -> Iterator[str]:
    with made(postgres) as name:
        url = make_conninfo(postgres, dbname=name)
        admin(url, LOG)
        admin(url, RELEASED.read_text())
        yield name


@pytest.fixture(scope="module")
def fresh_template(postgres: str) -> Iterator[str]:
    with made(postgres) as name:
        url = make_conninfo(postgres, dbname=name)
        admin(url, LOG)
        install(Database(url, "the test"))
        yield name


@pytest.fixture
def copied(postgres: str) -> Iterator[Callable[[str], Database]]:
    """Give a function that copies a database for one test."""
    with ExitStack() as stack:

        def copy(template: str) -> Database:
            name = stack.enter_context(made(postgres, f"template {template}"))
            return Database(make_conninfo(postgres, dbname=name), "the test")

        yield copy


@pytest.fixture
def released(copied: Callable[[str], Database], released_template: str) -> Database:
    """Return a database with the released runtime and a table to log into."""
    return copied(released_template)


@pytest.fixture
def fresh(copied: Callable[[str], Database], fresh_template: str) -> Database:
    """Return a database with the runtime of this version, and the same table."""
    return copied(fresh_template)
