"""Durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.frontend.expr import parse_duration
from perdure.frontend.expr.durations import LONGEST, format_duration
from perdure.source import verbatim

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0s", 0),
        ("250ms", 250),
        ("5s", 5 * SECOND),
        ("1m30s", 90 * SECOND),
        ("90m", 90 * MINUTE),
        ("2h", 2 * HOUR),
        ("1d", DAY),
        ("1w", 7 * DAY),
        ("1w2d3h4m5s6ms", 9 * DAY + 3 * HOUR + 4 * MINUTE + 5 * SECOND + 6),
        (" 5s ", 5 * SECOND),
        ("2147483647s", LONGEST),
    ],
)
def test_a_duration(text: str, milliseconds: int) -> None:
    duration, found = parse_duration(verbatim("w.yaml", text))
    assert found == []
    assert duration is not None
    assert duration.milliseconds == milliseconds


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("5", "5s"),
        ("5min", "5m"),
        ("5 minutes", "5m"),
        ("1 hour, 30 minutes", "1h30m"),
        ("1.5h", "1h30m"),
        ("30s1m", "1m30s"),
        ("1m 30s", "1m30s"),
        ("1H", "1h"),
        ("500 millis", "500ms"),
        ("", None),
        ("soon", None),
        ("-1s", None),
        ("1 month", None),
        ("1y", None),
        ("PT5M", None),
        ("0", None),
        ("9" * 400 + ".5h", None),
    ],
)
def test_another_way_to_write_it_is_refused(text: str, instead: str | None) -> None:
    duration, found = parse_duration(verbatim("w.yaml", text))
    assert duration is None
    assert [each.code for each in found] == ["WF149"]
    assert found[0].help
    assert (found[0].fix.edits[0].text if found[0].fix else None) == instead


@pytest.mark.parametrize("text", ["2147483648s", "9999w", "9" * 5000 + "d"])
def test_a_duration_has_a_limit(text: str) -> None:
    duration, found = parse_duration(verbatim("w.yaml", text))
    assert duration is None
    assert [each.code for each in found] == ["WF150"]


@given(st.integers(0, LONGEST))
def test_what_is_written_is_read(milliseconds: int) -> None:
    duration, _ = parse_duration(verbatim("w.yaml", format_duration(milliseconds)))
    assert duration is not None
    assert duration.milliseconds == milliseconds


@given(st.text("0123456789.wdhms -", max_size=20))
def test_a_fix_is_a_duration(text: str) -> None:
    _, found = parse_duration(verbatim("w.yaml", text))
    for fix in (each.fix for each in found):
        if fix:
            assert parse_duration(verbatim("w.yaml", fix.edits[0].text))[1] == []
