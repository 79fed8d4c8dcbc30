"""Findings as text, with the source line and a caret under the place.

Columns of the drawing are columns of the terminal: a tab is four, wide characters are
two, combining marks are none. Control characters never reach the terminal, nor those
that turn the direction of writing: what a workflow file holds must not be able to move
the cursor, or to look like something else.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from perdure.diagnostics.model import Diagnostic
from perdure.diagnostics.render_order import sort
from perdure.source import Source, Span

TAB = 4
WIDTH = 160
"""A longer line is shown around the place only."""

LINES = 6
"""Of a place with more lines, the first and the last ones are shown."""

_TURNS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_STYLES = {
    "error": "1;31",
    "warning": "1;33",
    "message": "1",
    "frame": "34",
    "help": "32",
}


@dataclass(frozen=True, slots=True)
class _Paint:
    """Put ANSI styles around text, or nothing."""

    colour: bool

    def __call__(self, style: str, text: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour else text


def render_text(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source], colour: bool
) -> str:
    """Return all findings, sorted by place, with an empty line between them."""
    paint = _Paint(colour)
    return "\n".join(_finding(each, sources, paint) for each in sort(diagnostics))


def _finding(
    diagnostic: Diagnostic, sources: Mapping[str, Source], paint: _Paint
) -> str:
    title = paint(diagnostic.severity, f"{diagnostic.severity}[{diagnostic.code}]")
    message = paint("message", f": {_clean(diagnostic.message)}")
    span = diagnostic.span
    source = sources.get(span.path) if span else None
    lines = [f"{title}{message}"]
    margin = "  "
    if span and source:
        frame = _Frame(span, source, diagnostic.severity, paint)
        margin = frame.margin
        lines += frame.lines()
    elif span:
        lines.append(f"{margin}{paint('frame', '-->')} {_clean(span.path)}")
    lines += _facts(diagnostic, margin, paint)
    return "\n".join(lines) + "\n"


def _facts(diagnostic: Diagnostic, margin: str, paint: _Paint) -> list[str]:
    facts = [("", note) for note in diagnostic.notes]
    if diagnostic.sqlstate:
        facts.append(("", f"PostgreSQL reports SQLSTATE {diagnostic.sqlstate}"))
    if diagnostic.help:
        facts.append((paint("help", "help") + ": ", diagnostic.help))
    shown = []
    for label, text in facts:
        first, *more = _clean(text, keep="\n").split("\n")
        shown.append(f"{margin} {paint('frame', '=')} {label}{first}")
        shown += [f"{margin}   {line}".rstrip() for line in more]
    return shown


@dataclass(frozen=True, slots=True)
class _Frame:
    """The lines of the source that a span touches."""

    span: Span
    source: Source
    severity: str
    paint: _Paint

    @property
    def margin(self) -> str:
        return " " * len(str(self._last_line()))

    def lines(self) -> list[str]:
        line, column = self.source.position(self.span.start)
        arrow, bar = self.paint("frame", "-->"), self.paint("frame", "|")
        path = _clean(self.span.path)
        shown = [f"{self.margin}{arrow} {path}:{line}:{column}", f"{self.margin} {bar}"]
        for number in self._numbers(line, self._last_line()):
            if number is None:
                shown.append(self.paint("frame", "..."))
                continue
            text, carets = _underlined(*self._marked(number))
            label = self.paint("frame", f"{number:>{len(self.margin)}} |")
            shown.append(f"{label} {text}".rstrip())
            if carets.strip():
                shown.append(f"{self.margin} {bar} {self._caret(carets)}")
        return shown

    def _caret(self, carets: str) -> str:
        indent = len(carets) - len(carets.lstrip())
        return carets[:indent] + self.paint(self.severity, carets[indent:])

    def _last_line(self) -> int:
        """Return the last line of the span; a line end belongs to its line."""
        last = max(self.span.start, self.span.end - 1)
        return self.source.position(min(last, len(self.source.text)))[0]

    @staticmethod
    def _numbers(first: int, last: int) -> Sequence[int | None]:
        if last - first < LINES:
            return range(first, last + 1)
        return [*range(first, first + LINES - 2), None, last]

    def _marked(self, number: int) -> tuple[str, int, int]:
        """Return a line and the range of it that the span covers, not blank."""
        text = self.source.line(number)
        start = self.source.line_starts[number - 1]
        low = max(self.span.start - start, 0)
        high = min(self.span.end - start, len(text))
        if number > self.source.position(self.span.start)[0]:
            low = len(text) - len(text[low:].lstrip())
            return text, low, max(high, low)
        low = min(low, len(text))
        return text, low, max(high, low + 1)


def _underlined(text: str, low: int, high: int) -> tuple[str, str]:
    """Return a line as shown, and the line of carets below it."""
    text, low, high = _clipped(text, low, high)
    cells = [_cell(char) for char in text]
    before = sum(map(_width, cells[:low]))
    under = sum(map(_width, cells[low:high])) + max(high - max(low, len(text)), 0)
    return "".join(cells), " " * before + "^" * (max(under, 1) if high > low else 0)


def _clipped(text: str, low: int, high: int) -> tuple[str, int, int]:
    if len(text) <= WIDTH:
        return text, low, high
    start = max(0, min(low - WIDTH // 4, len(text) - WIDTH))
    end = start + WIDTH
    head, tail = "…" if start else "", "…" if end < len(text) else ""
    shift = len(head) - start
    return head + text[start:end] + tail, low + shift, min(high, end) + shift


def _cell(char: str) -> str:
    return " " * TAB if char == "\t" else _clean(char)


def _width(cell: str) -> int:
    return sum(_columns(char) for char in cell)


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _clean(text: str, keep: str = "") -> str:
    """Replace what a terminal would act upon."""
    if text.isprintable():
        return text
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if char not in keep and _acts(char) else char
        for char in text
    )


def _acts(char: str) -> bool:
    if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp"):
        return True
    return unicodedata.bidirectional(char) in _TURNS
