"""Expressions that are written and read again are the same tree."""

from __future__ import annotations

import pytest

from perdure.dump import to_data
from perdure.frontend.expr import parse_expr
from perdure.frontend.python.write_expr import PythonExpressions, postgres
from perdure.source import verbatim
from perdure.syntax.expr import Expr
from perdure.syntax.tree import LetStep
from tests.unit.python.reading import steps
from tests.unit.python.test_expressions import INPUTS, SAME

OTHERS = [
    "(a or b) and not (a and b)",
    "not a = b",
    "(a = b) = t",
    "a - (b - 1) - -a",
    "a * (b + 1) / (a % 2)",
    "-(-a)",
    "(a + b)::text || (t || 'x')",
    "t || t",
    "'a' || t || t",
    "t || t || 'a'",
    "'a' || 'b'",
    "'a' || 'b' || t",
    "t || 'a' || 'b'",
    "('a' || (t || t)) || t",
    "'a' || t || 'b' || 'c' || t",
    "'a{\\\"' || a || '}' || t",
    "cast(a as text) || '' || t",
    "cast('a' as text) || t",
    "'a' || 1 || true",
    "'a' || (t || t) || (a <> b)",
    "'a' || (a + b) || lower(t)",
    "'a' + 1",
    "a between 1 and b + 1 or t not like 'x%'",
    "a is distinct from b",
    "a is not unknown",
    "(a is null) is true",
    "case a when 1 then 2 else 3 end",
    "case when a then 1 else case when b then 2 end end",
    "case when a then 1 else null end",
    "(case when a then 1 else 2 end) + 1",
    "a -> 'b' -> 'c'",
    "(a -> b) ->> 'c'",
    "pg_catalog.lower(t)",
    "current_date - 1",
    "timestamptz '2026-01-31'",
    "cast(null as text)",
    "0x1F + 1_000 + 1.5e3 + .5 + 5.",
    "t = 'it''s \"quoted\" \\ {x} ü'",
    "a in (1) or a not in (1, 2)",
    "nullif(a, b) = greatest(1, 2)",
]


def parsed(text: str) -> Expr:
    expr, found = parse_expr(verbatim("e", text))
    assert found == []
    assert expr is not None
    return expr


@pytest.mark.parametrize("text", [postgres for _, postgres in SAME] + OTHERS)
def test_an_expression_survives_both_languages(text: str) -> None:
    expr = parsed(text)
    assert to_data(parsed(postgres(expr))) == to_data(expr)
    python = PythonExpressions().python(expr)
    waits = "s = wait_for_signal('s', payload={'note': str})\n"
    step = steps(f"{waits}w = http.get('https://a')\nx = {python}\nreturn x", INPUTS)[2]
    assert isinstance(step, LetStep)
    assert to_data(step.bindings[0][1]) == to_data(expr)


@pytest.mark.parametrize(
    ("postgres_", "python"),
    [
        ("'n: ' || a", 'f"n: {a}"'),
        ("cast(a as text) || ' of {' || b", 'f"{a} of {{{b}"'),
        ("t || 'a'", 't + "a"'),
        ("'a' || lower('x')", '"a" + func.lower("x")'),
    ],
)
def test_text_with_values_is_an_f_string(postgres_: str, python: str) -> None:
    assert PythonExpressions().python(parsed(postgres_)) == python
