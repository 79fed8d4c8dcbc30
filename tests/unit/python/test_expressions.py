"""Python's expressions are those of the language."""

from __future__ import annotations

import pytest

from perdure.dump import to_data
from perdure.frontend.expr import parse_expr
from perdure.source import verbatim
from perdure.syntax.tree import LetStep
from tests.unit.python.reading import findings, steps

INPUTS = "a: int, b: int | None, order_id: int, t: str = 'x'"
HEAD = """
import datetime, decimal, enum, uuid
from perdure import cast as as_
class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"
class Settings:
    limit = 10
    levels = ("low", "high")
TEXT = "te" "xt"
DAY = datetime.timedelta(days=1)
NAN, ENDLESS = decimal.Decimal("-sNaN"), -1e999
LONG = decimal.Decimal("-1.2345678901234567890123456789012345")
"""

SAME = [
    ("a + b * -2", "a + b * -2"),
    ("(a + b) % 3 - 1 / a", "(a + b) % 3 - 1 / a"),
    ("a and b or not t", "a and b or not t"),
    ("a and b and t", "a and b and t"),
    ("NAN", "cast('NaN' as numeric)"),
    ("ENDLESS", "cast('-Infinity' as float8)"),
    ("LONG", "-1.2345678901234567890123456789012345"),
    ("f'{a!s}{t!s}'", "a::text || t"),
    ("a == b", "a = b"),
    ("a != b", "a <> b"),
    ("1 <= a < b", "1 <= a and a < b"),
    ("a is None or b is not None", "a is null or b is not null"),
    ("a is True", "a is true"),
    ("a is not False", "a is not false"),
    ("a in (1, 2)", "a in (1, 2)"),
    ("t not in ['x', TEXT]", "t not in ('x', 'text')"),
    ("t in Settings.levels", "t in ('low', 'high')"),
    ("t in Level", "t in ('low', 'high')"),
    ("1 if a else 2", "case when a then 1 else 2 end"),
    ("1 if a else 2 if b else 3", "case when a then 1 when b then 2 else 3 end"),
    ("1 if a else None", "case when a then 1 end"),
    ("'a' + t", "'a' || t"),
    ("t + 'a' + t", "t || 'a' || t"),
    ("f'n: {a}'", "'n: ' || a"),
    ("f'{a} of {b}'", "cast(a as text) || ' of ' || b"),
    ("f'{a}'", "cast(a as text)"),
    ("f'{TEXT} {{}} {t}'", "'text {} ' || t"),
    ("True", "true"),
    ("None", "null"),
    ("1_000", "1_000"),
    ("0x1F", "0x1F"),
    ("1.50", "1.50"),
    ("1e3", "1e3"),
    ("'it''s'", "'its'"),
    ("decimal.Decimal('1.50')", "1.50"),
    ("decimal.Decimal(7) / 2", "cast(7 as numeric) / 2"),
    ("-decimal.Decimal(7)", "-cast(7 as numeric)"),
    ("decimal.Decimal('1E+3')", "1e+3"),
    ("0.1 * 3", "0.1 * 3"),
    ("Level.LOW", "'low'"),
    ("Settings.limit", "10"),
    ("TEXT", "'text'"),
    ("a + DAY", "a + interval '1 day'"),
    ("datetime.date(2026, 1, 31)", "date '2026-01-31'"),
    ("cast(a, 'numeric(10, 2)')", "cast(a as numeric(10,2))"),
    ("as_(a, int)", "a::bigint"),
    ("cast(a, list[str])", "a::text[]"),
    ("coalesce(a, b, 0)", "coalesce(a, b, 0)"),
    ("func.lower(t)", "lower(t)"),
    ("func.extract('year', now())", "extract(year from now())"),
    ("func.current_date()", "current_date"),
    ("interval('1 day') * a", "interval '1 day' * a"),
    ("expr('a between 1 and b')", "a between 1 and b"),
    ("run.id", "run.id"),
    ("w.json['a']['b']", "w.json -> 'a' ->> 'b'"),
    ("w.json['a'][0]", "w.json -> 'a' ->> 0"),
    ("s.data['note']", "s.data.note"),
    ("s.data.note", "s.data.note"),
]
STEPS = """
w = http.get("https://example.com")
s = wait_for_signal("s", payload={"note": str})
"""


@pytest.mark.parametrize(("python", "postgres"), SAME)
def test_an_expression_has_the_tree_of_its_twin(python: str, postgres: str) -> None:
    step = steps(f"{STEPS}x = {python}\nreturn x", INPUTS, HEAD)[-2]
    assert isinstance(step, LetStep)
    expected, found = parse_expr(verbatim("e", postgres))
    assert found == []
    assert to_data(step.bindings[0][1]) == to_data(expected)


@pytest.mark.parametrize(
    ("python", "code", "place"),
    [
        ("a ** 2", "WF173", "**"),
        ("a if b else [1]", "WF173", "[1]"),
        ("(a\n  << 2)", "WF173", "<<"),
        ("-[a]", "WF173", "[a]"),
        ("a == None", "WF198", "a == None"),
        ("a is b", "WF198", "a is b"),
        ("t.upper()", "WF175", "upper"),
        ("t.strip().upper()", "WF175", "upper"),
        ("len(t)", "WF174", "len"),
        ("datetime.datetime.now()", "WF174", "datetime.datetime.now"),
        ("int(t)", "WF174", "int"),
        ("decimal.Decimal(t)", "WF174", "decimal.Decimal"),
        ("decimal.Decimal('x')", "WF195", "decimal.Decimal('x')"),
        ("Settings", "WF195", "Settings"),
        ("Settings.missing", "WF195", "Settings.missing"),
        ("len", "WF195", "len"),
        ("t[a]", "WF173", "a"),
        ("f'{a:>3}'", "WF196", "{a:>3}"),
        ("a in ()", "WF173", "()"),
        ("a in t", "WF173", "t"),
        ("coalesce(a, default=1)", "WF193", "default=1"),
        ("cast(a, 'text?')", "WF140", "text?"),
        ("cast(a, 'te xt')", "WF148", "xt"),
        ("expr('a ==  b')", "WF142", "=="),
        ("(x := a)", "WF173", "x := a"),
        ("...", "WF195", "..."),
        ("sql('select 1')", "WF178", "sql"),
        ("1 + sql('select 1').n", "WF178", "sql('select 1')"),
        ("flow(1)", "WF178", "flow"),
        ("1 + " * 120 + "1", "WF152", None),
        (" or ".join(["a"] * 200), "WF152", None),
    ],
)
def test_what_is_no_expression_is_reported_at_its_place(
    python: str, code: str, place: str | None
) -> None:
    text = f"y = not ({python})\nreturn y"
    found = findings(text, INPUTS, HEAD)
    if python.startswith("sql("):
        assert found[0][0] == code
    assert [each for each, _ in found] == [code]
    if place is not None:
        assert found[0][1] == place


@pytest.mark.parametrize("written", ['"%s of %s" % order_id', '"-" * 10'])
def test_text_is_not_computed_with(written: str) -> None:
    assert findings(f"x = {written}") == [("WF173", written)]
