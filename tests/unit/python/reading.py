"""Read Python text in tests."""

from __future__ import annotations

import textwrap
from pathlib import Path

from perdure.diagnostics import Diagnostic
from perdure.frontend.python import read_file
from perdure.source import Source, Span
from perdure.syntax.tree import Step, Workflow

HEAD = "from perdure import *\nfrom perdure import sql, workflow\n"


def read_source(
    text: str, folder: Path | None = None
) -> list[tuple[Workflow | None, list[Diagnostic]]]:
    """Return the workflows of a file and their findings."""
    readings, _ = read_file(Source("f.py", text), lambda _: None, folder or Path("/"))
    return readings


def body(text: str, inputs: str = "order_id: int", head: str = "") -> str:
    """Return a file with one workflow that has these lines."""
    lines = textwrap.indent(textwrap.dedent(text), "    ")
    return f"{HEAD}{head}\n@workflow\ndef flow({inputs}):\n{lines}\n"


def steps(text: str, inputs: str = "order_id: int", head: str = "") -> tuple[Step, ...]:
    """Return the steps of a body that has no findings."""
    ((workflow, found),) = read_source(body(text, inputs, head))
    assert found == []
    assert workflow is not None
    return workflow.steps


def findings(
    text: str, inputs: str = "order_id: int", head: str = ""
) -> list[tuple[str, str]]:
    """Return the codes of what is found in a body, and the text that they point at."""
    whole = body(text, inputs, head)
    return [
        (each.code, at(whole, each.span))
        for _, found in read_source(whole)
        for each in found
    ]


def at(text: str, span: Span | None) -> str:
    """Return the text that a span covers."""
    assert span is not None
    return text[span.start : span.end]
