"""Databases with the runtime as it was first released, and as it is now."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from perdure.engine.database import Database
from perdure.engine.install import install
from tests.databases import admin, made, made_url

RELEASED = Path(__file__).parent / "0.1.0.sql"
LOG = "create table public.log (id serial, what text)"


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
            url = stack.enter_context(made_url(postgres, template))
            return Database(url, "the test")

        yield copy


@pytest.fixture
def released(copied: Callable[[str], Database], released_template: str) -> Database:
    """Return a database with the released runtime and a table to log into."""
    return copied(released_template)


@pytest.fixture
def fresh(copied: Callable[[str], Database], fresh_template: str) -> Database:
    """Return a database with the runtime of this version, and the same table."""
    return copied(fresh_template)


@pytest.fixture
def role(postgres: str) -> Iterator[str]:
    """Give a role for runs; it can be dropped when nothing of it is left."""
    name = f"upgrade_{uuid.uuid4().hex[:12]}"
    admin(postgres, f"create role {name}")
    yield name
    admin(postgres, f"drop role {name}")
