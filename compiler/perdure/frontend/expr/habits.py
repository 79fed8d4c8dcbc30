"""Mistakes with a known cure: what people bring along from other languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.mend import mend
from perdure.source import Text

_Replace = Callable[[re.Match[str]], str]


@dataclass(frozen=True, slots=True)
class _Habit:
    """A mistake by how the text goes on where it can't be read.

    In `message` and `help`, {0} is what the pattern matched and {1} its group.
    """

    code: str
    pattern: re.Pattern[str]
    message: str
    help: str | None
    replace: _Replace | None


def _habit(
    code: str,
    pattern: str,
    message: str,
    help: str | None = None,
    replace: _Replace | None = None,
) -> _Habit:
    return _Habit(code, re.compile(pattern, re.IGNORECASE), message, help, replace)


def _operator(pattern: str, instead: str, replace: _Replace | None = None) -> _Habit:
    return _habit("WF142", pattern, '"{0}" is no operator', instead, replace)


def _bare(pattern: str) -> _Habit:
    message = "a name stands bare in an expression, found {0}"
    return _habit("WF144", pattern, message, "write {1}", lambda match: match[1])


_HABITS = (
    _habit("WF141", r"'.*", "the string is not closed", "add a '"),
    _habit(
        "WF143",
        r'"([^"]*)"',
        "a string stands in single quotes, found {0}",
        "write '{1}'",
        lambda match: "'" + match[1].replace("'", "''") + "'",
    ),
    _habit(
        "WF142",
        r"[<>=!|%]+[+-]",
        '"{0}" is read as one operator',
        "put a space before its last character",
    ),
    _operator(r"===?", 'write "="', lambda _: "="),
    _operator(r"!==", 'write "<>"', lambda _: "<>"),
    _operator(r"&&", 'write "and"', lambda _: "and"),
    _operator(r"!(?!=)", 'write "not"', lambda _: "not "),
    _operator(r"\?\?", "write coalesce(a, b)"),
    _operator(r"\?\.", 'write ".": a null on the way gives null'),
    _operator(r"\?(?![|&?])", "write case when condition then a else b end"),
    _operator(r"\*\*|\^", "write power(a, b)"),
    _operator(r"=>|:=", "arguments have no names in an expression"),
    _bare(r"\$\{\s*([^{}]*?)\s*\}"),
    _bare(r"\{\{\s*([^{}]*?)\s*\}\}"),
    _bare(r"[:$@]([a-z_]\w*(?:\.[a-z_]\w*)*)"),
    _habit(
        "WF151",
        r"\[",
        "subscripts are not part of expressions",
        "take the element in an sql step",
    ),
    _habit(
        "WF140",
        r"--|/\*",
        'found "{0}", which begins a comment in SQL',
        "put a space between the characters",
    ),
    _habit("WF140", r"\.", '"." stands without a name beside it'),
    _habit(
        "WF140",
        r"(?:\s*;)+\s*$",
        'an expression does not end with ";"',
        'remove ";"',
        lambda _: "",
    ),
)


def habitual(text: Text, start: int) -> Diagnostic | None:
    """Return a diagnostic if the text at `start` goes on in a familiar wrong way."""
    for habit in _HABITS:
        if match := habit.pattern.match(text.value, start):
            return _diagnostic(text, habit, match)
    return None


def _diagnostic(text: Text, habit: _Habit, match: re.Match[str]) -> Diagnostic:
    span = text.span(match.start(), match.end())
    help_ = habit.help and _filled(habit.help, match)
    fix = None
    if habit.replace:
        fix = mend(text, match.start(), match.end(), habit.replace(match))
    return error(habit.code, span, _filled(habit.message, match), help=help_, fix=fix)


def _filled(template: str, match: re.Match[str]) -> str:
    group = match[1] if match.re.groups else ""
    return template.replace("{0}", match[0]).replace("{1}", group)
