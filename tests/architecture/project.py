"""What the tests of this folder look at: the project's files, and their imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "compiler" / "perdure"

FOLDERS = (
    ".ci",
    "bench",
    "compiler",
    "docs",
    "examples",
    "grammar",
    "runtime_sql",
    "templates",
    "tests",
)
_GENERATED = {"__pycache__", ".perdure", "build", "dist"}


def project_files() -> Iterator[Path]:
    """Yield every file that a checkout holds, as far as it can be told without git."""
    for path in ROOT.iterdir():
        if path.is_file() and path.suffix != ".lock" and path.name != "LICENSE":
            yield path
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            generated = _GENERATED & set(path.relative_to(ROOT).parts)
            if path.is_file() and not generated and path.suffix != ".pyc":
                yield path


def python_files() -> Iterator[Path]:
    """Yield the Python files of the checkout."""
    return (path for path in project_files() if path.suffix == ".py")


@dataclass(frozen=True, slots=True)
class Import:
    """`module` (dotted, absolute) is imported on a line of the file `path`."""

    path: Path
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} imports {self.module}"


def imports_of(path: Path) -> Iterator[Import]:
    """Yield all imports of a file, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (
                Import(path, node.lineno, _imported(module, alias.name))
                for alias in node.names
            )


def _imported(module: str, name: str) -> str:
    """Return the module that `from module import name` reaches."""
    parts = module.split(".")[1:]
    target = PACKAGE.joinpath(*parts, name)
    is_module = target.is_dir() or target.with_suffix(".py").is_file()
    return f"{module}.{name}" if module.startswith("perdure") and is_module else module


def module_of(path: Path) -> str:
    """Return the dotted name below `perdure` of a file of the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")
