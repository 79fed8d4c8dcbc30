"""String literals of the file: their values, and where each character stands.

Python's tree gives the value of a literal and the place of the whole of it, and
before 3.12 wrong places for what stands inside an f-string. The functions here read
the literal in the file again: prefixes, quotes, escapes, several literals side by
side, and the fields of f-strings. A test holds that the values are Python's own.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from dataclasses import dataclass

from perdure.frontend.python.places import Places
from perdure.source import Run, Span, Text

_OPENING = re.compile(r"([A-Za-z]{0,2})('''|\"\"\"|'|\")")
_BETWEEN = re.compile(r"(?:\s|\\\r?\n|#[^\r\n]*)*")
_ESCAPE = re.compile(
    r"\r\n|\r"
    r"|\\(?:\r\n|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}"
    r"|N\{[^}]*\}|.)",
    re.DOTALL,
)
_LINE_END = re.compile(r"\r\n|\r")
_LETTERS = dict(zip("abfnrtv\\'\"", "\a\b\f\n\r\t\v\\'\"", strict=True))
_SELF_DOCUMENTING = re.compile(r"(?<![=!<>])=\s*(?=[}!:])")


@dataclass(frozen=True, slots=True)
class Field:
    """`{expression!r:format}` of an f-string; `form` is what follows the expression.

    `added` is an operand of `+` that stands beside text, which is no field at all.
    """

    expr: ast.expr
    span: Span
    form: str = ""
    added: bool = False


Piece = Text | Field


class TextBuilder:
    """A text under construction, from parts of the file and from constants."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._parts: list[str] = []
        self._runs: list[Run] = []
        self._length = 0

    def verbatim(self, value: str, file: int) -> None:
        """Add characters that stand in the file as they read."""
        if value:
            self._runs.append(Run(self._length, file, len(value)))
            self._add(value)

    def at(self, value: str, file: int) -> None:
        """Add characters that all stand for one place, as an escape's do."""
        self._runs += [Run(self._length + i, file, 1) for i in range(len(value))]
        self._add(value)

    def text(self, text: Text) -> None:
        """Add another text."""
        self._runs += [
            Run(self._length + run.value, run.file, run.length) for run in text.runs
        ]
        self._add(text.value)

    def _add(self, value: str) -> None:
        self._parts.append(value)
        self._length += len(value)

    def done(self, start: int, end: int) -> Text:
        """Return the text; the range is for messages when it is empty."""
        runs = tuple(self._runs)
        if runs:
            # One before the text, as of a scalar in quotes: fixes need escapes.
            start = min(start, runs[0].file - 1)
        return Text("".join(self._parts), Span(self._path, start, end), runs)


def pieces(places: Places, node: ast.Constant | ast.JoinedStr) -> list[Piece]:
    """Return the texts and the fields of a literal, adjacent texts joined."""
    whole = places.span(node)
    reader = _Reader(places, whole)
    at = whole.start
    while at < whole.end:
        between = _BETWEEN.match(places.text, at)
        at = between.end() if between else at
        opening = _OPENING.match(places.text, at)
        if opening is None or at >= whole.end:
            break
        at = reader.literal(opening)
    return reader.done()


class _Reader:
    def __init__(self, places: Places, whole: Span) -> None:
        self.places = places
        self.whole = whole
        self.found: list[Piece] = []
        self.text = TextBuilder(whole.path)

    def done(self) -> list[Piece]:
        text = self.text.done(self.whole.start, self.whole.end)
        if text.value or not self.found:
            self.found.append(text)
        return self.found

    def literal(self, opening: re.Match[str]) -> int:
        """Read one literal and return where it ends."""
        prefix, quote = opening.group(1).lower(), opening.group(2)
        end = _end_of_string(self.places.text, opening)
        stop, raw = end - len(quote), "r" in prefix
        if "f" in prefix:
            self._formatted(opening.end(), stop, raw)
        else:
            self._plain(opening.end(), stop, raw)
        return end

    def _plain(self, start: int, end: int, raw: bool) -> None:
        file, at = self.places.text, start
        for match in (_LINE_END if raw else _ESCAPE).finditer(file, start, end):
            self.text.verbatim(file[at : match.start()], at)
            value = _unescaped(match.group())
            if value == match.group():
                self.text.verbatim(value, match.start())
            else:
                self.text.at(value, match.start())
            at = match.end()
        self.text.verbatim(file[at:end], at)

    def _formatted(self, start: int, end: int, raw: bool) -> None:
        file, at, rest = self.places.text, start, start
        while at < end:
            if file[at] == "\\":
                at = _after_backslash(file, at, raw)
            elif file[at : at + 2] in ("{{", "}}"):
                self._plain(rest, at + 1, raw)
                at = rest = at + 2
            elif file[at] == "{":
                self._plain(rest, at, raw)
                at = rest = self._field(at)
            else:
                at += 1
        self._plain(rest, end, raw)

    def _field(self, start: int) -> int:
        """Read `{...}` and return where it ends."""
        file = self.places.text
        stop = _end_of_expression(file, start + 1)
        end = _end_of_field(file, stop)
        shown = _SELF_DOCUMENTING.search(file, start, stop + 1)
        if shown and shown.end() == stop:
            form, stop = file[shown.start() : end - 1], shown.start()
        else:
            form = file[stop : end - 1]
        self._flush()
        expr = self.places.parse(start + 1, stop)
        form = form.strip().removesuffix("!s")  # which says what is so without it
        self.found.append(Field(expr, self.places.range(start, end), form))
        return end

    def _flush(self) -> None:
        text = self.text.done(self.whole.start, self.whole.end)
        if text.value:
            self.found.append(text)
        self.text = TextBuilder(self.whole.path)


def _unescaped(escape: str) -> str:
    """Return what an escape stands for; itself, if it is none."""
    if escape[0] == "\r":
        return "\n"
    body = escape[1:]
    if body in ("\n", "\r", "\r\n"):
        return ""
    if body in _LETTERS:
        return _LETTERS[body]
    if body[0] in "01234567":
        return chr(int(body, 8))
    if body[0] in "xuU" and len(body) > 1:
        return chr(int(body[1:], 16))
    if body.startswith("N{"):
        return unicodedata.lookup(body[2:-1])
    return escape


# --- where things end -----------------------------------------------------------


def _after_backslash(file: str, at: int, raw: bool) -> int:
    """Return where an escape of an f-string ends; it never takes in a brace."""
    if file[at + 1] in "{}":
        return at + 1
    escape = None if raw else _ESCAPE.match(file, at)
    return escape.end() if escape else at + 2


def _end_of_string(file: str, opening: re.Match[str]) -> int:
    quote, at = opening.group(2), opening.end()
    formatted = "f" in opening.group(1).lower()
    raw = "r" in opening.group(1).lower()
    while not file.startswith(quote, at):
        if file[at] == "\\":
            at = _after_backslash(file, at, raw) if formatted else at + 2
        elif formatted and file[at] == "{" and file[at : at + 2] != "{{":
            at = _end_of_field(file, _end_of_expression(file, at + 1))
        elif formatted and file[at : at + 2] == "{{":
            at += 2
        else:
            at += 1
    return at + len(quote)


def _end_of_expression(file: str, start: int) -> int:
    """Return the place of the `}`, `!` or `:` after the expression of a field."""
    depth, at = 0, start
    while True:
        char = file[at]
        string = _OPENING.match(file, at)
        if string and (at == start or not file[at - 1].isalnum()):
            at = _end_of_string(file, string)
            continue
        if depth == 0 and (char in "}:" or (char == "!" and file[at : at + 2] != "!=")):
            return at
        depth += (char in "([{") - (char in ")]}")
        at += 1


def _end_of_field(file: str, at: int) -> int:
    """Return where a field ends, from the end of its expression."""
    while file[at] != "}":
        if file[at] == "{":
            at = _end_of_field(file, _end_of_expression(file, at + 1))
        else:
            at += 1
    return at + 1
