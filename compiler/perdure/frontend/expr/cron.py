"""Read a cron expression of five fields, with the day numbers of Unix.

What comes out is spelled so that every runtime reads it alike: days of the week by
name, because they are counted from 0 here and from 1 there, months by number. A day
fits when either day field does, if both are restricted, as in Unix.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from perdure.diagnostics import Diagnostic, error
from perdure.source import Span, Text
from perdure.syntax.tree import Cron

_MONTHS: tuple[str, ...] = ("jan", "feb", "mar", "apr", "may", "jun")
_MONTHS += ("jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\w+))?", re.A)
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


@dataclass(frozen=True, slots=True)
class _Field:
    """What a field is called, the numbers that it takes, and names for them."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _DAYS),
)


def parse_cron(text: Text) -> tuple[Cron | None, list[Diagnostic]]:
    """Read a cron expression; one that no time fits is an error."""
    words = list(re.finditer(r"\S+", text.value))
    if len(words) != len(_FIELDS):
        return None, [_wrong_count(text, len(words))]
    found: list[Diagnostic] = []
    numbers: list[list[int]] = []
    for field, word in zip(_FIELDS, words, strict=True):
        span = text.span(*word.span())
        read = _numbers(field, word.group(), span)
        if isinstance(read, Diagnostic):
            found.append(read)
        else:
            numbers.append(read)
    if found:
        return None, found
    spelled = [word.group() for word in words]
    if _never(spelled, numbers):
        return None, [_impossible(text, numbers)]
    return Cron(_normal(spelled, numbers), text.span()), []


def _normal(words: list[str], numbers: list[list[int]]) -> tuple[str, ...]:
    """Return the fields as every runtime reads them."""
    months, days = words[3], words[4]
    if re.search("[A-Za-z]", months):
        months = ",".join(map(str, sorted(set(numbers[3]))))
    if days != "*":
        week = sorted({number % 7 for number in numbers[4]})
        days = ",".join(_DAYS[number].upper() for number in week)
    return (words[0], words[1], words[2], months, days)


def _numbers(field: _Field, word: str, span: Span) -> list[int] | Diagnostic:
    """Return the numbers that a field stands for."""
    found: list[int] = []
    for part in word.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            return _wrong(field, span, f'cannot read "{part}"')
        star, first, last, step = match.groups()
        low = field.least if star else _number(field, first)
        high = _number(field, last) if last else low
        if star or (step and not last):
            high = field.most
        stride = int(step) if step and step.isdigit() else 0 if step else 1
        if low is None or high is None:
            return _wrong(field, span, f'"{part}" is out of range')
        if stride < 1:
            return _wrong(field, span, f'the step of "{part}" is a number from 1')
        if low > high:
            return _wrong(field, span, f'"{part}" ends before it begins')
        found += range(low, high + 1, stride)
    return found


def _number(field: _Field, word: str) -> int | None:
    """Return a number in the range of a field, perhaps written as a name."""
    if word.lower() in field.names:
        return field.names.index(word.lower()) + field.least
    if not word.isdigit() or len(word) > 2:
        return None
    return int(word) if field.least <= int(word) <= field.most else None


def _never(words: list[str], numbers: list[list[int]]) -> bool:
    """Say whether no date fits: a day that none of the months has."""
    if words[4] != "*" or words[2] == "*":
        return False
    return all(day > _LENGTHS[month - 1] for day in numbers[2] for month in numbers[3])


# --- findings -------------------------------------------------------------------


def _wrong_count(text: Text, count: int) -> Diagnostic:
    nickname = _NICKNAMES.get(text.value.strip().lower())
    help_ = "minute, hour, day of the month, month, day of the week: 0 9 * * MON"
    if nickname:
        help_ = f'write "{nickname}"'
    elif count == 6:
        help_ = "there is no field for seconds, leave out the first"
    fields = f"{count} field{'' if count == 1 else 's'}"
    message = f"a cron expression has five fields, found {fields}"
    return error("WF153", text.span(), message, help=help_)


def _wrong(field: _Field, span: Span, what: str) -> Diagnostic:
    range_ = f"it takes {field.least} to {field.most}"
    if field.names:
        range_ += f", or {', '.join(name.upper() for name in field.names)}"
    if field.names is _DAYS:
        range_ += "; 0 and 7 are Sunday"
    message = f"{what}, in the {field.name} of a cron expression"
    return error("WF153", span, message, range_)


def _impossible(text: Text, numbers: list[list[int]]) -> Diagnostic:
    months = [_MONTHS[month - 1].title() for month in sorted(set(numbers[3]))]
    verb = "has" if len(months) == 1 else "have"
    day = f"{', '.join(months)} {verb} no day {min(numbers[2])}"
    message = f"no date fits this cron expression, {day}"
    return error("WF154", text.span(), message, help="choose a day that exists")
