"""`perdure cost` and `perdure compile --explain`, as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perdure.cli.main import app

WORKFLOW = """workflow: tidy
steps:
  - let: {careful: false}
  - name: old
    sql: select id, what from shop.audit
  - if: careful  # perdure: ignore[WF405] to be switched on by hand
    then:
      - sql: insert into shop.audit (what) values ('careful')
  - foreach: o in old
    do:
      - sql: delete from shop.audit where id = :o.id
"""
SCHEMA = Path(__file__).parents[2] / "golden" / "schema.sql"


@pytest.fixture
def project(short_dir: Path) -> Path:
    folder = short_dir / "tidy"
    (folder / "workflows").mkdir(parents=True, exist_ok=True)
    (folder / "workflows" / "tidy.yaml").write_text(WORKFLOW)
    (folder / "schema.sql").write_text(SCHEMA.read_text())
    (folder / "perdure.toml").write_text('schema = "schema.sql"\n')
    return folder


def perdure(project: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words, "-C", str(project)])
    return done.exit_code, done.stdout


def test_compile_explains_what_it_did(project: Path) -> None:
    code, text = perdure(project, "compile", "--check", "--explain", "--json")
    data: dict[str, Any] = json.loads(text)
    (report,) = data["optimised"]
    assert code == 1
    assert (report["before"], report["after"]) == (8, 5)
    assert [(each["path"], each["what"]) for each in report["rewrites"]] == [
        ("steps[0]", "let"),
        ("steps[1]", "columns"),
        ("steps[2]", "dead"),
    ]


def test_the_cost_on_another_target(project: Path) -> None:
    code, text = perdure(
        project, "cost", "tidy", "--json", "--target", "pg_durable>=0.2.8"
    )
    data: dict[str, Any] = json.loads(text)
    assert code == 0
    assert data["target"] == "pg_durable>=0.2.8"
    assert sum(each["nodes"] for each in data["steps"]) == data["nodes"]
    (loop,) = [each for each in data["steps"] if each["kind"] == "foreach"]
    assert loop["rows_per_second"] == 8


def test_what_is_refused_has_no_cost(project: Path) -> None:
    words = ("cost", "tidy", "--target", "pg_durable>=0.2.4")
    assert perdure(project, *words)[0] == 1


def test_a_target_that_does_not_exist(project: Path) -> None:
    assert perdure(project, "cost", "tidy", "--target", "oracle")[0] == 2
