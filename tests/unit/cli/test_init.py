"""`perdure init`: what it writes, and that it overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from perdure.cli.init import init, skeleton
from perdure.frontend.python import read_file
from perdure.frontend.yaml import read
from perdure.source import Source

FILES = [
    ".gitignore",
    "README.md",
    "perdure.toml",
    "schema/001_shop.sql",
    "seed.sql",
    "workflows/order_approval.yaml",
]


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(init)
    return app


def files(folder: Path) -> list[str]:
    found = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    return sorted(path.as_posix() for path in found)


def test_a_project_is_made_in_a_new_folder(app: typer.Typer, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "shop"
    result = CliRunner().invoke(app, [str(folder)])
    assert result.exit_code == 0
    assert files(folder) == FILES
    assert result.stdout.splitlines() == sorted(
        f"wrote {folder / name}" for name in FILES
    )
    assert f"cd {folder}" in result.stderr


def test_a_project_is_made_in_the_working_folder(
    app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0
    assert files(tmp_path) == sorted([*FILES, "notes.txt"])
    assert "cd " not in result.stderr


def test_the_workflow_may_be_python(app: typer.Typer, tmp_path: Path) -> None:
    """It is the same workflow as in YAML."""
    result = CliRunner().invoke(app, [str(tmp_path), "--python"])
    assert result.exit_code == 0
    path = "workflows/order_approval.py"
    assert files(tmp_path) == sorted([path, *(n for n in FILES if ".yaml" not in n)])
    readings, _ = read_file(
        Source(path, (tmp_path / path).read_text()), lambda _: None, tmp_path
    )
    yaml = skeleton()["workflows/order_approval.yaml"]
    twin, _ = read(Source("order_approval.yaml", yaml), lambda _: None)
    assert readings == [(twin, [])]


@pytest.mark.parametrize("name", ["perdure.toml", "schema/001_shop.sql", "README.md"])
def test_nothing_is_written_when_a_file_is_in_the_way(
    app: typer.Typer, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert result.exit_code == 2
    assert f'"{tmp_path / name}" is in the way' in result.stderr
    assert files(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_in_place_of_a_folder_is_refused(
    app: typer.Typer, tmp_path: Path
) -> None:
    (tmp_path / "schema").write_text("mine")
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert result.exit_code == 2
    assert f'"{tmp_path / "schema"}" is in the way' in result.stderr
    assert files(tmp_path) == ["schema"]


def test_a_file_of_that_name_is_refused(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("mine")
    result = CliRunner().invoke(app, [str(tmp_path / "shop")])
    assert result.exit_code == 2
    assert "is in the way" in result.stderr
