"""Apply the fixes that findings carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perdure.diagnostics import Diagnostic, Edit
from perdure.source import Source


def fixed_texts(
    findings: Iterable[Diagnostic], sources: Mapping[str, Source]
) -> dict[str, str]:
    """Return the new text of each file that a fix changes.

    Of fixes that touch the same place the first one counts; the next check finds what
    is left of the others.
    """
    edits: dict[str, list[Edit]] = {}
    for finding in findings:
        wanted = finding.fix.edits if finding.fix else ()
        if not any(_clashes(edit, edits.get(edit.span.path, ())) for edit in wanted):
            for edit in wanted:
                edits.setdefault(edit.span.path, []).append(edit)
    return {path: _edited(sources[path].text, each) for path, each in edits.items()}


def _clashes(edit: Edit, others: Iterable[Edit]) -> bool:
    return any(
        (edit.span.start < other.span.end and other.span.start < edit.span.end)
        or edit.span.start == other.span.start
        for other in others
    )


def _edited(text: str, edits: list[Edit]) -> str:
    for edit in sorted(edits, key=lambda each: each.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text
