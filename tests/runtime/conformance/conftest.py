"""A database with the runtime, and with leaves that report."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.runtime.conformance.drive import SETUP
from tests.runtime.engine.conftest import CLEAN, roles, template, url
from tests.runtime.engine.db import Db

__all__ = ["db", "roles", "template", "url"]


@pytest.fixture
def db(url: str) -> Iterator[Db]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(CLEAN.encode())
        connection.execute(SETUP.encode())
        # Sessions go on with a run then, as they else do when its statements are
        # known to be short.
        connection.execute("select df.configure(batch_ms => 0)")
        yield Db(url, connection)
