"""Quoting of constants and names."""

from __future__ import annotations

import pytest

from perdure.emit.literals import dollar_quote, quote_literal, quote_name
from perdure.emit.numbers import factor, interval


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "'plain'"),
        ("it's", "'it''s'"),
        ("a\\b", r"E'a\\b'"),
        ("$order", r"E'\x24order'"),
        ("costs 5 $", "'costs 5 $'"),
        ("{a} {1} {", r"E'\x7ba} {1} {'"),
        ("$it's \\", r"E'\x24it''s \\'"),
        ("it's\r\nso", "E'it''s\\r\nso'"),
    ],
)
def test_literals(text: str, expected: str) -> None:
    assert quote_literal(text) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("total", "total"),
        ("Total", '"Total"'),
        ("order", '"order"'),
        ('a"b', '"a""b"'),
        ("a$b\\", 'U&"a\\0024b\\\\"'),
        ("", '""'),
    ],
)
def test_names(name: str, expected: str) -> None:
    assert quote_name(name) == expected


def test_dollar_quotes_change_their_tag_until_nothing_ends_them() -> None:
    assert dollar_quote("a", "t") == "$t$a$t$"
    assert dollar_quote("a $t$ b $t_2", "t") == "$t_3$a $t$ b $t_2$t_3$"
    assert dollar_quote("ends with $t", "t") == "$t_2$ends with $t$t_2$"


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (1500, "'1500 milliseconds'"),
        (1000, "'1 second'"),
        (90_000, "'90 seconds'"),
        (86_400_000, "'24 hours'"),
    ],
)
def test_intervals(milliseconds: int, expected: str) -> None:
    assert interval(milliseconds) == expected
    assert (factor(2.0), factor(1.5)) == ("2", "1.5")
