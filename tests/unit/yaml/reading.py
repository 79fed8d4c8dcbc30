"""Read workflows given as text, and point at what findings mark."""

from __future__ import annotations

import textwrap

from perdure.diagnostics import Diagnostic
from perdure.frontend.yaml import read
from perdure.source import Source
from perdure.syntax.tree import Step, Workflow

PATH = "workflows/w.yaml"


def workflow(steps: str) -> str:
    """Return a file with these steps."""
    return "workflow: w\nsteps:\n" + textwrap.indent(steps.strip("\n"), "  ") + "\n"


def read_text(
    text: str, files: dict[str, str] | None = None
) -> tuple[Workflow | None, list[Diagnostic]]:
    """Read a file, with the SQL files that it may name."""

    def load(name: str) -> Source | None:
        found = (files or {}).get(name)
        return None if found is None else Source(f"workflows/{name}", found)

    return read(Source(PATH, text), load)


def read_steps(steps: str, files: dict[str, str] | None = None) -> tuple[Step, ...]:
    """Read steps in which nothing is wrong."""
    tree, found = read_text(workflow(steps), files)
    assert found == []
    assert tree is not None
    return tree.steps


def read_one(steps: str, files: dict[str, str] | None = None) -> Step:
    """Read a single step in which nothing is wrong."""
    (step,) = read_steps(steps, files)
    return step


def marked(text: str, finding: Diagnostic) -> str:
    """Return the text that a finding points at."""
    assert finding.span is not None
    assert finding.span.path == PATH
    return text[finding.span.start : finding.span.end]


def shown(text: str) -> list[tuple[str, str]]:
    """Return code and marked text of all findings of a file."""
    _, found = read_text(text)
    return [(each.code, marked(text, each)) for each in found]
