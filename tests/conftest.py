"""Fixtures for tests with a real PostgreSQL.

`postgres` is one server for the session: an embedded one, which may be of another
version (see programs), or the server that `PERDURE_TEST_DATABASE_URL` names.
`database` is an empty database on it for one test, given as its connection string and
dropped afterwards.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from perdure.engine.postgres import start_embedded
from tests.databases import made_url
from tests.programs import BIN_DIR


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--accept", action="store_true", help="write the expected files of golden cases"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first: none is left for one worker at the end."""
    slow = {each.path for each in items if each.get_closest_marker("slow")}
    items.sort(key=lambda each: each.path not in slow)


@pytest.fixture
def accept(request: pytest.FixtureRequest) -> bool:
    """Whether expected files are to be written."""
    return bool(request.config.getoption("--accept"))


@pytest.fixture(scope="session")
def short_dir() -> Iterator[Path]:
    """Return a folder that every account may enter, with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="perdure-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(short_dir: Path) -> Iterator[str]:
    """Return the URL of the maintenance database of a server."""
    given = os.environ.get("PERDURE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    settings = {"fsync": "off", "max_connections": "200"}
    with start_embedded(short_dir / "postgres", BIN_DIR, settings=settings) as server:
        yield server.url()


@pytest.fixture
def make_database(postgres: str) -> Iterator[Callable[[], str]]:
    """Return a function that makes an empty database and returns its URL."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(made_url(postgres))


@pytest.fixture
def database(make_database: Callable[[], str]) -> str:
    """Return the URL of an empty database."""
    return make_database()
