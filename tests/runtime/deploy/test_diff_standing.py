"""`perdure diff`, and what is in force or there: rollbacks and retirements."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runtime.deploy.conftest import Perdure, caller, execute, make_project
from tests.runtime.deploy.test_diff_versions import CALLED, CALLER, SCHEMA, told
from tests.runtime.deploy.test_revisions import commit, rewrite


@pytest.fixture
def project(tmp_path: Path, postgres: str) -> Path:
    folder = make_project(tmp_path, postgres, CALLED, SCHEMA)
    (folder / "workflows" / "caller.yaml").write_text(CALLER)
    return folder


@pytest.fixture
def call(project: Path, monkeypatch: pytest.MonkeyPatch) -> Perdure:
    monkeypatch.setenv("NO_COLOR", "1")
    return caller(project)


@pytest.fixture
def released(call: Perdure, project: Path) -> str:
    """Commit a second version that callers break with; return what it says."""
    call("compile")
    commit(project)
    file = project / "workflows" / "called.yaml"
    rewrite(file, "id: bigint", "id: bigint\n  why: text")
    (project / "workflows" / "caller.yaml").unlink()
    call("compile")
    commit(project)
    return file.read_text()


BACK = [
    "~ workflow called, changed: breaking",
    "    ~ version: 2 -> 1",
    "    - input why: text",
]


def test_a_rollback_is_a_change_of_what_is_in_force(
    call: Perdure, project: Path, released: str
) -> None:
    call("rollback", "called")
    assert told(call, "HEAD") == BACK
    assert "warning[WF709]" in call("diff", "HEAD").stderr
    call("diff", "HEAD", "--fail-on", "breaking", code=1)
    call("diff", "HEAD", "--detailed-exitcode", code=2)
    (found,) = json.loads(call("diff", "HEAD", "--json").stdout)["workflows"]
    assert [each["rule"] for each in found["interface"]] == [
        "rolled-back",
        "input-removed",
    ]
    commit(project)
    assert told(call, "HEAD~1") == BACK
    assert call("diff", "HEAD").stdout == "no differences\n"

    file = project / "workflows" / "called.yaml"
    file.write_text(CALLED)  # the sources follow
    done = call("diff", "HEAD", "--detailed-exitcode")
    assert (done.stdout, done.stderr) == ("no differences\n", "")
    assert told(call, "HEAD~1") == BACK
    file.write_text(released.replace("why: text", "why: text?"))  # mended instead
    assert told(call, "HEAD") == [
        "~ workflow called, changed: compatible",
        "    + input why: text?",
    ]


def test_a_rollback_that_a_database_has_not_yet(
    call: Perdure, released: str, database: str, runtime: None
) -> None:
    execute(database, SCHEMA)
    deploy = ("deploy", "--yes", "--database-url", database)
    call(*deploy)
    call("rollback", "called")
    removed = ["- workflow caller, removed: breaking"]
    assert told(call, "--db", database) == BACK + removed
    call(*deploy)
    assert told(call, "--db", database) == removed
    call("rollback", "called", "--to", "2")
    assert told(call, "--db", database)[:3] == [
        "~ workflow called, changed: breaking",
        "    ~ version: 1 -> 2",
        "    + input why: text",
    ]


def test_a_caller_of_what_was_rolled_back_fails_the_diff(
    call: Perdure, project: Path, released: str
) -> None:
    call("rollback", "called")
    steps = CALLER.replace("{id: 1}", "{id: 1, why: x}")
    (project / "workflows" / "caller.yaml").write_text(steps)
    for words in ((), ("HEAD",), ("HEAD", "--detailed-exitcode")):
        assert "error[WF710]" in call("diff", *words, code=1).stderr


def test_a_lock_that_cannot_be_used_is_no_lock_without_rollbacks(
    call: Perdure, project: Path, released: str
) -> None:
    call("rollback", "called")
    other = project / "migrations" / "0001_other.up.sql"
    other.write_text("")
    assert "error[WF705]" in call("diff", "HEAD", code=1).stderr
    other.unlink()
    lock = project / "workflows.lock"
    good = lock.read_text()
    lock.write_text(f"<<<<<<< HEAD\n{good}=======\n>>>>>>> other\n")
    assert "error[WF704]" in call("diff", "HEAD", code=1).stderr
    commit(project)
    lock.write_text(good)
    done = call("diff", "HEAD")
    assert "note: what was in force at HEAD is taken from its sources" in done.stderr
    assert done.stdout.startswith("~ workflow called, changed")


RETIRED = [
    "~ workflow called, changed: compatible",
    "    ~ version 1: in use -> retired",
]


def test_versions_that_are_retired_are_told(
    call: Perdure, project: Path, released: str, database: str, runtime: None
) -> None:
    execute(database, SCHEMA)
    call("deploy", "--yes", "--database-url", database)
    execute(database, "select workflows.called_v1(1)")
    call("retire", "called@1", "--offline")
    assert not {*RETIRED} & {*told(call)}  # it is no matter of the sources
    assert told(call, "HEAD") == RETIRED
    (point,) = json.loads(call("diff", "HEAD", "--json").stdout)["workflows"][0][
        "interface"
    ]
    assert (point["rule"], point["name"]) == ("version-retired", "1")
    assert "| `~ version 1: in use -> retired` | compatible |" in (
        call("diff", "HEAD", "--format", "markdown").stdout
    )
    assert "version 1: in use" in call("diff", "HEAD", "--format", "html").stdout
    assert told(call, "--db", database)[:2] == RETIRED
    lines = call("diff", "--db", database).stdout.splitlines()
    assert (
        "  ! 1 run stands in the way of the retirement of called@1: deploying stops "
        "until it has ended"
    ) in lines


def test_a_workflow_that_is_retired_after_its_source_went(
    call: Perdure, project: Path, released: str
) -> None:
    (project / "workflows" / "called.yaml").unlink()
    commit(project)
    call("retire", "called", "--offline")
    assert told(call, "HEAD") == [
        "- workflow called, removed: breaking",
        "    ~ version 1: in use -> retired",
        "    ~ version 2: in use -> retired",
    ]


def test_a_rollback_to_what_does_not_fit_the_schema(
    call: Perdure, project: Path
) -> None:
    call("compile")
    rewrite(project / "workflows" / "called.yaml", "delete from parts where", "select")
    rewrite(project / "workflows" / "called.yaml", "id = :id", ":id")
    call("compile")
    commit(project)
    rewrite(project / "schema.sql", "id bigint", "nr bigint")
    call("rollback", "called")
    lines = call("diff", "HEAD").stdout.splitlines()
    assert lines[0] == "~ workflow called, changed: breaking"
    assert lines[1].startswith("  what is to be in force does not compile")
    assert lines[3] == "    ~ version: 2 -> 1"


def test_the_lock_of_another_branch_is_not_rolled_back(
    call: Perdure, project: Path, released: str
) -> None:
    file = project / "workflows" / "called.yaml"
    kept = {
        each: each.read_text()
        for each in (project / "workflows.lock", *(project / "migrations").iterdir())
    }
    rewrite(file, "why: text", "why: text?")
    call("compile")
    commit(project)
    for each in {*(project / "migrations").iterdir()} - kept.keys():
        each.unlink()
    for each, text in kept.items():
        each.write_text(text)
    file.write_text(released)
    assert "    ~ version: 3 -> 2" not in told(call, "HEAD")
