"""Places of Python's syntax tree in the file, as characters.

Python counts columns in bytes of UTF-8 and takes a lone carriage return for the end
of a line; the compiler counts characters of the text as it was read.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right

from perdure.source import Source, Span

_LINE_END = re.compile(r"\r\n|\r|\n")


class Places:
    """The lines of a file, and where the nodes of its tree stand."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self._starts = [0, *(each.end() for each in _LINE_END.finditer(self.text))]

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a line, from 1, and a column, in bytes from 0."""
        start = self._starts[line - 1]
        stop = self._starts[line] if line < len(self._starts) else len(self.text)
        written = self.text[start:stop]
        if written.isascii():
            return start + column
        return start + len(written.encode()[:column].decode(errors="ignore"))

    @property
    def lines(self) -> int:
        """The number of lines."""
        return len(self._starts)

    def line_start(self, line: int) -> int:
        """Return the offset of the first character of a line, from 1."""
        return self._starts[min(line, len(self._starts)) - 1]

    def span(
        self, node: ast.expr | ast.stmt | ast.keyword | ast.arg | ast.pattern
    ) -> Span:
        """Return the range of characters that a node covers."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.range(
            self.offset(node.lineno, node.col_offset),
            self.offset(node.end_lineno, node.end_col_offset),
        )

    def range(self, start: int, end: int) -> Span:
        """Return the span of a range of the file."""
        return Span(self.source.path, start, end)

    def head(self, node: ast.stmt) -> Span:
        """Return the first word of a statement, such as `while`."""
        start = self.span(node).start
        word = re.compile(r"\w*").match(self.text, start)
        return self.range(start, word.end() if word else start)

    def find(self, word: str, start: int, end: int) -> Span:
        """Return where a word or operator stands between two nodes."""
        at = start
        while at < end:
            if self.text[at] == "#":
                line_end = _LINE_END.search(self.text, at)
                at = line_end.end() if line_end else end
            elif self.text.startswith(word, at):
                return self.range(at, at + len(word))
            else:
                at += 1
        return self.range(start, end)

    def parse(self, start: int, end: int) -> ast.expr:
        """Parse a part of the file as an expression whose places are the file's.

        It is put in parentheses, which lets it go over several lines. Raises
        SyntaxError.
        """
        tree = quietly_parsed(f"({self.text[start:end]}\n)", "eval")
        assert isinstance(tree, ast.Expression)
        line = bisect_right(self._starts, start)
        shift = len(self.text[self._starts[line - 1] : start].encode()) - 1
        for node in ast.walk(tree.body):
            if isinstance(node, (ast.expr, ast.keyword, ast.arg)):
                _move(node, line - 1, shift)
        return tree.body


def _move(node: ast.expr | ast.keyword | ast.arg, lines: int, shift: int) -> None:
    if node.lineno == 1:
        node.col_offset += shift
    if node.end_lineno == 1 and node.end_col_offset is not None:
        node.end_col_offset += shift
    node.lineno += lines
    if node.end_lineno is not None:
        node.end_lineno += lines


def quietly_parsed(text: str, mode: str) -> ast.AST:
    """Parse without Python's own warnings, which would go to the terminal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, mode=mode)
