"""The form of a finding.

A user's mistake is a `Diagnostic`, never an exception: passes collect them in lists
and go on, so that one run shows all mistakes. Codes are entered in
`perdure.diagnostics.codes`, with what, why, and how to mend it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perdure.source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the characters of `span` by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change of the source that mends the mistake; applied by `check --fix`."""

    title: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `message` is lower case without a full stop; says what was found and what was
    expected; names stand in double quotes. `notes` are further facts, `help` is what
    to do. `sqlstate` is PostgreSQL's, where PostgreSQL objected.
    """

    code: str
    severity: Severity
    span: Span | None
    message: str
    notes: tuple[str, ...] = ()
    help: str | None = None
    fix: Fix | None = None
    sqlstate: str | None = None


def error(
    code: str,
    span: Span | None,
    message: str,
    *notes: str,
    help: str | None = None,
    fix: Fix | None = None,
    sqlstate: str | None = None,
) -> Diagnostic:
    """Return a finding that keeps the workflow from being compiled."""
    return Diagnostic(code, "error", span, message, notes, help, fix, sqlstate)


def warning(
    code: str,
    span: Span | None,
    message: str,
    *notes: str,
    help: str | None = None,
    fix: Fix | None = None,
) -> Diagnostic:
    """Return a finding that should be looked at and does not stop compilation."""
    return Diagnostic(code, "warning", span, message, notes, help, fix)
