"""The limits of the house style that a machine can hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.project import PACKAGE, ROOT, project_files, python_files

MAX_PYTHON_LINES = 500
MAX_SQL_LINES = 400
MAX_FUNCTION_LINES = 60

# The whole runtime of a release, as it was, for the tests of upgrades.
RELEASED = re.compile(r"\d+\.\d+\.\d+\.sql")

# Words that say that something is not finished. Written in two pieces, so that this
# file does not find itself.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:home|Users|root)/\w")
TEXT = {".py", ".md", ".sql", ".yaml", ".toml", ".lark", ".json", ".j2", ".txt", ""}


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def places(pattern: re.Pattern[str], paths: Iterator[Path]) -> list[str]:
    """Return `path:line` of all lines that match."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(lines(path), 1)
        if pattern.search(line)
    ]


def text_files() -> Iterator[Path]:
    return (path for path in project_files() if path.suffix in TEXT)


@pytest.mark.parametrize(
    ("suffix", "limit"), [(".py", MAX_PYTHON_LINES), (".sql", MAX_SQL_LINES)]
)
def test_files_are_short(suffix: str, limit: int) -> None:
    sources = [
        path
        for path in project_files()
        if path.suffix == suffix
        and "golden" not in path.parts
        and not RELEASED.fullmatch(path.name)
    ]
    long = {
        str(path.relative_to(ROOT)): count
        for path in sources
        if (count := len(lines(path))) > limit
    }
    assert long == {}


def test_functions_are_short() -> None:
    long = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION_LINES:
                    place = f"{path.relative_to(ROOT)}:{node.lineno}"
                    long.append(f"{place} {node.name}: {length} lines")
    assert long == []


def test_every_silenced_type_error_names_its_code() -> None:
    bare = re.compile(r"#\s*type:\s*ignore(?!\[[\w-]+(, ?[\w-]+)*\])")
    assert places(bare, python_files()) == []


def test_every_silenced_lint_names_its_code() -> None:
    bare = re.compile(r"#\s*noqa(?!: ?[A-Z]+\d+)", re.IGNORECASE)
    assert places(bare, python_files()) == []


def test_nothing_is_left_for_later() -> None:
    assert places(UNFINISHED, text_files()) == []


def test_no_file_names_a_path_of_a_machine() -> None:
    here = re.compile(re.escape(str(ROOT)) + r"\b")
    assert places(MACHINE_PATH, text_files()) == []
    assert places(here, text_files()) == []
