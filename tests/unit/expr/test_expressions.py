"""Expressions: what they mean, where their parts stand, and what is refused."""

from __future__ import annotations

import pytest

from perdure.frontend.expr import parse_expr
from perdure.source import Run, Span, Text, verbatim
from perdure.syntax import expr as syntax


def parse(text: str) -> syntax.Expr:
    expr, found = parse_expr(verbatim("w.yaml", text))
    assert found == []
    assert expr is not None
    return expr


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a or b and c", "a or (b and c)"),
        ("a or b or c", "(a or b) or c"),
        ("not a and b", "(not a) and b"),
        ("not a is null", "not (a is null)"),
        ("not a = b", "not (a = b)"),
        ("a = b is null", "(a = b) is null"),
        ("a is distinct from b = c", "a is distinct from (b = c)"),
        ("a like b = c", "(a like b) = c"),
        ("a = b like c", "a = (b like c)"),
        ("a < b in (c)", "a < (b in (c))"),
        ("a between b and c and d", "(a between b and c) and d"),
        ("a between b and c = d", "(a between b and c) = d"),
        ("a between b < c and d", "a between (b < c) and d"),
        ("a like b || c", "a like (b || c)"),
        ("a || b + c", "a || (b + c)"),
        ("a -> b ->> c", "(a -> b) ->> c"),
        ("a || b -> c", "(a || b) -> c"),
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("a / b % c", "(a / b) % c"),
        ("- a * b", "(- a) * b"),
        ("a - -b", "a - (-b)"),
        ("- a::int", "- (a::int)"),
        ("a + b::int", "a + (b::int)"),
        ("a::int::text", "(a::int)::text"),
        ("a = not b and c", "(a = (not b)) and c"),
        ("a = not b = c", "a = (not (b = c))"),
        ("a || not b is null", "a || (not (b is null))"),
        ("not not a", "not (not a)"),
    ],
)
def test_operators_bind_as_in_postgresql(written: str, meant: str) -> None:
    assert parse(written) == parse(meant)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a != b", "a <> b"),
        ("A AND B", "A and B"),
        ("a ISNULL", "a is null"),
        ("a notnull", "a is not null"),
        ("cast(a as text)", "a::text"),
        ("cast('1 day' as interval)", "interval '1 day'"),
        ("E'a\\'b\\x41\\101\\u0041\\n'", "'a''bAAA\n'"),
        ("E'\\uD83D\\uDE00'", "'😀'"),
        ("0x1F + 1_000", "31 + 1000"),
        ("COALESCE(a, b)", "coalesce ( a , b )"),
        ("a::NUMERIC ( 10 , 2 ) []", "a::numeric(10,2)[]"),
        ("a::int[3]", "a::int[]"),
        ("CURRENT_DATE", "current_date"),
        ("extract(YEAR from a)", "pg_catalog.extract('year', a)"),
        ("a . b", "a.b"),
        ("a<-1", "a < (-1)"),
        ("a=-1", "a = (-1)"),
        ("a->-1", "a -> (-1)"),
    ],
)
def test_two_ways_to_write_the_same(one: str, other: str) -> None:
    assert parse(one) == parse(other)


def test_forms() -> None:
    span = Span("", 0, 0)

    def name(text: str) -> syntax.Name:
        return syntax.Name(text, span)

    def ref(text: str) -> syntax.Ref:
        return syntax.Ref(tuple(map(name, text.split("."))), span)

    def number(text: str) -> syntax.Literal:
        return syntax.Literal("number", text, span)

    table: dict[str, syntax.Expr] = {
        "1.5e-3": number("1.5e-3"),
        ".5": number(".5"),
        "'it''s'": syntax.Literal("string", "it's", span),
        "TRUE": syntax.Literal("boolean", "true", span),
        "null": syntax.Literal("null", "null", span),
        "order.data.end": ref("order.data.end"),
        "naïve": ref("naïve"),
        "unknown": ref("unknown"),
        "a is not unknown": syntax.IsTest(ref("a"), "unknown", True, span),
        "a not in (1, 2)": syntax.InList(
            ref("a"), (number("1"), number("2")), True, span
        ),
        "a not between 1 and 2": syntax.Between(
            ref("a"), number("1"), number("2"), True, span
        ),
        "a not ilike b": syntax.Binary("not ilike", ref("a"), ref("b"), span, span),
        "a is not distinct from b": syntax.Binary(
            "is not distinct from", ref("a"), ref("b"), span, span
        ),
        "case a when 1 then b else c end": syntax.Case(
            ref("a"), (syntax.When(number("1"), ref("b")),), ref("c"), span
        ),
        "case when a then 1 when b then 2 end": syntax.Case(
            None,
            (syntax.When(ref("a"), number("1")), syntax.When(ref("b"), number("2"))),
            None,
            span,
        ),
        "now()": syntax.Call(name("now"), (), span),
        "pg_catalog.Lower(a)": syntax.Call(name("pg_catalog.lower"), (ref("a"),), span),
        "a::Timestamp(3) With Time Zone": syntax.Cast(
            ref("a"), name("timestamp(3) with time zone"), span
        ),
        'a::shop."Status"': syntax.Cast(ref("a"), name('shop."Status"'), span),
    }
    assert {text: parse(text) for text in table} == table


def test_every_part_knows_its_place() -> None:
    text = "(order.total + 1) > 5 and not done"
    both = parse(text)
    assert isinstance(both, syntax.Binary)
    greater, negated = both.left, both.right
    assert isinstance(greater, syntax.Binary)
    assert isinstance(greater.left, syntax.Binary)
    total = greater.left.left
    assert isinstance(total, syntax.Ref)

    def at(span: Span) -> str:
        return text[span.start : span.end]

    assert at(both.span) == text
    assert at(both.op_span) == "and"
    assert at(greater.span) == "(order.total + 1) > 5"
    assert at(greater.left.span) == "order.total + 1"
    assert at(total.parts[1].span) == "total"
    assert at(negated.span) == "not done"


def test_places_follow_the_file_and_not_the_value() -> None:
    # `a and` on line one, `b` on line two of a folded scalar, six columns in.
    text = Text("a and b", Span("w.yaml", 10, 30), (Run(0, 10, 5), Run(5, 22, 2)))
    expr, _ = parse_expr(text)
    assert isinstance(expr, syntax.Binary)
    assert expr.right.span == Span("w.yaml", 23, 24)


WRONG = {
    "": ("WF147", "", "expected an expression"),
    "a +": ("WF140", "", "expected a value, found the end"),
    "a + = 1": ("WF140", "=", 'expected a value, found "="'),
    "(a + b": ("WF140", "(", '"(" is not closed'),
    "a)": ("WF140", ")", '")" closes nothing'),
    "a b": ("WF140", "b", 'expected an operator between "a" and "b"'),
    "x if y else z": ("WF140", "if", 'expected an operator between "x" and "if"'),
    "a < b < c": ("WF140", "<", 'expected "and", "or" or the end, found "<"'),
    "a is 1": (
        "WF140",
        "1",
        'expected "null", "true", "false", "unknown" or "distinct from", found "1"',
    ),
    "a not 3": ("WF140", "3", 'expected "in", "like" or "between", found "3"'),
    "case when a b end": ("WF140", "b", 'expected an operator between "a" and "b"'),
    "case when a": ("WF140", "", 'expected "then", found the end'),
    "cast(a text)": ("WF140", "text", 'expected an operator between "a" and "text"'),
    "f(a": ("WF140", "(", '"(" is not closed'),
    "f(a,)": ("WF140", ")", 'expected a value, found ")"'),
    "a::": ("WF140", "", "expected a type, found the end"),
    "a::text?": ("WF140", "?", '"?" is no part of the type of a cast'),
    "a::text foo": (
        "WF140",
        "foo",
        'expected an operator after type "text", found "foo"',
    ),
    "a..b": ("WF140", ".", '"." stands without a name beside it'),
    "a -- b": ("WF140", "--", 'found "--", which begins a comment in SQL'),
    "a;": ("WF140", ";", 'an expression does not end with ";"'),
    "X'1F'": ("WF140", "X'1F'", "expected a space between a type and its literal"),
    "E'\\xff'": ("WF140", "E'\\xff'", "the escapes do not make valid text"),
    "E'\\000'": (
        "WF140",
        "E'\\000'",
        "a string cannot hold the character of code 0",
    ),
    "substring(a from 1)": (
        "WF140",
        "substring",
        '"substring" with "from" is not part of expressions',
    ),
    "a = 'b": ("WF141", "'b", "the string is not closed"),
    "a = 'it's b'": ("WF141", "'s", 'a string ends before "s"'),
    "a == 1": ("WF142", "==", '"==" is no operator'),
    "a && b": ("WF142", "&&", '"&&" is no operator'),
    "!a": ("WF142", "!", '"!" is no operator'),
    "a ? b : c": ("WF142", "?", '"?" is no operator'),
    "a ?? b": ("WF142", "??", '"??" is no operator'),
    "a ** 2": ("WF142", "**", '"**" is no operator'),
    "a !=-1": ("WF142", "!=-", '"!=-" is read as one operator'),
    "a @> b": ("WF142", "@>", '"@>" is not part of expressions'),
    "f(a => 1)": ("WF142", "=>", '"=>" is no operator'),
    'a = "b"': ("WF143", '"b"', 'a string stands in single quotes, found "b"'),
    ":a > 1": ("WF144", ":a", "a name stands bare in an expression, found :a"),
    "${a.b} > 1": (
        "WF144",
        "${a.b}",
        "a name stands bare in an expression, found ${a.b}",
    ),
    "10days": ("WF145", "10days", '"10days" is no number'),
    "a > 1.2.3": ("WF145", "1.2.3", '"1.2.3" is no number'),
    "(select 1)": ("WF151", "select", '"select" is not part of expressions'),
    "a[1]": ("WF151", "[", "subscripts are not part of expressions"),
    "count(*) > 1": ("WF151", "*", "aggregates are not part of expressions"),
    "not " * 200 + "a": ("WF152", "not " * 200 + "a", "the expression nests deeper"),
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:20] or "empty")
def test_a_mistake_is_named_at_its_place(text: str) -> None:
    code, place, message = WRONG[text]
    expr, found = parse_expr(verbatim("w.yaml", text))
    assert expr is None
    assert [(each.code, each.severity) for each in found] == [(code, "error")]
    assert found[0].span is not None
    assert text[found[0].span.start : found[0].span.end] == place
    assert found[0].message.startswith(message)


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("a == 1", "a = 1"),
        ("a === 1", "a = 1"),
        ("a && b", "a and b"),
        ("!a", "not a"),
        ('a = "it\'s"', "a = 'it''s'"),
        (":order.id > 1", "order.id > 1"),
        ("${ order.id } > 1", "order.id > 1"),
        ("{{a}} > 1", "a > 1"),
        ("$a > 1", "a > 1"),
        ("a > 1;", "a > 1"),
    ],
)
def test_a_fix_mends(text: str, mended: str) -> None:
    _, found = parse_expr(verbatim("w.yaml", text))
    assert found[0].fix is not None
    (edit,) = found[0].fix.edits
    result = text[: edit.span.start] + edit.text + text[edit.span.end :]
    assert result.replace("  ", " ") == mended
    assert parse(result)


def test_long_and_hostile_texts_give_findings_and_no_exceptions() -> None:
    deep = ("(" * 5000, "a or " * 3000 + "a", "'" * 9999, "1" * 99999, "\\" * 50)
    for text in (*deep, "a" * 99 + " + 1 is is null"):
        expr, found = parse_expr(verbatim("w.yaml", text))
        assert (expr is None) == bool(found)
    assert parse(f"a in ({', '.join(map(str, range(5000)))})")
    assert parse("(" * 500 + "a" + ")" * 500) == parse("a")
