"""Cron expressions: what they become, and which fit no date."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.frontend.expr import parse_cron
from perdure.source import verbatim

NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def spelled(text: str) -> str | None:
    cron, _ = parse_cron(verbatim("w.yaml", text))
    return " ".join(cron.fields) if cron else None


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("* * * * *", "* * * * *"),
        ("*/15 0-6/2 1,15 * *", "*/15 0-6/2 1,15 * *"),
        ("0 9 * * 0", "0 9 * * SUN"),
        ("0 9 * * 7", "0 9 * * SUN"),
        ("0 9 * * 1-5", "0 9 * * MON,TUE,WED,THU,FRI"),
        ("0 9 * * fri-7", "0 9 * * SUN,FRI,SAT"),
        ("0 9 * * */2", "0 9 * * SUN,TUE,THU,SAT"),
        ("0 9 * * 5/1", "0 9 * * SUN,FRI,SAT"),
        ("0 9 1 jan-Mar,12 *", "0 9 1 1,2,3,12 *"),
        ("  0   9 31 * *  ", "0 9 31 * *"),
        ("0 9 29 2 *", "0 9 29 2 *"),
        ("0 9 31 4 MON", "0 9 31 4 MON"),
        ("0 9 31 4,5 *", "0 9 31 4,5 *"),
    ],
)
def test_an_expression(text: str, normal: str) -> None:
    assert spelled(text) == normal
    assert spelled(normal) == normal


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("", "WF153", ""),
        ("* * * *", "WF153", "* * * *"),
        ("@daily", "WF153", "@daily"),
        ("0 24 * * *", "WF153", "24"),
        ("0 9 0 * *", "WF153", "0"),
        ("0 9 * 13 *", "WF153", "13"),
        ("0 9 * * sunday", "WF153", "sunday"),
        ("0 9 * * MON-", "WF153", "MON-"),
        ("5-1 9 * * *", "WF153", "5-1"),
        ("*/0 9 * * *", "WF153", "*/0"),
        ("0 9 L * *", "WF153", "L"),
        ("0 9 30 2 *", "WF154", "0 9 30 2 *"),
        ("0 9 31 2,4,6,9,11 *", "WF154", "0 9 31 2,4,6,9,11 *"),
    ],
)
def test_a_mistake(text: str, code: str, place: str) -> None:
    cron, (found, *others) = parse_cron(verbatim("w.yaml", text))
    assert cron is None
    assert others == []
    assert found.span is not None
    shown = text[found.span.start : found.span.end]
    assert (found.code, shown) == (code, place)


@given(st.text("0123456789*/-,MONjan @L", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    cron, found = parse_cron(verbatim("w.yaml", text))
    assert (cron is None) == bool(found)


@pytest.mark.parametrize(("low", "high"), list(product(range(8), repeat=2)))
def test_days_of_the_week_are_those_of_unix(low: int, high: int) -> None:
    normal = spelled(f"0 9 * * {low}-{high}")
    if low > high:
        assert normal is None
        return
    assert normal is not None
    days = {NAMES[day % 7] for day in range(low, high + 1)}
    assert set(normal.split()[4].split(",")) == days
