"""Say in a user's words what libyaml says in its own.

libyaml stops at the first mistake and names the rule of its grammar that failed. What
people really did is in the text around it: a colon in a plain value, text after a
closing quote, a tab, a line that is indented too far.
"""

from __future__ import annotations

import re

import yaml

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.yaml.nodes import ScalarNode
from perdure.source import Source, Span

_QUOTE_IT = "put the whole value in double quotes, or write it below, after |"
_MERGE = re.compile(
    r"^(?P<mark><{7}(?: .*)?)$(?s:.*?)^={7}$(?s:.*?)^>{7}(?: |$)", re.MULTILINE
)
_SQL = re.compile(r"\s*(?:- +)*sql: ")
_INDICATORS = "@`%&*!|>{}[],#"


def explain(
    source: Source, failure: yaml.MarkedYAMLError, skipped: int, last: ScalarNode | None
) -> Diagnostic:
    """Return the finding for a syntax error.

    `skipped` is what libyaml does not count at the start of the file; `last` is the
    last scalar that was read.
    """
    place = _Place(source, failure, skipped, last)
    merge = _MERGE.search(source.text)
    if merge is not None:
        return place.merge(*merge.span("mark"))
    problem = failure.problem or "not YAML"
    if "\t" in (place.char, place.before[:1]) or "tab character" in problem:
        return place.tab()
    for words, method in _RULES:
        if words in problem:
            return method(place)
    return place.error(problem)


class _Place:
    """Where libyaml stopped, and what stands around there."""

    def __init__(
        self,
        source: Source,
        failure: yaml.MarkedYAMLError,
        skipped: int,
        last: ScalarNode | None,
    ) -> None:
        mark, context = failure.problem_mark, failure.context_mark
        size = len(source.text)
        self.source = source
        self.at = min(mark.index + skipped, size) if mark else 0
        self.context = min(context.index + skipped, size) if context else self.at
        self.doing = failure.context or ""
        self.char = source.text[self.at : self.at + 1]
        line, _ = source.position(self.at)
        self.before = source.text[source.line_starts[line - 1] : self.at]
        self.last = last

    def error(
        self, message: str, help: str | None = None, *, at: int | None = None
    ) -> Diagnostic:
        """Return the finding, at the word where libyaml stopped unless told."""
        start = self.at if at is None else at
        word = re.compile(r"\w+|[^\w\s]|").match(self.source.text, start)
        span = Span(self.source.path, start, word.end() if word else start)
        return error("WF101", span, message, help=help)

    def merge(self, start: int, end: int) -> Diagnostic:
        path = self.source.path
        return error(
            "WF101",
            Span(path, start, end),
            "the file has an unresolved merge: two branches changed the same lines",
            help="keep what is right of both sides, without the marks, or the whole "
            f"file of one (git checkout --ours or --theirs {path})",
        )

    def line_of(self, offset: int) -> int:
        return self.source.position(offset)[0]

    def tab(self) -> Diagnostic:
        text = self.source.text
        start = self.at - len(self.before)
        place = text.find("\t", start)
        span = Span(self.source.path, place, place + 1)
        message = "found a tab where indentation is expected"
        return error("WF102", span, message, help="indent with spaces")

    def colon(self) -> Diagnostic:
        last = self.last
        if last and self.line_of(last.span.end) == self.line_of(self.at):
            if ": " in self.before.rstrip() and self._quoted(last):
                return self.after_quote()
            if re.search(r":\s", self.before):
                return self.error('a value can\'t hold ": " without quotes', _QUOTE_IT)
            if self.line_of(last.span.start) < self.line_of(last.span.end):
                return self.indented(last)
        return self.error('found ":" where no key is expected', _QUOTE_IT)

    def indented(self, last: ScalarNode) -> Diagnostic:
        """The scalar before goes on to the line of this colon: which line is wrong?"""
        number = self.line_of(last.span.start)
        above = self.source.line(number)
        if _indentation(self.before) <= _indentation(above):
            return self.error('expected ":" after this', at=last.span.start)
        help_ = f"align it with the key on line {number}"
        return self.error("this key is indented too far", help_)

    def key(self) -> Diagnostic:
        last = self.last
        if last and self._quoted(last) and self._same_line(last):
            return self.after_quote()
        if last and last.plain and self._after(last).startswith("#"):
            help_ = "write SQL comments as --, or put the value after |"
            return self.error("a comment ended the value above this line", help_)
        if last and not last.plain and not last.value.strip():
            message = "a blank line above has more spaces than the text after it"
            return self.error(message, "remove the spaces from blank lines")
        what = "key" if "mapping" in self.doing else 'list item that begins with "- "'
        return self.error(
            f"expected a {what} here",
            f"align it with what begins on line {self.line_of(self.context)}",
        )

    def after_quote(self) -> Diagnostic:
        message = "found text after the closing quote"
        return self.error(message, "put the whole value in quotes, or write it after |")

    def flow(self) -> Diagnostic:
        opened = self.source.text[self.context : self.context + 1]
        closing = {"{": "}", "[": "]"}.get(opened, "}")
        last = self.last
        if last and self._same_line(last) and self.char not in ("", "}", "]", ":"):
            if last.plain and last.value.endswith("$") and self.char == "{":
                message = f"${{...}} inside {opened} {closing} must stand in quotes"
                return self.error(message, 'write "${...}"', at=self.at - 1)
            message = (
                f'"{self.char}" can\'t be part of a value inside {opened} {closing}'
            )
            return self.error(message, "put the whole value in quotes")
        line = self.line_of(self.context)
        message = f'expected "," or "{closing}" for the "{opened}" on line {line}'
        return self.error(message)

    def start(self) -> Diagnostic:
        message = f'a value can\'t begin with "{self.char}"'
        return self.error(message, "put the whole value in quotes")

    def reference(self) -> Diagnostic:
        begin = self.source.text[self.context : self.context + 1]
        message = f'a value can\'t begin with "{begin}"'
        return self.error(message, "put the whole value in quotes", at=self.context)

    def unclosed(self) -> Diagnostic:
        return self.error("this quote is not closed", at=self.context)

    def escape(self) -> Diagnostic:
        text = self.source.text[self.at : self.at + 2]
        message = f'unknown escape "{text}" in double quotes'
        return self.error(message, "write \\\\ for a backslash, or use single quotes")

    def no_colon(self) -> Diagnostic:
        help_ = None
        if self.last and self.last.plain and _SQL.match(self._line(self.last)):
            help_ = 'write "sql: |" and indent the lines below it'
        return self.error('expected ":" after this key', help_, at=self.context)

    def block(self) -> Diagnostic:
        message = "the text after | or > begins on the next line"
        return self.error(message)

    def dash(self) -> Diagnostic:
        message = 'found "- " where no list item is expected'
        return self.error(message, "begin the list on a line of its own")

    def value(self) -> Diagnostic:
        found = f'"{self.char}"' if self.char.strip() else "nothing"
        return self.error(f"expected a value, found {found}", _QUOTE_IT)

    def document(self) -> Diagnostic:
        if "\n..." in self.source.text[: self.at]:
            return self.error("found text after the end of the document")
        message = "this line is indented less than the first key of the file"
        return self.error(message, "align the keys of the workflow")

    def _after(self, last: ScalarNode) -> str:
        number = self.line_of(last.span.end)
        rest = last.span.end - self.source.line_starts[number - 1]
        return self.source.line(number)[rest:].lstrip()

    def _line(self, last: ScalarNode) -> str:
        return self.source.line(self.line_of(last.span.start))

    def _quoted(self, last: ScalarNode) -> bool:
        """Say whether a scalar stands in quotes; a block of text does not."""
        text = self.source.text[last.span.start : last.span.end]
        return not last.plain and text[:1] in ("'", '"') and text[:1] == text[-1:]

    def _same_line(self, last: ScalarNode) -> bool:
        return self.line_of(last.span.end) == self.line_of(self.at)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


_RULES = (
    ("mapping values are not allowed", _Place.colon),
    ("did not find expected key", _Place.key),
    ("did not find expected '-' indicator", _Place.key),
    ("did not find expected ',' or", _Place.flow),
    ("found character that cannot start any token", _Place.start),
    ("did not find expected alphabetic or numeric character", _Place.reference),
    ("found unexpected end of stream", _Place.unclosed),
    ("found unexpected document indicator", _Place.unclosed),
    ("found unknown escape character", _Place.escape),
    ("could not find expected ':'", _Place.no_colon),
    ("did not find expected comment or line break", _Place.block),
    ("block sequence entries are not allowed", _Place.dash),
    ("did not find expected node content", _Place.value),
    ("did not find expected <document start>", _Place.document),
)
