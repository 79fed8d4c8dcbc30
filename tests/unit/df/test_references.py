"""References in the texts of a graph, and what stands in their place."""

from __future__ import annotations

import pytest

from perdure.frontend.df.references import Found, in_sql, in_text, rewrite_sql


def marked(found: Found) -> str | None:
    """Return a reference in angle brackets; names that begin with x are unknown."""
    if found.name.startswith("x"):
        return None
    column = f".{found.column}" if found.column else ""
    return f"<{found.name}{column}>"


REWRITTEN = [
    ("select $a, $a.b, $a.b?", "select <a>, <a.b>, <a.b>"),
    ("select * from $a.*", "select * from <a.*>"),
    ("select {v} + 1", "select <v> + 1"),
    ("select '$a'", "select <a>"),
    ("select 'x $a.b y'", "select ('x ' || <a.b> || ' y')"),
    ("select '$a$b'", "select ('' || <a> || <b>)"),
    (r"select E'\n$a'", r"select (E'\n' || <a>)"),
    ("select interval '$a days'", "select cast((<a> || ' days') as interval)"),
    ("select date '$a'", "select cast(<a> as date)"),
    ("select 'costs $5, $xyz'", "select 'costs $5, $xyz'"),
    ('select "$a", b$a -- $a', 'select "$a", b$a -- $a'),
    ("select $a::int + $b", "select <a>::int + <b>"),
    ("select $a?::text", "select <a>::text"),
    ("select '{xa}'::int[]", "select '{xa}'::int[]"),
    ("select $a.b.c", "select <a.b>.c"),
]


@pytest.mark.parametrize(("text", "expected"), REWRITTEN)
def test_references_are_replaced(text: str, expected: str) -> None:
    assert rewrite_sql(text, marked) == expected


def test_a_reference_knows_where_it_stands() -> None:
    text = "select $a.b?, 'x $c', '{d}', $$ $e $$, {f}::bigint"
    found = list(in_sql(text))
    assert [each.name for each in found] == ["a", "c", "d", "e", "f"]
    assert [each.within for each in found] == [
        "code",
        "literal",
        "literal",
        "dollar",
        "code",
    ]
    assert [each.alone for each in found] == [False, False, True, False, False]
    assert [each.cast for each in found] == [None, None, None, None, "bigint"]
    assert [text[each.start : each.end] for each in found] == [
        "$a.b?",
        "$c",
        "{d}",
        "$e",
        "{f}",
    ]


def test_text_that_is_no_sql_has_references_anywhere() -> None:
    found = list(in_text("{base}/orders/$o.id'$p'"))
    assert [each.name for each in found] == ["base", "o", "p"]
