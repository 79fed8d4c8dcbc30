"""The page for applications: its workflow is deployed, and its code is run."""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from perdure.application import errors
from perdure.application.errors import WorkflowError
from perdure.cli.main import app
from perdure.engine.database import Database
from perdure.engine.install import install
from tests.docs.markdown import ROOT, blocks
from tests.runtime.application.conftest import parts_of, working
from tests.runtime.application.test_drivers import address

PAGE = ROOT / "docs" / "applications.md"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a reader's project, whose workflows can be imported."""
    for block in blocks(PAGE.read_text()):
        name = block.option("file")
        if name is not None:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(block.text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [each for each in sys.modules if each.split(".")[0] == "workflows"]:
        del sys.modules[name]


def perdure(project: Path, *words: str) -> None:
    done = CliRunner().invoke(app, [*words, "-C", str(project)])
    assert done.exit_code == 0, done.output


def test_the_code_of_the_page_runs(
    project: Path, make_database: Callable[[], str]
) -> None:
    url = make_database()
    install(Database(url, "the test"))
    with psycopg.connect(url) as connection:
        connection.execute((project / "schema.sql").read_bytes())
    perdure(project, "compile")
    perdure(project, "deploy", "--yes", "--database-url", url)
    names: dict[str, Any] = {
        "DATABASE_URL": url,
        "SQLALCHEMY_URL": address(url, "psycopg"),
        "ASYNCPG": parts_of(url),
    }
    exec("from decimal import Decimal\nfrom workflows.orders import Result", names)
    with working(url):
        asyncio.run(run_blocks(names))
    names["engine"].dispose()


async def run_blocks(names: dict[str, Any]) -> None:
    """Run the code of the page, from top to bottom, in one module."""
    count = 0
    for block in blocks(PAGE.read_text()):
        if block.language == "python" and block.option("file") is None:
            place = f"{PAGE.name}:{block.first}"
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            result = eval(compile(block.text, place, "exec", flags=flags), names)
            if inspect.iscoroutine(result):
                await result
            count += 1
    assert count > 5


def test_all_errors_are_explained() -> None:
    text = PAGE.read_text()
    kinds = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, WorkflowError)
    ]
    assert [name for name in kinds if f"`{name}`" not in text] == ["WorkflowError"]
