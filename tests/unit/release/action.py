"""Run the steps of a composite action as GitHub does, without GitHub.

Expressions are those that action.yml has: names, texts, `!=`, `==`, `||`, `&&` and
`!cancelled()`. A step that `uses` another action does nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NAME = re.compile(r"\b[a-z_]+(?:\.[\w-]+)+")
_WHO = {
    f"GIT_{who}_{what}": "a@example.com"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


@dataclass(slots=True)
class Job:
    """What became of an action's steps, and the summary that they wrote."""

    outcomes: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    @property
    def failed(self) -> list[str]:
        """The names of the steps that failed, in order."""
        return [name for name, each in self.outcomes.items() if each == "failure"]


def run_action(
    action: Mapping[str, Any],
    folder: Path,
    scratch: Path,
    without: Collection[str] = (),
    **contexts: Mapping[str, str],
) -> Job:
    """Run an action in a checkout, steps of some names taken for done.

    `contexts` are `inputs` and `github`.
    """
    job = Job()
    given = {name: each.get("default", "") for name, each in action["inputs"].items()}
    known = {f"inputs.{name}": value for name, value in given.items()}
    for context, values in contexts.items():
        known |= {f"{context}.{name}": value for name, value in values.items()}
    summary = scratch / "summary.md"
    summary.write_text("")
    for step in action["runs"]["steps"]:
        name = step.get("name", step.get("uses"))
        if not _is_due(step, known, bool(job.failed)):
            job.outcomes[name] = "skipped"
            continue
        outputs = scratch / "output"
        outputs.write_text("")
        files = {"GITHUB_OUTPUT": str(outputs), "GITHUB_STEP_SUMMARY": str(summary)}
        code = 0
        if "run" in step and name not in without:
            env = {n: str(evaluate(text, known)) for n, text in step["env"].items()}
            done = shell(step["run"], folder, **env, **files)
            code, job.said[name] = done.returncode, done.stdout + done.stderr
        job.outcomes[name] = "failure" if code else "success"
        if "id" in step:
            known[f"steps.{step['id']}.outcome"] = job.outcomes[name]
            for line in outputs.read_text().splitlines():
                key, _, value = line.partition("=")
                known[f"steps.{step['id']}.outputs.{key}"] = value
    job.summary = summary.read_text()
    return job


def _is_due(step: Mapping[str, Any], known: Mapping[str, str], failed: bool) -> bool:
    condition = str(step.get("if", "true"))
    always = "cancelled()" in condition
    return (always or not failed) and bool(evaluate(condition, known, bare=True))


def evaluate(text: str, known: Mapping[str, str], bare: bool = False) -> object:
    """Return the value of an expression; a text without `${{ }}` is itself."""
    found = re.fullmatch(r"\s*\$\{\{(.*)\}\}\s*", text, re.DOTALL)
    if found is None and not bare:
        return text
    expression = found[1] if found else text
    python = _NAME.sub(lambda name: repr(known.get(name[0], "")), expression)
    for ours, theirs in (
        ("!cancelled()", "True"),
        ("||", " or "),
        ("&&", " and "),
        ("true", "True"),
    ):
        python = python.replace(ours, theirs)
    return eval(python.strip(), {"__builtins__": {}})


def shell(
    text: str, folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a script as an action's step with `shell: bash` is run."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **_WHO, **variables, "PATH": path},
        check=False,
    )
