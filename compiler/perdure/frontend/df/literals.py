"""String literals of SQL: decoded, with each character's place; texts put together."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perdure.source import Run, Span, Text

_ESCAPE = re.compile(
    r"''|\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{1,2})|([0-7]{1,3})"
    r"|([\s\S]))"
)
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def decode(path: str, literal: str, start: int) -> Text:
    """Return the value of a string literal that begins at `start` of a file."""
    whole = Span(path, start, start + len(literal))
    if literal.startswith("$"):
        tag = literal.index("$", 1) + 1
        value = literal[tag:-tag]
        return Text(value, whole, (Run(0, start + tag, len(value)),) if value else ())
    quote = literal.index("'") + 1
    inner = literal[quote:-1]
    pattern = _ESCAPE if literal[0] in "eE" else re.compile("''")
    return _decoded(whole, inner, start + quote, pattern)


def _decoded(whole: Span, inner: str, file: int, pattern: re.Pattern[str]) -> Text:
    value, runs, at = "", [], 0
    for match in pattern.finditer(inner):
        plain = inner[at : match.start()]
        if plain:
            runs.append(Run(len(value), file + at, len(plain)))
        char = _character(match)
        runs.append(Run(len(value) + len(plain), file + match.start(), len(char)))
        value += plain + char
        at = match.end()
    if inner[at:]:
        runs.append(Run(len(value), file + at, len(inner) - at))
    return Text(value + inner[at:], whole, tuple(runs))


def _character(match: re.Match[str]) -> str:
    if match.group() == "''":
        return "'"
    for number, base in ((1, 16), (2, 16), (3, 16), (4, 8)):
        if match.group(number):
            return chr(int(match.group(number), base))
    return _PLAIN.get(match.group(5), match.group(5))


def join_texts(texts: Sequence[Text]) -> Text:
    """Return texts one after the other as one."""
    value, runs = "", []
    for text in texts:
        runs += [Run(len(value) + r.value, r.file, r.length) for r in text.runs]
        value += text.value
    whole = texts[0].whole.to(texts[-1].whole)
    return Text(value, whole, tuple(runs))


def plain(value: str, span: Span) -> Text:
    """Return text that stands for what is at a place, without standing there."""
    return Text(value, span, (Run(0, span.start, 0),) if value else ())
