"""Read a length of time: `250ms`, `5s`, `1m30s`, `2h`, `1d`, `1w`.

A day is 24 hours and a week is 7 days, whatever the clocks do: these are waits, not
dates. Months and years are left out because they have no fixed length.
"""

from __future__ import annotations

import re

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.mend import mend
from perdure.source import Text
from perdure.syntax.tree import Duration

MILLISECONDS = {
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
"""Length of each unit, from the longest, which is the order they are written in."""

LONGEST = 2_147_483_647 * 1000
"""What an integer of seconds can hold: the runtimes take timeouts as such."""

_FORM = re.compile("".join(rf"(?:([0-9]+){unit})?" for unit in MILLISECONDS))
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-zµ]*)", re.IGNORECASE)
_NAMES = (
    (r"ms(?:ecs?)?|millis(?:econds?)?|milliseconds?", "ms"),
    (r"s(?:ecs?|econds?)?", "s"),
    (r"m(?:ins?|inutes?)?", "m"),
    (r"h(?:rs?|ours?)?", "h"),
    (r"d(?:ays?)?", "d"),
    (r"w(?:ks?|eeks?)?", "w"),
)


def parse_duration(text: Text) -> tuple[Duration | None, list[Diagnostic]]:
    """Read a duration; the error shows how the same length is written."""
    value = text.value.strip()
    match = _FORM.fullmatch(value)
    if not value or not match:
        return None, [_malformed(text, value)]
    if max(len(part) for part in match.groups("")) > 15:
        return None, [_too_long(text)]
    lengths = zip(match.groups("0"), MILLISECONDS.values(), strict=True)
    total = sum(int(count) * length for count, length in lengths)
    if total > LONGEST:
        return None, [_too_long(text)]
    return Duration(total, text.span()), []


def format_duration(milliseconds: int) -> str:
    """Return the shortest way to write a duration."""
    shown, rest = "", milliseconds
    for unit, length in MILLISECONDS.items():
        count, rest = divmod(rest, length)
        shown += f"{count}{unit}" if count else ""
    return shown or "0s"


def _malformed(text: Text, value: str) -> Diagnostic:
    instead = _guess(value)
    found = f'found "{value}"' if value else "found nothing"
    return error(
        "WF149",
        text.span(),
        f"expected a duration such as 30s, 1m30s, 2h or 1d, {found}",
        help=f"write {instead}" if instead else _why_not(value),
        fix=mend(text, 0, len(text.value), instead) if instead else None,
    )


def _why_not(value: str) -> str:
    if value.startswith("-"):
        return "a duration cannot be negative"
    if re.search(r"[0-9]\s*(mo|y)", value, re.IGNORECASE):
        return "months and years have no fixed length: count days"
    return "units are ms, s, m, h, d and w, from the longest to the shortest"


def _guess(value: str) -> str | None:
    """Return what may have been meant: `5` is 5s, `1.5 hours` is 1h30m."""
    spelt = re.sub(r"\s*(?:,|and)\s*", " ", value)
    if not re.fullmatch(rf"(?:{_PART.pattern}\s*)+", spelt, re.IGNORECASE):
        return None
    total = 0.0
    for count, name in _PART.findall(spelt):
        unit = _unit(name)
        if unit is None or len(count) > 15:
            return None
        total += float(count) * MILLISECONDS[unit]
    return format_duration(round(total)) if 0 < total <= LONGEST else None


def _unit(name: str) -> str | None:
    if not name:
        return "s"
    for pattern, unit in _NAMES:
        if re.fullmatch(pattern, name, re.IGNORECASE):
            return unit
    return None


def _too_long(text: Text) -> Diagnostic:
    value = text.value.strip()
    shown = value if len(value) <= 40 else f"{value[:37]}..."
    return error(
        "WF150",
        text.span(),
        f'"{shown}" is longer than {LONGEST // 1000}s, the longest duration',
        "that is about 68 years",
    )
