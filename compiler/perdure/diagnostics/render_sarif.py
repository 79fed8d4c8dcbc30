"""Findings in SARIF 2.1.0, the form that code-scanning services take.

Every code that is found is described as a rule, from the registry. Columns count
Unicode code points, as everywhere here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from perdure import __version__
from perdure.diagnostics.codes import REGISTRY, Code
from perdure.diagnostics.explain import explain, markdown
from perdure.diagnostics.model import Diagnostic, Edit
from perdure.diagnostics.render_order import sort
from perdure.source import Source, Span

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source]
) -> str:
    """Return a SARIF log of one run."""
    found = sort(diagnostics)
    codes = sorted({each.code for each in found})
    driver = {
        "name": "perdure",
        "version": __version__,
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, codes, sources) for each in found],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str) -> dict[str, Any]:
    entry: Code | None = REGISTRY.get(code)
    if entry is None:
        return {"id": code}
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in entry.slug.split("-")),
        "shortDescription": {"text": entry.summary},
        "fullDescription": {"text": f"{entry.what} {entry.why}"},
        "help": {"text": explain(code), "markdown": markdown(entry)},
    }


def _result(
    diagnostic: Diagnostic, codes: list[str], sources: Mapping[str, Source]
) -> dict[str, Any]:
    lines = [diagnostic.message, *diagnostic.notes]
    if diagnostic.help:
        lines.append(f"help: {diagnostic.help}")
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": diagnostic.severity,
        "message": {"text": "\n".join(lines)},
    }
    if diagnostic.span:
        result["locations"] = [{"physicalLocation": _place(diagnostic.span, sources)}]
    if diagnostic.fix:
        result["fixes"] = [
            {
                "description": {"text": diagnostic.fix.title},
                "artifactChanges": _changes(diagnostic.fix.edits, sources),
            }
        ]
    if diagnostic.sqlstate:
        result["properties"] = {"sqlstate": diagnostic.sqlstate}
    return result


def _place(span: Span, sources: Mapping[str, Source]) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(span.path)}}
    if span.path in sources:
        place["region"] = _region(span, sources[span.path])
    return place


def _uri(path: str) -> str:
    return quote(path.replace("\\", "/"), safe="/")


def _region(span: Span, source: Source) -> dict[str, int]:
    (line, column), (end_line, end_column) = map(
        source.position, (span.start, span.end)
    )
    return {
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
        "charOffset": span.start,
        "charLength": span.end - span.start,
    }


def _changes(
    edits: tuple[Edit, ...], sources: Mapping[str, Source]
) -> list[dict[str, Any]]:
    changes = []
    for path in sorted({edit.span.path for edit in edits}):
        changes.append(
            {
                "artifactLocation": {"uri": _uri(path)},
                "replacements": [
                    {
                        "deletedRegion": _deleted(edit.span, sources),
                        "insertedContent": {"text": edit.text},
                    }
                    for edit in edits
                    if edit.span.path == path
                ],
            }
        )
    return changes


def _deleted(span: Span, sources: Mapping[str, Source]) -> dict[str, int]:
    if span.path in sources:
        return _region(span, sources[span.path])
    return {"charOffset": span.start, "charLength": span.end - span.start}
