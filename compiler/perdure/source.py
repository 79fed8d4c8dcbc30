"""Source files, places in them, and text that remembers where it stood.

Every tree of the compiler carries `Span`s, half-open ranges of characters (not
bytes) of one file. Spans never take part in equality, so that a workflow that only
moved in its file still compares equal.

A scalar of a YAML or Python file seldom stands in the file as it reads: block
scalars lose their indentation, quoted ones their escapes. `Text` is the decoded
value together with the runs of it that stand verbatim in the file; `Text.span` maps
a range of the value back. The rejected way was to keep only the start of a scalar,
which points to the wrong column in everything but a plain one-line scalar.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range `[start, end)` of characters of the file `path`."""

    path: str
    start: int
    end: int

    def to(self, other: Span) -> Span:
        """Return the smallest span that covers both."""
        return Span(self.path, min(self.start, other.start), max(self.end, other.end))


@dataclass(frozen=True)
class Source:
    """A file that was read: `path` as the user would type it, and its text."""

    path: str
    text: str

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Offset of the first character of each line."""
        starts = [0]
        starts.extend(i + 1 for i, char in enumerate(self.text) if char == "\n")
        return tuple(starts)

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, both counted from 1."""
        line = bisect_right(self.line_starts, min(offset, len(self.text)))
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Return the text of a line, counted from 1, without its line end."""
        start = self.line_starts[number - 1]
        if number < len(self.line_starts):
            return self.text[start : self.line_starts[number] - 1].rstrip("\r")
        return self.text[start:]


@dataclass(frozen=True, slots=True)
class Run:
    """`length` characters of a value, from `value`, that stand at `file`."""

    value: int
    file: int
    length: int


@dataclass(frozen=True, slots=True)
class Text:
    """A decoded scalar: its value, its place, and how the one maps to the other.

    `runs` is sorted and covers the value; a character that was written as an escape
    is a run of its own, mapped to the start of the escape.
    """

    value: str
    whole: Span = field(compare=False)
    runs: tuple[Run, ...] = field(compare=False, repr=False)

    def span(self, start: int = 0, end: int | None = None) -> Span:
        """Map the range `[start, end)` of the value to the file."""
        stop = len(self.value) if end is None else end
        first = self._offset(start)
        last = self._offset(stop - 1) + 1 if stop > start else first
        return Span(self.whole.path, first, max(first, last))

    def slice(self, start: int, end: int) -> Text:
        """Return the range `[start, end)` of the value as a text of its own."""
        runs = []
        for run in self.runs:
            low, high = max(run.value, start), min(run.value + run.length, end)
            if low < high:
                runs.append(Run(low - start, run.file + low - run.value, high - low))
        return Text(self.value[start:end], self.span(start, end), tuple(runs))

    def _offset(self, index: int) -> int:
        if not self.runs:
            return self.whole.start
        at = bisect_right(self.runs, index, key=lambda run: run.value) - 1
        run = self.runs[max(at, 0)]
        return run.file + min(max(index - run.value, 0), run.length)


def verbatim(path: str, value: str, start: int = 0) -> Text:
    """Return the text of a value that stands in the file as it reads."""
    whole = Span(path, start, start + len(value))
    return Text(value, whole, (Run(0, start, len(value)),) if value else ())
