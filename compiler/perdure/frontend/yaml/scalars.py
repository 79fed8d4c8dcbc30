"""Map the value of a YAML scalar back to the characters of the file.

libyaml gives a scalar's value, style and place, but not how the one came from the
other: quotes, escapes, folded lines and indentation are gone. The functions here
walk file and value side by side. The value is libyaml's; only the mapping is ours,
so a slip here can misplace a caret and never change what a workflow means. The
rejected way was to decode scalars ourselves, which is a second YAML to keep right.

A line break counts as one character of the value, also when the file has CR LF.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from perdure.source import Run, Span, Text

_BREAKS = "\r\n\x85\u2028\u2029"
_BREAK = re.compile(f"\r\n|[{_BREAKS}]")
# A run of white space, which is a fold if there is a line break in it. To look for the
# line break here would try again at each space of a long run.
_BLANK = rf"[ \t{_BREAKS}]+"
_PLAIN = re.compile(f"(?P<blank>{_BLANK})")
_SINGLE = re.compile(f"(?P<blank>{_BLANK})|(?P<escape>'')")
_DOUBLE = re.compile(
    rf"(?P<join>\\(?:\r\n|[{_BREAKS}])[ \t{_BREAKS}]*)"
    rf"|(?P<escape>\\(?:x..|u.{{4}}|U.{{8}}|.))"
    rf"|(?P<blank>{_BLANK})"
)
_PROPERTIES = re.compile(r"(?:[!&]\S*\s+)*")
_HEADER = re.compile(rf"[|>][-+0-9]*[^{_BREAKS}]*(?:\r\n|[{_BREAKS}]|\Z)")
_LINE = re.compile(rf"(?P<line>[^{_BREAKS}]*)(?:\r\n|[{_BREAKS}]|\Z)")


class _Runs:
    """Runs under construction. Line breaks and escapes are runs of their own."""

    def __init__(self) -> None:
        self.length = 0
        self._runs: list[Run] = []

    def add(self, file: int, length: int = 1) -> None:
        """Map the next `length` characters of the value to `file`."""
        if length > 0:
            self._runs.append(Run(self.length, file, length))
            self.length += length

    def done(self) -> tuple[Run, ...]:
        return tuple(self._runs)


def scalar_text(
    path: str, file: str, start: int, end: int, value: str, style: str
) -> Text:
    """Return the text of the scalar that libyaml found at `[start, end)` of `file`.

    `style` is libyaml's: `|`, `>`, `'`, `"`, or nothing for a plain scalar.
    """
    quotes = 1 if style in ("'", '"') else 0
    if file[start + quotes : end - quotes] == value and style not in ("|", ">"):
        whole = (Run(0, start + quotes, len(value)),) if value else ()
        return Text(value, Span(path, start, end), whole)
    runs = _Runs()
    properties = _PROPERTIES.match(file, start, end)
    first = properties.end() if properties and style else start
    if style in ("|", ">"):
        _ALIGNERS[style](runs, file, first, value)
        end = _end_of_block(file, first, runs)
    elif style == '"':
        _flow(runs, file, first + 1, end - 1, _DOUBLE)
    elif style == "'":
        _flow(runs, file, first + 1, end - 1, _SINGLE)
    else:
        _flow(runs, file, first, end, _PLAIN)
    return Text(value, Span(path, start, end), runs.done())


def header_end(file: str, start: int) -> int:
    """Return the offset after the line of a block scalar's `|` or `>`."""
    match = _HEADER.match(file, start)
    return match.end() if match else start


def _end_of_block(file: str, start: int, runs: _Runs) -> int:
    done = runs.done()
    if done:
        return done[-1].file + done[-1].length
    return start + len(file[start : header_end(file, start)].rstrip())


def _flow(
    runs: _Runs, file: str, start: int, end: int, special: re.Pattern[str]
) -> None:
    """Walk a plain or quoted scalar from one special place to the next."""
    at = start
    for match in special.finditer(file, start, end):
        breaks = [each.end() - 1 for each in _BREAK.finditer(match.group())]
        if match.lastgroup == "blank" and not breaks:
            continue
        runs.add(at, match.start() - at)
        at = match.end()
        if match.lastgroup == "escape":
            runs.add(match.start())
        else:
            _fold(runs, file, match, breaks)
    runs.add(at, end - at)


def _fold(runs: _Runs, file: str, match: re.Match[str], breaks: list[int]) -> None:
    """Map the line breaks inside a plain or quoted scalar.

    One break is a space, of several the first is dropped. A line or paragraph
    separator is never dropped, and an escaped break never makes a space.
    """
    places = [match.start() + each for each in breaks]
    kept = file[places[0]] in "\u2028\u2029"
    if len(places) > 1 or match.lastgroup == "join":
        places = places if kept and match.lastgroup != "join" else places[1:]
    for place in places:
        runs.add(place)


def _literal(runs: _Runs, file: str, start: int, value: str) -> None:
    """Walk a `|` scalar: its lines are those of the file without indentation."""
    at, indent = header_end(file, start), -1
    while runs.length < len(value):
        line = _LINE.match(file, at)
        assert line is not None
        stop = _next_break(value, runs.length)
        length = stop - runs.length
        if length and indent < 0:
            indent = line.end("line") - at - length
        runs.add(at + indent, length)
        if stop < len(value):
            runs.add(line.end() - 1)
        at = line.end()


def _folded(runs: _Runs, file: str, start: int, value: str) -> None:
    """Walk a `>` scalar: line by line, then the breaks up to the next line.

    How many breaks survived is read off the value: all before and after a line that
    is indented more, one less between other lines, and what chomping left at the end.
    """
    at, indent = header_end(file, start), -1
    while runs.length < len(value):
        if indent < 0 and value[runs.length] not in _BREAKS:
            indent = _spaces(file, at) - _spaces(value, runs.length)
        line = _LINE.match(file, at)
        assert line is not None
        if indent < 0:
            runs.add(line.end() - 1)
            at = line.end()
            continue
        runs.add(at + indent, line.end("line") - at - indent)
        breaks, at = _blank_lines(file, line, indent)
        _fold_block(runs, value, breaks)


def _blank_lines(file: str, line: re.Match[str], indent: int) -> tuple[list[int], int]:
    """Return the places of the breaks after a line, and the start of the next."""
    breaks, at = [line.end() - 1], line.end()
    while at < len(file):
        blank = _LINE.match(file, at)
        assert blank is not None
        text = blank.group("line")
        no_break = blank.end() == blank.end("line")
        if len(text) > indent or text.strip(" ") or no_break:
            break
        breaks.append(blank.end() - 1)
        at = blank.end()
    return breaks, at


def _fold_block(runs: _Runs, value: str, breaks: list[int]) -> None:
    start = end = runs.length
    while end < len(value) and end - start < len(breaks) and value[end] in _BREAKS:
        end += 1
    if end > start:
        count = end - start
        for place in breaks[:count] if end == len(value) else breaks[-count:]:
            runs.add(place)
    elif start < len(value):
        runs.add(breaks[0])


def _next_break(value: str, start: int) -> int:
    match = _BREAK.search(value, start)
    return match.start() if match else len(value)


def _spaces(text: str, start: int) -> int:
    at = start
    while at < len(text) and text[at] == " ":
        at += 1
    return at - start


_ALIGNERS: dict[str, Callable[[_Runs, str, int, str], None]] = {
    "|": _literal,
    ">": _folded,
}
