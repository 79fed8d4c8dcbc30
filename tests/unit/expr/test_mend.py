"""Fixes leave a file that reads as the help says, whatever the quotes around."""

from __future__ import annotations

import pytest

from perdure.diagnostics import Diagnostic
from perdure.frontend.expr import parse_expr, parse_template
from perdure.frontend.sqltext import read_sql
from perdure.source import Run, Span, Text


def scalar(written: str) -> Text:
    """Return the value of a YAML scalar: plain, or in single or double quotes."""
    quote = written[0] if written[0] in "'\"" else ""
    value, runs, at = "", [], len(quote)
    while at < len(written) - len(quote):
        escaped = written[at : at + 2] in ("''", '\\"') and quote == written[at + 1]
        runs.append(Run(len(value), at, 1))
        value += written[at + 1] if escaped else written[at]
        at += 2 if escaped else 1
    return Text(value, Span("w.yaml", 0, len(written)), tuple(runs))


def mended(written: str, found: list[Diagnostic]) -> str | None:
    if found[0].fix is None:
        return None
    (edit,) = found[0].fix.edits
    return written[: edit.span.start] + edit.text + written[edit.span.end :]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('a = "b"', "a = 'b'"),
        ("'a = \"b\"'", None),
        ('"a = \\"b\\""', None),
        ("'a == 1'", "'a = 1'"),
        ('":a > 1"', '"a > 1"'),
    ],
)
def test_an_expression(written: str, expected: str | None) -> None:
    assert mended(written, parse_expr(scalar(written))[1]) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('x ${a = "b"}', "x ${a = 'b'}"),
        ("'x ${a = \"b\"}'", None),
        ('"x ${a == b}"', '"x ${a = b}"'),
    ],
)
def test_a_template(written: str, expected: str | None) -> None:
    assert mended(written, parse_template(scalar(written))[1]) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("select 'a :b'", "select 'a ' || :b"),
        ("\"select 'a :b'\"", "\"select 'a ' || :b\""),
        ("'select ''a :b'''", None),
        ("'select ${a}'", "'select :a'"),
    ],
)
def test_sql(written: str, expected: str | None) -> None:
    statement, found = read_sql(scalar(written))
    suspects = statement.suspects if statement else ()
    findings = [*found, *(each.finding for each in suspects)]
    assert mended(written, findings) == expected


def test_a_place_over_a_line_break_is_not_mended() -> None:
    # `select ' a` and `  :b'`, two lines of a block scalar with indentation
    runs = (Run(0, 10, 11), Run(11, 27, 5))
    statement, _ = read_sql(Text("select ' a\n  :b'", Span("w.yaml", 8, 32), runs))
    assert statement is not None
    (suspect,) = statement.suspects
    assert suspect.finding.fix is None
