"""Numbers and times as SQL spells them."""

from __future__ import annotations

_UNITS = ((3_600_000, "hour"), (60_000, "minute"), (1000, "second"))


def interval(milliseconds: int) -> str:
    """Return the text of an interval; a day is 24 hours whatever the time zone."""
    for size, unit in _UNITS:
        if milliseconds and milliseconds % size == 0:
            count = milliseconds // size
            return f"'{count} {unit}{'' if count == 1 else 's'}'"
    return f"'{milliseconds} milliseconds'"


def factor(value: float) -> str:
    """Return a number without a needless fraction."""
    return str(int(value)) if value == int(value) else repr(value)
