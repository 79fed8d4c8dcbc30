"""Silence findings where the file says so, and find comments that silence nothing.

`# perdure: ignore[WF412] reason` counts for the line it stands on; on a line of its
own, for the next line that is no comment. If a step begins there, it counts for the
whole step. Errors can't be silenced: what does not compile does not compile.
"""

from __future__ import annotations

from perdure.diagnostics import Diagnostic, warning
from perdure.source import Source
from perdure.syntax.tree import Ignore, Workflow
from perdure.syntax.walk import walk

CODE = "WF184"


def apply_ignores(
    workflow: Workflow, source: Source, found: list[Diagnostic]
) -> list[Diagnostic]:
    """Return the findings that remain, with one for each ignore without effect."""
    remaining = list(found)
    for ignore in workflow.ignores:
        first, last = _lines(workflow, source, ignore)
        for code in ignore.codes:
            hit = [
                each
                for each in remaining
                if each.code == code.text
                and each.severity == "warning"
                and each.span is not None
                and each.span.path == source.path
                and first <= source.position(each.span.start)[0] <= last
            ]
            remaining = [each for each in remaining if each not in hit]
            if not hit:
                remaining.append(
                    warning(
                        CODE,
                        code.span,
                        f'there is no finding "{code.text}" here to ignore',
                        help="remove the comment",
                    )
                )
    return remaining


def _lines(workflow: Workflow, source: Source, ignore: Ignore) -> tuple[int, int]:
    """Return the first and last line that an ignore counts for."""
    line = ignore.line
    while line < len(source.line_starts) and source.line(line).lstrip()[:1] in (
        "#",
        "",
    ):
        line += 1
    for step in walk(workflow):
        whole = step.head.whole
        if whole.path == source.path and source.position(whole.start)[0] == line:
            return line, source.position(max(whole.start, whole.end - 1))[0]
    return line, line
