"""A database with the runtime, and roles that may use it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runtime.engine.conftest import db, roles, template, url
from tests.runtime.engine.db import Db

__all__ = ["db", "roles", "template", "url"]


@pytest.fixture
def api(db: Db) -> Iterator[Db]:
    """Return a database whose loops keep no pace."""
    db.run("select df.configure(loop_pace => '0')")
    yield db
    db.run("select df.clearvars()")
