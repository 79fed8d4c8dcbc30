"""Two branches that meet in the lock: what one did is made again, by what is said."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from perdure.release import Lock, read_lock
from perdure.source import Source
from tests.runtime.deploy.conftest import Perdure, caller
from tests.runtime.deploy.test_git import Git, git_in

WORKFLOW = "workflow: {}\ninput: {{n: integer}}\nsteps:\n  - return: {}\n"


@pytest.fixture
def project(tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / "workflows").mkdir()
    (tmp_path / "perdure.toml").write_text(f"[postgres]\nurl = {postgres!r}\n")
    return tmp_path


@pytest.fixture
def git(project: Path) -> Git:
    """Commit two versions of one workflow, and one of another."""
    git = git_in(project)
    git("init", "-q", "-b", "main")
    released(project, a="1", b="1")
    released(project, a="2")
    done(git)
    return git


@pytest.fixture
def perdure(project: Path) -> Perdure:
    return caller(project)


def released(project: Path, **texts: str) -> None:
    for name, text in texts.items():
        file = project / "workflows" / f"{name}.yaml"
        file.write_text(WORKFLOW.format(name, text))
    caller(project)("compile")


def done(git: Git) -> None:
    git("add", "-A")
    git("commit", "-q", "-m", "x")


def merged(git: Git, branch: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        git("merge", branch)


def kept(git: Git) -> None:
    """Keep the side of the branch that is checked out, its migrations only."""
    git("checkout", "--ours", "workflows.lock")
    for way in ("up", "down"):
        git("checkout", "HEAD", "--", f"migrations/*.{way}.sql")
    new = git("diff", "--name-only", "--cached", "--diff-filter=A", "HEAD")
    git("rm", "-qf", *(each for each in new.split() if each.startswith("migrations/")))


def lock_of(project: Path) -> Lock:
    lock, _ = read_lock(Source("", (project / "workflows.lock").read_text()))
    assert lock is not None
    return lock


def test_a_rollback_of_the_side_that_is_dropped_is_repeated(
    project: Path, git: Git, perdure: Perdure
) -> None:
    git("checkout", "-q", "-b", "back")
    perdure("rollback", "a")
    done(git)
    git("checkout", "-q", "main")
    released(project, b="2")
    done(git)
    merged(git, "back")
    told = perdure("compile", code=1).stderr
    command = "perdure rollback a --to 1"
    assert (
        f"--theirs has a, change 1: back to version 1, which is repeated by {command}"
        in told
    )
    assert "and repeat its rollbacks and retirements as said above" in told
    git("checkout", "--ours", "workflows.lock")  # its migrations are still there
    assert (
        f"and make again what they did: {command}\n"
        in perdure("compile", code=1).stderr
    )
    kept(git)
    perdure("compile")
    perdure(*command.split()[1:])
    current = lock_of(project).in_force
    assert [each.key for each in current] == ["a@1", "b@2"]
    assert perdure("compile", "--check").stdout.startswith("nothing to do")


def test_a_rollback_is_told_where_git_took_a_later_version_from_the_other_side(
    project: Path, git: Git, perdure: Perdure
) -> None:
    released(project, b="2")
    done(git)
    git("checkout", "-q", "-b", "back")
    perdure("rollback", "a")
    done(git)
    git("checkout", "-q", "main")
    released(project, a="3")
    perdure("rollback", "b")
    done(git)
    merged(git, "back")
    told = perdure("compile", code=1).stderr
    assert "--ours has b, change 1: back to version 1, which is repeated" in told
    assert "--theirs has a, change 1: back to version 1, which is repeated" in told


def test_what_only_the_dropped_side_has_is_taken_back_in_its_source(
    project: Path, git: Git, perdure: Perdure
) -> None:
    """Git takes its changes over without a conflict, into the lock of either side."""
    git("checkout", "-q", "-b", "back")
    released(project, a="3")
    released(project, a="4")
    perdure("rollback", "a")
    perdure("retire", "a@2", "--offline")
    done(git)
    git("checkout", "-q", "main")
    released(project, a="5")
    done(git)
    merged(git, "back")
    git("checkout", "--ours", "workflows")
    told = perdure("compile", code=1).stderr
    assert re.findall("--(?:ours|theirs) has a, .*", told) == [
        "--theirs has a, change 1: back to version 3, which only that side has: take "
        'the sources of "a" back to it before you compile',
        "--theirs has a, change 2: retire version 2, which is repeated by perdure "
        "retire a@2",
    ]
    kept(git)
    released(project, a="3")
    perdure("retire", "a@2", "--offline")
    lock = lock_of(project)
    assert [each.key for each in lock.in_force] == ["a@4", "b@1"]
    assert lock.versions("a") == [1, 3, 4]


def test_what_a_merge_left_of_a_workflow_that_was_retired(
    project: Path, git: Git, perdure: Perdure
) -> None:
    git("checkout", "-q", "-b", "gone")
    (project / "workflows" / "b.yaml").unlink()
    perdure("retire", "b", "--offline")
    done(git)
    lock = project / "workflows.lock"
    lock.write_text(git("show", "main:workflows.lock") + "\n")
    assert "what they did: perdure retire b\n" in perdure("compile", code=1).stderr
