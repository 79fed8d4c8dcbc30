"""SQL scripts cut into statements, each with its place.

A script is cut as psql cuts it: semicolons inside strings, quoted names, comments,
parentheses, dollar-quoted bodies and `begin atomic ... end` do not count; psql's own
commands (`\\connect`) and `copy ... from stdin` with its data are left out. Sending a
whole file at once is the rejected way: PostgreSQL tells no place for most errors of
execution, and runs the file as one transaction, which `create index concurrently`
and a new value of an enum do not bear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<escaped>\b[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z))
    | (?P<string>'(?:[^']|'')*(?:'|\Z))
    | (?P<quoted>"(?:[^"]|"")*(?:"|\Z))
    | (?P<dollar>(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<meta>\\[^\n]*)
    | (?P<other>[\d][\w.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ROUTINE = re.compile(r"create( or replace)? (function|procedure)\b")
_COPY = re.compile(r"copy\b.*\bfrom stdin\b")
_DATA_END = re.compile(r"^\\\.[ \t\r]*(?:\n|\Z)", re.MULTILINE)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, without its semicolon; `start` is its offset in the script."""

    text: str
    start: int


@dataclass(slots=True)
class _State:
    start: int | None = None
    parentheses: int = 0
    atomic: int = 0
    words: list[str] | None = None


def split_script(script: str) -> list[Statement]:
    """Cut a script into its statements; empty ones are dropped."""
    return list(_statements(script))


def _statements(script: str) -> Iterator[Statement]:
    state, at = _State(), 0
    while at < len(script):
        match = _TOKEN.match(script, at)
        assert match is not None
        kind, end = match.lastgroup, match.end()
        if kind == "tag":
            kind = "dollar"
        if kind == "comment":
            end = _comment_end(script, at)
        elif kind == "dollar":
            closing = script.find(match[0], end)
            end = len(script) if closing < 0 else closing + len(match[0])
        if kind == "other" and match[0] == ";" and _ends(state):
            if state.start is not None:
                if _is_copy(state):
                    end = _after_data(script, end)
                else:
                    yield Statement(script[state.start : at], state.start)
            state = _State()
        elif kind not in ("space", "comment") and not (
            kind == "meta" and state.start is None
        ):
            state.start = at if state.start is None else state.start
            _count(state, match[0])
        at = end
    if state.start is not None:
        yield Statement(script[state.start :].rstrip(), state.start)


def _ends(state: _State) -> bool:
    return state.parentheses <= 0 and state.atomic == 0


def _count(state: _State, token: str) -> None:
    """Follow parentheses, and the blocks of a routine with a body of statements."""
    if token in "()":
        state.parentheses += 1 if token == "(" else -1
    state.words = state.words or []
    word = token.lower()
    if state.atomic == 0:
        if word == "atomic" and state.words[-1:] == ["begin"] and _is_routine(state):
            state.atomic = 1
    elif word == "case":
        state.atomic += 1
    elif word == "end":
        state.atomic -= 1
    state.words.append(word)


def _is_routine(state: _State) -> bool:
    return bool(_ROUTINE.match(" ".join((state.words or [])[:5])))


def _is_copy(state: _State) -> bool:
    return bool(_COPY.match(" ".join(state.words or [])))


def _after_data(script: str, end: int) -> int:
    match = _DATA_END.search(script, end)
    return match.end() if match else len(script)


def _comment_end(script: str, at: int) -> int:
    depth, position = 1, at + 2
    while depth:
        edge = _COMMENT_EDGE.search(script, position)
        if edge is None:
            return len(script)
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
    return position
