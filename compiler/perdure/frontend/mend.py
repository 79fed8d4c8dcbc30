"""Edits of a file by way of the value of a scalar in it.

A fix changes the file as it is written. Where the value is written with escapes, or
the change would need some, there is no fix: the help still says what to write.
"""

from __future__ import annotations

from perdure.diagnostics import Edit, Fix
from perdure.source import Text

_ESCAPED = "'\"\\"


def mend(text: Text, start: int, end: int, instead: str) -> Fix | None:
    """Return a fix that writes `instead` for a range of the value, if that is safe."""
    span = text.span(start, end)
    if span.end - span.start != end - start:
        return None  # an escape, or a line break with its indentation
    missing = set(instead) & set(_ESCAPED) - set(text.value[start:end])
    if missing and in_quotes(text):
        return None
    return Fix(f"write {instead}" if instead else "remove it", (Edit(span, instead),))


def in_quotes(text: Text) -> bool:
    """Say whether the scalar begins with a quote in its file; not for a slice."""
    return bool(text.runs) and text.runs[0].file == text.whole.start + 1
