"""`perdure stubs`: with it, checkers know the columns of each statement."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import perdure
from perdure.cli.main import app
from perdure.ir.types import Field, Scalar
from perdure.stubs import Statement, stub
from tests.typing.checkers import mypy, pyright, wrong_for_mypy, wrong_for_pyright

PROJECT = Path(__file__).with_name("project")
STUB = Path("typings") / "perdure" / "__init__.pyi"
Stubs = Callable[..., Any]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stubs").resolve() / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def stubs(project: Path) -> Stubs:
    def call(*words: str, code: int = 0) -> Any:
        result = CliRunner().invoke(app, ["stubs", *words, "-C", str(project)])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return call


def test_it_is_written_once_and_checked(project: Path, stubs: Stubs) -> None:
    assert f'"{STUB}" is out of date' in stubs("--check", code=1).stderr
    assert not (project / STUB).exists()
    assert stubs().stdout == f"wrote {STUB}: 7 statements\n"
    text = (project / STUB).read_text()
    assert "up to date" in stubs("--check").stderr
    stubs("-o", "elsewhere")
    assert (project / "elsewhere" / "perdure" / "__init__.pyi").read_text() == text
    shutil.rmtree(project / "elsewhere")


def test_mistakes_are_shown_and_nothing_is_written(project: Path, stubs: Stubs) -> None:
    stubs()
    path = project / "workflows" / "orders.py"
    text, before = path.read_text(), (project / STUB).read_text()
    path.write_text(text.replace("select id, email from", "select id, emal from"))
    assert "emal" in stubs(code=1).stderr
    assert (project / STUB).read_text() == before
    path.write_text(text)


def test_mypy_knows_the_columns(project: Path, stubs: Stubs) -> None:
    stubs()
    files = [project / "workflows" / "orders.py", project / "mistakes.py"]
    reported = mypy([*files, project / STUB], project, project / "typings", project)
    assert wrong_for_mypy(files[0], reported) == []
    assert wrong_for_mypy(files[1], reported) == []
    assert reported[project / STUB] == {}


def test_pyright_knows_the_columns(project: Path, stubs: Stubs) -> None:
    stubs()
    reported = pyright([project], project)
    files = [project / "workflows" / "orders.py", project / "mistakes.py"]
    assert wrong_for_pyright(files[0], reported) == []
    assert wrong_for_pyright(files[1], reported) == []
    assert reported[project / STUB] == {}


def statement(workflow: str, columns: dict[str, str]) -> Statement:
    fields = tuple(Field(name, Scalar(type_), False) for name, type_ in columns.items())
    text = "select * from t"
    return Statement("a.py", workflow, "row", "sql", text, None, "one", fields)


def test_all_names_of_the_package_are_in_it() -> None:
    for text in (stub([]), stub([statement("one", {"id": "bigint"})])):
        names = {line.split(" as ")[-1] for line in text.splitlines() if " as " in line}
        names |= {"__version__"} | ({"sql"} if "def sql" in text else set())
        assert names == set(perdure.__all__)


def test_one_text_with_several_rows_is_one_overload() -> None:
    one = statement("one", {"id": "bigint", "name": "text"})
    two = statement("two", {"id": "text", "name": "text", "more": "date"})
    text = stub([one, two])
    assert text.count("@overload") == 2
    body = '    """A row of one.row, two.row."""\n\n    id: Any\n    name: str\n'
    assert body + "    more: date\n" in text
    assert "from datetime import date\n" in text
