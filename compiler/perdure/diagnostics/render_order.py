"""The order of findings, the same in every form."""

from __future__ import annotations

from collections.abc import Iterable

from perdure.diagnostics.model import Diagnostic
from perdure.source import Span


def sort(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return findings in order of place; those without one come first."""
    return sorted(diagnostics, key=_place)


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    span = diagnostic.span or Span("", 0, 0)
    rest = (diagnostic.code, diagnostic.message)
    return (span.path, span.start, span.end, *rest)
