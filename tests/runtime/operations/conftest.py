"""A database with the runtime for each test, and a table to log into."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from perdure.engine.database import Database
from perdure.engine.install import install
from tests.databases import admin, made, made_url
from tests.runtime.engine.db import Db

LOG = "create table log (id bigint generated always as identity, what text)"


@pytest.fixture(scope="module")
def template(postgres: str) -> Iterator[str]:
    """Return the name of a database with the runtime and a table to log into."""
    with made(postgres) as name:
        url = make_conninfo(postgres, dbname=name)
        install(Database(url, "the test"))
        admin(url, LOG)
        yield name


@pytest.fixture
def url(postgres: str, template: str) -> Iterator[str]:
    with made_url(postgres, template) as url:
        yield url


@pytest.fixture
def db(url: str) -> Iterator[Db]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield Db(url, connection)
