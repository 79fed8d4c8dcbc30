"""WF301, which is found in the conditions of steps and in those of expressions."""

from __future__ import annotations

from collections.abc import Iterable

from perdure.diagnostics.model import Diagnostic, warning
from perdure.diagnostics.wording import worded
from perdure.source import Span


def null_condition(span: Span | None, causes: Iterable[str]) -> Diagnostic:
    """Return the finding for a condition; `causes` are what of it may be null."""
    named = ", ".join(causes)
    return warning(
        "WF301",
        span,
        "this condition may be null, which counts as false",
        *([f"may be null: {named}"] if named else []),
        help='say what null means: "coalesce(..., '
        f'{worded(span, "false", "False")})", or test it '
        f'with "{worded(span, "is null", "is None")}"',
    )
