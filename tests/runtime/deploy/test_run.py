"""`perdure run` on a database that is not embedded: no more than it needs, unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime.deploy.conftest import WORKFLOW, Perdure, execute
from tests.runtime.deploy.test_terminal import asked

OTHER = WORKFLOW.replace("workflow: hello", "workflow: zebra")
CALLER = """\
workflow: asks
steps:
  - start: hello
    with: {who: you}
"""


def write(project: Path, text: str) -> None:
    (project / "workflows" / f"{text.split()[1]}.yaml").write_text(text)


def missing(perdure: Perdure) -> list[str]:
    """Return what the database lacks of the lock."""
    told = perdure("drift", code=1).stdout.splitlines()
    return sorted(e.split()[0] for e in told if "is in the lock, and not" in e)


@pytest.mark.usefixtures("runtime")
def test_nothing_is_deployed_for_a_run_unasked(perdure: Perdure, project: Path) -> None:
    write(project, OTHER)
    perdure("compile")
    refused = perdure("run", "hello", "who=you", "--detach", code=2).stderr
    assert "hello@1  migrations/0001_hello_v1.up.sql" in refused
    assert "zebra" not in refused
    assert "perdure deploy brings all that is compiled" in refused
    assert missing(perdure) == ["hello@1", "zebra@1"]


@pytest.mark.usefixtures("runtime")
def test_a_run_deploys_what_it_needs_and_no_more(
    perdure: Perdure, project: Path
) -> None:
    perdure("compile")
    perdure("deploy", "--yes")
    write(project, WORKFLOW.replace("Hello", "Hi"))
    write(project, OTHER)
    write(project, CALLER)
    perdure("compile")
    perdure("retire", "hello@1")
    assert missing(perdure) == ["asks@1", "hello,", "hello@2", "zebra@1"]
    told = perdure("run", "asks", "--yes", "--detach").stderr
    assert [line.split()[-1] for line in told.splitlines()] == ["hello@2", "asks@1"]
    assert missing(perdure) == ["hello,", "zebra@1"]
    perdure("run", "asks", "--detach")  # nothing is left to be asked for
    perdure("deploy", "--yes")
    assert "no drift" in perdure("drift").stdout


@pytest.mark.usefixtures("runtime")
def test_the_version_that_is_run_is_the_last_one_that_is_deployed(
    perdure: Perdure, project: Path
) -> None:
    for said in ("Hello", "Hi", "Hey"):
        write(project, WORKFLOW.replace("Hello", said))
        perdure("compile")
    perdure("run", "hello@2", "who=you", "--yes", "--detach")
    assert missing(perdure) == ["hello@3"]


@pytest.mark.usefixtures("runtime")
def test_a_person_is_asked(perdure: Perdure, project: Path) -> None:
    perdure("compile")
    words = ("run", "hello", "who=you", "--detach")
    code, told = asked(project, "n", words)
    assert (code, missing(perdure)) == (1, ["hello@1"])
    assert "bring this there, and start the run?" in told
    code, told = asked(project, "y", words)
    assert code == 0, told
    assert "deployed hello@1" in told
    assert "no drift" in perdure("drift").stdout


@pytest.mark.usefixtures("runtime")
def test_what_is_not_compiled_is_not_tried_out_unasked(perdure: Perdure) -> None:
    words = ("run", "hello", "who=you", "--detach")
    assert "workflows_uncommitted.hello_" in perdure(*words, code=2).stderr
    assert "trying it out as hello_" in perdure(*words, "--yes").stderr
    assert "trying it out as hello_" in perdure(*words).stderr  # it is there


def test_the_runtime_is_asked_for_too(perdure: Perdure, project: Path) -> None:
    perdure("compile")
    words = ("run", "hello", "who=you", "--detach")
    assert "  the runtime, " in perdure(*words, code=2).stderr
    assert "the runtime is not installed" in perdure("ps", code=2).stderr
    assert "installed the runtime" in perdure(*words, "--yes").stderr


@pytest.mark.usefixtures("runtime")
def test_a_run_is_not_deployed_over_what_another_branch_deployed(
    perdure: Perdure, project: Path, database: str
) -> None:
    perdure("compile")
    perdure("deploy", "--yes")
    write(project, WORKFLOW.replace("Hello", "Hi"))
    perdure("compile")
    ahead = "update perdure.workflow_versions set digest = 'other'"
    execute(database, ahead)
    told = perdure("run", "hello", "who=you", "--yes", "--detach", code=1).stderr
    assert "hello@1 was deployed from other sources" in told


@pytest.mark.usefixtures("runtime")
def test_what_calls_a_version_that_was_rolled_back_is_not_tried_out(
    perdure: Perdure, project: Path
) -> None:
    perdure("compile")
    write(project, WORKFLOW.replace("Hello", "Hi"))
    perdure("compile")
    perdure("rollback", "hello")
    perdure("deploy", "--yes")
    write(project, CALLER)
    write(project, OTHER)
    words = ("--yes", "--detach")
    told = perdure("run", "asks", *words, code=1).stderr
    assert 'error[WF710]: "asks" is checked against version 2 of "hello"' in told
    assert "WF710" not in perdure("run", "zebra", "who=you", *words).stderr
    told = perdure("run", "hello", "who=you", *words).stderr
    assert "hello@1 is current and is started: the sources are those of" in told
    assert "hello@1" not in perdure("run", "hello@2", "who=you", *words).stderr
