"""The hook for pre-commit and the action for GitHub: what they call exists."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from perdure.cli.main import app

ROOT = Path(__file__).resolve().parents[3]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
WHO, WHAT = ("AUTHOR", "COMMITTER"), ("NAME", "EMAIL")
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


def commands() -> list[str]:
    """Return the calls of perdure in both, with their variables in place."""
    found = [hook["entry"] for hook in HOOKS]
    for step in ACTION["runs"]["steps"]:
        text = step.get("run", "").replace("\\\n", " ")
        found += re.findall(r"^\s*(perdure [^|>\n]*)", text, re.MULTILINE)
    return found


def test_all_calls_were_found() -> None:
    assert [each.split()[1] for each in commands()] == [
        "check",
        "compile",
        "check",
        "compile",
        "diff",
    ]


@pytest.mark.parametrize("command", commands())
def test_what_is_called_has_the_options(command: str) -> None:
    words = shlex.split(command)[1:]
    shown = CliRunner().invoke(app, [words[0], "--help"]).output
    for word in words:
        if word.startswith("--"):
            assert word in shown


def test_every_variable_of_the_action_is_set() -> None:
    for step in ACTION["runs"]["steps"]:
        used = set(re.findall(r"\$(PERDURE_\w+)", step.get("run", "")))
        assert used <= set(step.get("env", {}))
        assert ("shell" in step) == ("run" in step)
        assert "${{" not in step.get("run", "")  # a value would become code


def documented() -> list[Any]:
    """Return the steps of the page's job, as YAML."""
    page = (ROOT / "docs" / "releases.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (job,) = [found for each in blocks if "jobs" in (found := yaml.safe_load(each))]
    return list(job["jobs"]["workflows"]["steps"])


def test_the_page_names_the_inputs_of_the_action() -> None:
    (used,) = [each for each in documented() if "/perdure@" in each["uses"]]
    inputs = ACTION["inputs"]
    assert set(used["with"]) <= set(inputs)
    page = (ROOT / "docs" / "releases.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \| .*default `([^`]+)`", page, re.MULTILINE)
    assert dict(rows) == {name: each["default"] for name, each in inputs.items()}


@pytest.fixture
def checkout(tmp_path: Path, postgres: str) -> Path:
    """Return a clone of a project of which one workflow was changed and compiled."""
    origin = make_project(tmp_path / "origin", postgres)
    shell(
        "git init -q -b main && perdure compile && git add . && git commit -qm a",
        origin,
    )
    clone = tmp_path / "clone"
    shell(f"git clone -q {origin} {clone}", tmp_path)
    source = clone / "workflows" / "hello.yaml"
    source.write_text(source.read_text().replace("Hello", "Good morning"))
    return clone


def make_project(folder: Path, postgres: str) -> Path:
    (folder / "workflows").mkdir(parents=True)
    (folder / "perdure.toml").write_text(f"[postgres]\nurl = {postgres!r}\n")
    text = "workflow: hello\nsteps:\n  - return: Hello\n"
    (folder / "workflows" / "hello.yaml").write_text(text)
    return folder


def shell(
    text: str, folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a script as an action's step with `shell: bash` is run."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    given = {f"GIT_{who}_{what}": "a@example.com" for who in WHO for what in WHAT}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **given, **variables, "PATH": path},
    )


def step(name: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action, with its inputs at their defaults."""
    (found,) = [each for each in ACTION["runs"]["steps"] if each.get("name") == name]
    values = {"PERDURE_DIRECTORY": ACTION["inputs"]["directory"]["default"]}
    return shell(found["run"], folder, **values, **variables)


def test_the_steps_of_the_action_do_what_they_are_for(checkout: Path) -> None:
    assert step("Check the workflows", checkout).returncode == 0
    stale = step("Compare the migrations with the workflows", checkout)
    assert stale.returncode == 1
    assert "perdure compile" in stale.stdout + stale.stderr
    assert shell("perdure compile", checkout).returncode == 0
    assert step("Compare the migrations with the workflows", checkout).returncode == 0
    summary = checkout.with_name("summary.md")
    shown = {"PERDURE_BASE": "main", "GITHUB_STEP_SUMMARY": str(summary)}
    assert step("Show what changes", checkout, **shown).returncode == 0
    assert "hello" in summary.read_text()
    (checkout / "workflows" / "hello.yaml").write_text("workflow: hello\nsteps: []\n")
    broken = step("Check the workflows", checkout)
    assert broken.returncode == 1
    assert "::error title=WF118,file=workflows/hello.yaml" in broken.stdout


@pytest.mark.parametrize(
    ("path", "hooks"),
    [
        ("workflows/order.yaml", ["perdure-check", "perdure-compile"]),
        ("services/shop/workflows/order.py", ["perdure-check", "perdure-compile"]),
        ("schema/001_shop.sql", ["perdure-check", "perdure-compile"]),
        ("migrations/0001_order_v1.up.sql", ["perdure-compile"]),
        ("workflows.lock", ["perdure-compile"]),
        ("README.md", []),
    ],
)
def test_hooks_run_on_what_concerns_them(path: str, hooks: list[str]) -> None:
    wanted = [each["id"] for each in HOOKS if re.search(each["files"], path)]
    assert wanted == hooks
