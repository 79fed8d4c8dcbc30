"""Read text with `${expression}` in it.

`$${` is a literal `${`; any other `$` is itself. Before a value, where it would make
`$${` of it, a dollar sign is `${'$'}`, which is constant text. The end of an expression
is found by its braces, strings aside, so that `${'}'}` is one expression.
"""

from __future__ import annotations

import re
from dataclasses import replace

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.expr.expressions import parse_expr
from perdure.frontend.mend import in_quotes
from perdure.source import Run, Text
from perdure.syntax.expr import Expr
from perdure.syntax.tree import Template

DOLLAR = "${'$'}"
"""A dollar sign before an expression."""

_MARK = re.compile(r"\$?\$\{")
_INSIDE = re.compile(
    r"[Ee]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|\"[^\"]*\"|[{}]", re.DOTALL
)


def parse_template(text: Text) -> tuple[Template | None, list[Diagnostic]]:
    """Read a template; every expression in it that is wrong is reported."""
    parts: list[Text | Expr] = []
    found: list[Diagnostic] = []
    literal: list[Text] = []
    at = 0
    while mark := _MARK.search(text.value, at):
        literal.append(text.slice(at, mark.start()))
        if mark.group() == "$${":
            literal.append(text.slice(mark.start() + 1, mark.end()))
            at = mark.end()
            continue
        end = _end(text.value, mark.end())
        if end is None:
            return None, [*found, _not_closed(text, mark)]
        if text.value[mark.end() : end] == DOLLAR[2:-1]:
            literal.append(text.slice(mark.end() + 1, end - 1))
            at = end + 1
            continue
        _flush(parts, literal)
        inner = text.slice(mark.end(), end)
        expr, wrong = parse_expr(inner)
        if in_quotes(text):
            wrong = [_without_quotes(each) for each in wrong]
        found += wrong if inner.value.strip() else [_empty(text, mark.start(), end + 1)]
        parts += [expr] if expr is not None else []
        at = end + 1
    literal.append(text.slice(at, len(text.value)))
    _flush(parts, literal)
    return (None if found else Template(tuple(parts), text.span())), found


def _without_quotes(found: Diagnostic) -> Diagnostic:
    """Drop a fix that writes a quote: the scalar around it may need it escaped."""
    edits = found.fix.edits if found.fix else ()
    return replace(found, fix=None) if any("'" in e.text for e in edits) else found


def _end(value: str, start: int) -> int | None:
    """Return the place of the `}` that closes an expression begun before `start`."""
    depth = 1
    for match in _INSIDE.finditer(value, start):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            return match.start()
    return None


def _flush(parts: list[Text | Expr], literal: list[Text]) -> None:
    """Move the pieces of constant text to the parts, as one text."""
    joined = _join([piece for piece in literal if piece.value])
    if joined is not None:
        parts.append(joined)
    literal.clear()


def _join(pieces: list[Text]) -> Text | None:
    if len(pieces) < 2:
        return pieces[0] if pieces else None
    runs: list[Run] = []
    length = 0
    for piece in pieces:
        runs += [Run(r.value + length, r.file, r.length) for r in piece.runs]
        length += len(piece.value)
    value = "".join(piece.value for piece in pieces)
    return Text(value, pieces[0].whole.to(pieces[-1].whole), tuple(runs))


def _not_closed(text: Text, mark: re.Match[str]) -> Diagnostic:
    return error(
        "WF146",
        text.span(mark.start(), mark.end()),
        '"${" is not closed',
        help='add "}", or write "$${" for the two characters themselves',
    )


def _empty(text: Text, start: int, end: int) -> Diagnostic:
    return error(
        "WF147",
        text.span(start, end),
        'expected an expression between "${" and "}"',
        help='write "$${" for the two characters themselves',
    )
