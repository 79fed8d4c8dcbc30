"""`perdure diff` with what the lock or a database has: which files a version has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime.deploy.conftest import (
    Perdure,
    caller,
    execute,
    make_project,
)
from tests.runtime.deploy.test_revisions import rewrite

SCHEMA = "create table parts (id bigint primary key, name text not null);\n"
CALLED = """\
workflow: called
description: Tell the parts.
input:
  id: bigint
steps:
  - sql: delete from parts where id = :id
  - return: done
"""
CALLER = """\
workflow: caller
steps:
  - name: first
    call: called
    with: {id: 1}
  - return: "${first}"
"""
ADDED = "  - sleep: 1s\n  - return"


@pytest.fixture
def project(tmp_path: Path, postgres: str) -> Path:
    folder = make_project(tmp_path, postgres, CALLED, SCHEMA)
    (folder / "workflows" / "caller.yaml").write_text(CALLER)
    return folder


@pytest.fixture
def call(project: Path, monkeypatch: pytest.MonkeyPatch) -> Perdure:
    monkeypatch.setenv("NO_COLOR", "1")
    return caller(project)


def told(perdure: Perdure, *words: str) -> list[str]:
    """Return what `diff` says of workflows and steps, without their texts."""
    lines = perdure("diff", *words).stdout.splitlines()
    return [line for line in lines if line.lstrip()[:2] in ("+ ", "- ", "~ ", "> ")]


def test_each_version_is_compared_with_its_own_files(
    call: Perdure, project: Path, database: str, runtime: None
) -> None:
    call("compile")
    file = project / "workflows" / "called.yaml"
    rewrite(file, "  - return", ADDED)
    call("compile")
    call("rollback", "called")
    called = ["~ workflow called, changed: compatible", "  + sleep, added (steps[1])"]
    assert told(call) == called
    execute(database, SCHEMA)
    call("deploy", "--yes", "--database-url", database)
    assert told(call, "--db", database) == called

    moved = project / "workflows" / "there.yaml"  # beside the old one of that name
    file.rename(moved)
    assert told(call)[1:] == [
        "    ~ file: workflows/called.yaml -> workflows/there.yaml",
        *called[1:],
    ]
    moved.write_text(CALLED)
    assert [each for each in told(call) if "workflow" in each.split()[1:2]] == [
        "~ workflow caller, changed: compatible"
    ]


def test_what_makes_no_version_is_not_told_after_each_compile(
    call: Perdure, project: Path, database: str, runtime: None
) -> None:
    call("compile")
    execute(database, SCHEMA)
    call("deploy", "--yes", "--database-url", database)
    file = project / "workflows" / "called.yaml"
    rewrite(file, "Tell the parts", "Tell what the parts are")
    file.rename(project / "workflows" / "there.yaml")
    for words in ((), ("--db", database)):
        done = call("diff", *words, "--detailed-exitcode")
        assert done.stdout == "no differences\n"
    rewrite(project / "workflows" / "there.yaml", "  - return", ADDED)
    assert "metadata:" in call("diff").stdout
