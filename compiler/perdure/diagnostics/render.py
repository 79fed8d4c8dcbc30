"""Show findings: to a person, to a program, to GitHub, to a code-scanning service.

`render_text` draws by hand and not through rich: the frame is ten lines of code, and
goldens and the docs need it to be plain text to the character.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from perdure.diagnostics.model import Diagnostic
from perdure.diagnostics.render_order import sort
from perdure.diagnostics.render_sarif import render_sarif
from perdure.diagnostics.render_text import render_text
from perdure.source import Source, Span

__all__ = ["render_github", "render_json", "render_sarif", "render_text"]

VERSION = 1
"""Of the form of `render_json`; a change that a reader can't ignore counts it up."""


def render_json(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source]
) -> str:
    """Return a JSON document.

    Offsets count characters from 0, lines and columns from 1; ends are exclusive.
    """
    findings = [_finding(each, sources) for each in sort(diagnostics)]
    document = {"version": VERSION, "findings": findings}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _finding(diagnostic: Diagnostic, sources: Mapping[str, Source]) -> dict[str, Any]:
    fix = diagnostic.fix
    edits = fix.edits if fix else ()
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "sqlstate": diagnostic.sqlstate,
        "place": _range(diagnostic.span, sources),
        "fix": fix
        and {
            "title": fix.title,
            "edits": [
                {"place": _range(each.span, sources), "text": each.text}
                for each in edits
            ],
        },
    }


def _range(span: Span | None, sources: Mapping[str, Source]) -> dict[str, Any] | None:
    if span is None:
        return None
    shown: dict[str, Any] = {"path": span.path}
    source = sources.get(span.path)
    for edge, offset in (("start", span.start), ("end", span.end)):
        shown[edge] = {"offset": offset}
        if source:
            shown[edge]["line"], shown[edge]["column"] = source.position(offset)
    return shown


def render_github(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source]
) -> str:
    """Return workflow commands that GitHub shows beside the changed lines."""
    return "".join(f"{_command(each, sources)}\n" for each in sort(diagnostics))


def _command(diagnostic: Diagnostic, sources: Mapping[str, Source]) -> str:
    properties = {"title": diagnostic.code, **_github_place(diagnostic.span, sources)}
    lines = [diagnostic.message, *diagnostic.notes]
    if diagnostic.help:
        lines.append(f"help: {diagnostic.help}")
    shown = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{diagnostic.severity} {shown}::{_data(chr(10).join(lines))}"


def _github_place(
    span: Span | None, sources: Mapping[str, Source]
) -> dict[str, str | int]:
    if span is None:
        return {}
    source = sources.get(span.path)
    if source is None:
        return {"file": span.path}
    (line, column), (end_line, end_column) = map(
        source.position, (span.start, span.end)
    )
    place: dict[str, str | int] = {"file": span.path, "line": line, "endLine": end_line}
    if line == end_line:  # GitHub takes columns for one line only
        place |= {"col": column, "endColumn": end_column}
    return place


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str | int) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")
