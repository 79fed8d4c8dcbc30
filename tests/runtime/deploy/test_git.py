"""`diff REV` and `verify --against REV`: which commit is meant, and what it has."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runtime.deploy.conftest import caller

WORKFLOW = "workflow: {name}\nsteps:\n  - return: {text}\n"
Git = Callable[..., str]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


@pytest.fixture
def git(top: Path) -> Git:
    """Return what calls git in the repository."""
    caller_of = git_in(top)
    caller_of("init", "-q", "-b", "main")
    return caller_of


def git_in(folder: Path) -> Git:
    who = {f"GIT_{each}_{what}": "x" for each in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")}  # fmt: skip

    def call(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", folder, *words],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, **who},
        )
        return done.stdout.strip()

    return call


@pytest.fixture
def project(
    top: Path, git: Git, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Return a project below the root of the repository, committed."""
    monkeypatch.setenv("NO_COLOR", "1")
    folder = top / "services" / "shop"
    (folder / "workflows").mkdir(parents=True)
    (folder / "perdure.toml").write_text(f"[postgres]\nurl = {postgres!r}\n")
    say(folder, "one", "1")
    commit(git)
    return folder


def say(project: Path, name: str, text: str) -> None:
    file = project / "workflows" / f"{name}.yaml"
    file.write_text(WORKFLOW.format(name=name, text=text))


def commit(git: Git) -> None:
    git("add", "-A")
    git("commit", "-q", "-m", "x")


def changed(project: Path, revision: str) -> list[str]:
    """Return the workflows that differ, with their signs."""
    shown = caller(project)("diff", revision).stdout
    words = [each.split() for each in shown.splitlines() if " workflow " in each]
    return [f"{each[0]}{each[2].rstrip(',')}" for each in words if each[0] in "+-~"]


def refused(project: Path, revision: str) -> str:
    return str(caller(project)("diff", revision, code=2).stderr)


def test_three_dots_mean_where_the_branch_began(project: Path, git: Git) -> None:
    git("checkout", "-q", "-b", "change")
    say(project, "two", "2")
    commit(git)
    git("checkout", "-q", "main")
    say(project, "one", "3")
    commit(git)
    git("checkout", "-q", "change")
    assert changed(project, "main") == ["~one", "+two"]
    assert changed(project, "main...") == ["+two"]
    assert changed(project, "main...HEAD") == ["+two"]
    git("checkout", "-q", "--detach")
    assert changed(project, "main...") == ["+two"]
    caller(project)("verify", "--against", "main...")


def test_files_that_are_not_committed_are_compared(project: Path) -> None:
    say(project, "two", "2")
    assert changed(project, "HEAD...") == ["+two"]


@pytest.mark.parametrize("revision", ["main..change", "main...change", "main.."])
def test_two_revisions_are_refused(project: Path, git: Git, revision: str) -> None:
    git("branch", "change")
    message = refused(project, revision)
    assert f'"{revision}" names two revisions' in message
    assert 'name one: "main"' in message


def test_commits_are_named_as_git_names_them(project: Path, git: Git) -> None:
    before = git("rev-parse", "HEAD").strip()
    git("commit", "-q", "--allow-empty", "-m", "then: a..b")
    say(project, "two", "2")
    commit(git)
    git("tag", "-a", "v1", "-m", "x")
    git("branch", "-q", "--track", "change")
    for revision in (":/then", ":/then...", "HEAD^{/then: a..b}...", "HEAD@{1}"):
        assert changed(project, revision) == ["+two"], revision
    assert changed(project, before) == ["+two"]
    for revision in ("v1", "v1^{}", "change@{upstream}", "@"):
        assert changed(project, revision) == [], revision


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        (":/nothing", 'git knows no revision ":/nothing"\n'),
        ("^HEAD", 'git knows no revision "^HEAD"\n'),
        ("HEAD@{9}", "git knows no revision \"HEAD@{9}\" (log for 'HEAD' only has "),
        ("@{u}", "(no upstream configured for branch 'main')"),
        ("HEAD:services", '"HEAD:services" is a tree, and a commit is needed'),
    ],
)
def test_what_names_no_commit_is_told(
    project: Path, revision: str, message: str
) -> None:
    assert message in refused(project, revision)


@pytest.mark.parametrize("revision", ["", "..."])
def test_a_variable_that_is_not_set_is_noticed(project: Path, revision: str) -> None:
    assert "the revision is empty" in refused(project, revision)


def test_branches_with_nothing_in_common_are_told(project: Path, git: Git) -> None:
    git("checkout", "-q", "--orphan", "alone")
    say(project, "two", "2")
    commit(git)
    assert 'that HEAD and "main" have in common' in refused(project, "main...")


def shallow_clone(project: Path, top: Path, git: Git) -> Path:
    """Commit a change on a branch; return a clone that has this commit only."""
    git("checkout", "-q", "-b", "change")
    say(project, "two", "2")
    commit(git)
    clone = top.with_name("clone")
    url = f"file://{top}"
    git("clone", "-q", "--depth", "1", "--branch", "change", url, str(clone))
    return clone


def test_a_clone_without_the_commit_says_how_to_get_it(
    project: Path, top: Path, git: Git
) -> None:
    clone = shallow_clone(project, top, git)
    there = clone / "services" / "shop"
    message = refused(there, "origin/main...")
    assert 'git knows no revision "origin/main"' in message
    assert "fetch-depth: 0 of actions/checkout" in message
    assert follow(message, clone) == 0
    assert changed(there, "origin/main...") == ["+two"]


def test_a_clone_where_the_histories_do_not_meet(
    project: Path, top: Path, git: Git
) -> None:
    clone = shallow_clone(project, top, git)
    there = clone / "services" / "shop"
    git_in(clone)("fetch", "-q", "--depth", "1", "origin", "main:main")
    message = refused(there, "main...")
    assert 'that HEAD and "main" have in common' in message
    assert "fetch-depth: 0 of actions/checkout" in message
    assert follow(message, clone) == 0
    assert changed(there, "main...") == ["+two"]


@pytest.mark.parametrize(
    ("revision", "then"),
    [
        ("main...", "FETCH_HEAD..."),
        ("HEAD~", "HEAD~"),
        ("HEAD^...", "HEAD^..."),
        (":/none", "HEAD^"),
    ],
)
def test_what_a_shallow_clone_is_told_for_other_names(
    project: Path, top: Path, git: Git, revision: str, then: str
) -> None:
    """No fetch of a branch that is called HEAD~."""
    clone = shallow_clone(project, top, git)
    message = refused(clone / "services" / "shop", revision)
    assert ("FETCH_HEAD" in message) == ("FETCH_HEAD" in then)
    assert follow(message, clone) == 0
    assert changed(clone / "services" / "shop", then) == ["+two"]


def follow(message: str, clone: Path) -> int:
    """Run the command of git that a message tells."""
    words = message[message.index("git fetch") :].split(", and name")[0].split()
    return subprocess.run(words, cwd=clone, check=False, capture_output=True).returncode


def test_a_branch_that_was_not_fetched(project: Path, git: Git) -> None:
    git("remote", "add", "upstream", "nowhere")
    message = refused(project, "upstream/main")
    assert "git fetch upstream +refs/heads/main:refs/remotes/upstream/main" in message
    assert "help" not in refused(project, "mian")


@pytest.mark.usefixtures("git")
def test_a_repository_without_commits(top: Path, postgres: str) -> None:
    (top / "perdure.toml").write_text(f"[postgres]\nurl = {postgres!r}\n")
    (top / "workflows").mkdir()
    say(top, "one", "1")
    assert "the repository has no commits yet" in refused(top, "HEAD")


def test_what_a_project_is_compared_with_before_it_was_there(
    project: Path, git: Git
) -> None:
    project.rename(project.with_name("moved"))
    moved = project.with_name("moved")
    assert changed(moved, "HEAD") == ["+one"]
    commit(git)
    assert changed(moved, "HEAD") == []
    said = caller(moved)("verify", "--against", "HEAD~").stdout
    assert "nothing to verify" in said


def test_every_committed_file_is_read(project: Path, top: Path, git: Git) -> None:
    """Also what `git archive` leaves out, links, and a schema outside of the folder."""
    (top / "db.sql").write_text("create table word (word text);\n")
    (top / ".gitattributes").write_text("*.yaml export-ignore\n")
    (project / "link").symlink_to("/nowhere")
    settings = project / "perdure.toml"
    settings.write_text('schema = "../../db.sql"\n' + settings.read_text())
    text = WORKFLOW.format(name="all", text="${found.n}").replace(
        "steps:", "steps:\n  - {name: found, sql: select count(*) as n from word}"
    )
    (project / "workflows" / "all.yaml").write_text(text)
    commit(git)
    assert changed(project, "HEAD") == []
    assert changed(project, "HEAD~") == ["+all"]


def test_the_index_and_a_sparse_checkout_stay_as_they_are(
    project: Path, git: Git
) -> None:
    say(project, "two", "2")
    git("add", "services/shop/workflows/two.yaml")
    before = git("status", "--porcelain")
    assert changed(project, "HEAD") == ["+two"]
    assert git("status", "--porcelain") == before
    git("commit", "-q", "-m", "x")
    git("sparse-checkout", "set", "--no-cone", "services/shop", "!one.yaml")
    assert not (project / "workflows" / "one.yaml").exists()
    assert changed(project, "HEAD") == ["-one"]


def test_line_ends_of_windows_are_no_change(project: Path) -> None:
    file = project / "workflows" / "one.yaml"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert changed(project, "HEAD") == []


def test_outside_of_git(project: Path, top: Path, tmp_path: Path) -> None:
    project.rename(tmp_path / "alone")
    assert top.exists()
    message = refused(tmp_path / "alone", "HEAD")
    assert "is in no git repository that can be read" in message
