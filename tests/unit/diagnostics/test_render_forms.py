"""Findings for programs: JSON, GitHub's commands, SARIF."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from perdure.diagnostics import Diagnostic, Edit, Fix, error, warning
from perdure.diagnostics.codes import REGISTRY
from perdure.diagnostics.render import render_github, render_json, render_sarif
from perdure.source import Source, Span
from tests.unit.diagnostics.sarif_schema import SARIF

PATH = "workflows/a b.yaml"
TEXT = "steps:\n  - if: x == 1\n  - sql: 日本 §\n"
SOURCES = {PATH: Source(PATH, TEXT)}


def at(part: str) -> Span:
    start = TEXT.index(part)
    return Span(PATH, start, start + len(part))


WRITE = Fix('write "="', (Edit(at("=="), "="),))
FINDINGS: tuple[Diagnostic, ...] = (
    warning("WF142", at("日本 §"), "50% of\nit, a:b", "a note"),
    error("WF142", at("=="), '"==" is no operator', help='write "="', fix=WRITE),
    error("WF167", Span("other.sql", 3, 5), "elsewhere", sqlstate="42601"),
    error("WF160", None, "nowhere"),
)


def test_json() -> None:
    document = json.loads(render_json(FINDINGS, SOURCES))
    assert document["version"] == 1
    messages = [each["message"] for each in document["findings"]]
    assert messages == [
        "nowhere",
        "elsewhere",
        '"==" is no operator',
        "50% of\nit, a:b",
    ]
    nowhere, elsewhere, operator, _ = document["findings"]
    place = {
        "path": PATH,
        "start": {"offset": 17, "line": 2, "column": 11},
        "end": {"offset": 19, "line": 2, "column": 13},
    }
    assert operator == {
        "code": "WF142",
        "severity": "error",
        "message": '"==" is no operator',
        "notes": [],
        "help": 'write "="',
        "sqlstate": None,
        "place": place,
        "fix": {"title": 'write "="', "edits": [{"place": place, "text": "="}]},
    }
    assert nowhere["place"] is None
    assert elsewhere["place"]["start"] == {"offset": 3}
    assert elsewhere["sqlstate"] == "42601"


def test_json_without_findings() -> None:
    assert json.loads(render_json([], {})) == {"version": 1, "findings": []}


def test_github() -> None:
    assert render_github(FINDINGS, SOURCES).splitlines() == [
        "::error title=WF160::nowhere",
        "::error title=WF167,file=other.sql::elsewhere",
        f"::error title=WF142,file={PATH},line=2,endLine=2,col=11,endColumn=13"
        '::"==" is no operator%0Ahelp: write "="',
        f"::warning title=WF142,file={PATH},line=3,endLine=3,col=10,endColumn=14"
        "::50%25 of%0Ait, a:b%0Aa note",
    ]
    assert render_github([], {}) == ""


def test_github_of_several_lines_has_no_columns() -> None:
    span = Span("a:b,c%.yaml", 0, 9)
    shown = render_github(
        [error("WF1", span, "x")], {span.path: Source(span.path, TEXT)}
    )
    assert shown == "::error title=WF1,file=a%3Ab%2Cc%25.yaml,line=1,endLine=2::x\n"


def sarif(findings: tuple[Diagnostic, ...] = FINDINGS) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render_sarif(findings, SOURCES))
    return document


@pytest.mark.parametrize("findings", [FINDINGS, ()], ids=["some", "none"])
def test_sarif_is_valid(findings: tuple[Diagnostic, ...]) -> None:
    jsonschema.Draft7Validator(SARIF).validate(sarif(findings))


@pytest.mark.parametrize("code", REGISTRY)
def test_sarif_of_every_code_is_valid(code: str) -> None:
    jsonschema.Draft7Validator(SARIF).validate(sarif((error(code, at("x"), "y"),)))


def test_what_is_not_sarif_is_noticed() -> None:
    broken = sarif()
    broken["runs"][0]["results"][0]["locations"] = [{"physicalLocation": {"line": 1}}]
    assert not jsonschema.Draft7Validator(SARIF).is_valid(broken)


def test_sarif() -> None:
    (run,) = sarif()["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["WF142", "WF160", "WF167"]
    assert rules[0]["name"] == "UnknownOperator"
    assert "Wrong:" in rules[0]["help"]["text"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    nowhere, elsewhere, operator, wide = run["results"]
    assert "locations" not in nowhere
    assert elsewhere["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "other.sql"}
    }
    place = operator["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "workflows/a%20b.yaml"}
    assert (place["region"]["startLine"], place["region"]["startColumn"]) == (2, 11)
    assert (place["region"]["endLine"], place["region"]["endColumn"]) == (2, 13)
    (change,) = operator["fixes"][0]["artifactChanges"]
    assert change["replacements"][0]["insertedContent"] == {"text": "="}
    assert change["replacements"][0]["deletedRegion"]["charLength"] == 2
    assert (wide["level"], wide["message"]["text"]) == (
        "warning",
        "50% of\nit, a:b\na note",
    )
