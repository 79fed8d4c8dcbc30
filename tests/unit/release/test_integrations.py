"""The hook for pre-commit and the action for GitHub: what they call exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from perdure.cli.main import app

ROOT = Path(__file__).resolve().parents[3]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
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
