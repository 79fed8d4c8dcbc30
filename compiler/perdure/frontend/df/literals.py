"""String literals of SQL: decoded, with each character's place; texts put together."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from perdure.source import Run, Span, Text

_BYTE = r"\\(?:x[0-9A-Fa-f]{1,2}|[0-7]{1,3})"
_ESCAPE = re.compile(
    rf"''|(?P<bytes>(?:{_BYTE})+)|(?P<units>(?:\\u[0-9A-Fa-f]{{4}})+)"
    r"|\\U(?P<point>[0-9A-Fa-f]{8})|\\(?P<char>[\s\S])"
)
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def decode(path: str, literal: str, start: int) -> Text:
    """Return the value of a string literal that begins at `start` of a file.

    What stands behind the last quote of `U&'...'` is the character of `uescape`.
    """
    whole = Span(path, start, start + len(literal))
    if literal.startswith("$"):
        tag = literal.index("$", 1) + 1
        value = literal[tag:-tag]
        return Text(value, whole, (Run(0, start + tag, len(value)),) if value else ())
    quote = literal.index("'") + 1
    inner = literal[quote : literal.rindex("'")]
    pattern = re.compile("''")
    if literal[0] in "eE":
        pattern = _ESCAPE
    elif literal[0] in "uU":
        pattern = _unicode(literal[-1] if literal[-1] != "'" else "\\")
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


def _unicode(escape: str) -> re.Pattern[str]:
    """Return the escapes of `U&'...'` with an escape character."""
    mark = re.escape(escape)
    return re.compile(
        rf"''|(?P<units>(?:{mark}[0-9A-Fa-f]{{4}})+)"
        rf"|{mark}\+(?P<point>[0-9A-Fa-f]{{6}})|{mark}(?P<char>{mark})"
    )


def _character(match: re.Match[str]) -> str:
    """Return what an escape, or several in a row, stand for: bytes are UTF-8."""
    found = match.groupdict()
    if found.get("bytes"):
        codes = re.findall(r"\\(?:x([0-9A-Fa-f]+)|([0-7]+))", match[0])
        data = bytes(int(x, 16) if x else int(o, 8) & 255 for x, o in codes)
        return data.decode(errors="replace")
    if found.get("units"):  # two may be a surrogate pair
        data = bytes.fromhex("".join(re.findall(r"[0-9A-Fa-f]{4}", match[0])))
        return data.decode("utf-16-be", errors="replace")
    if found.get("point"):
        number = int(found["point"], 16)
        return chr(number) if number <= sys.maxunicode else "\ufffd"
    char = found.get("char")
    return "'" if char is None else _PLAIN.get(char, char)


def join_texts(texts: Sequence[Text]) -> Text:
    """Return texts one after the other as one."""
    value, runs = "", []
    for text in texts:
        runs += [Run(len(value) + r.value, r.file, r.length) for r in text.runs]
        value += text.value
    whole = texts[0].whole.to(texts[-1].whole)
    return Text(value, whole, tuple(runs))


def quoted(value: str) -> str:
    """Return text as a literal."""
    return "'" + value.replace("'", "''") + "'"


def plain(value: str, span: Span) -> Text:
    """Return text that stands for what is at a place, without standing there."""
    return Text(value, span, (Run(0, span.start, 0),) if value else ())
