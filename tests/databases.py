"""Databases that tests make on a server and drop."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import make_conninfo


def admin(url: str, statement: str) -> None:
    """Execute a statement that wants no transaction around it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@contextmanager
def made(
    postgres: str, template: str | None = None, options: str = ""
) -> Iterator[str]:
    """Make a database, perhaps as a copy of another one, and give its name."""
    name = f"test_{uuid.uuid4().hex}"
    like = f" template {template}" if template else ""
    admin(postgres, f"create database {name}{like} {options}")
    yield name
    admin(postgres, f"drop database if exists {name} with (force)")


@contextmanager
def made_url(postgres: str, template: str | None = None) -> Iterator[str]:
    """Make a database and give its URL."""
    with made(postgres, template) as name:
        yield make_conninfo(postgres, dbname=name)
