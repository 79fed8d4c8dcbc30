"""Findings as JSON data and back, for the cache of checked files."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from perdure.diagnostics.model import Diagnostic, Edit, Fix
from perdure.source import Span


def to_stored(finding: Diagnostic) -> dict[str, Any]:
    """Return the finding as data that JSON can hold."""
    return asdict(finding)


def from_stored(data: dict[str, Any]) -> Diagnostic:
    """Return the finding that `to_stored` was given."""
    fix = data["fix"]
    return Diagnostic(
        code=data["code"],
        severity=data["severity"],
        span=_span(data["span"]),
        message=data["message"],
        notes=tuple(data["notes"]),
        help=data["help"],
        fix=fix and Fix(fix["title"], tuple(_edit(edit) for edit in fix["edits"])),
        sqlstate=data["sqlstate"],
    )


def _span(data: dict[str, Any] | None) -> Span | None:
    return None if data is None else Span(**data)


def _edit(data: dict[str, Any]) -> Edit:
    return Edit(Span(**data["span"]), data["text"])
