"""Read the SQL of one step."""

from __future__ import annotations

import re

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.sqltext.inside import suspects
from perdure.frontend.sqltext.lexer import lex
from perdure.frontend.sqltext.lexical import lexical
from perdure.frontend.sqltext.refusals import refusal
from perdure.frontend.sqltext.statement import Outline, outline, statements
from perdure.source import Text
from perdure.syntax.expr import Name
from perdure.syntax.sql import SqlRef, SqlText, Token

_PART = re.compile(r"[^:.*]+")


def read_sql(text: Text) -> tuple[SqlText | None, list[Diagnostic]]:
    """Read one statement; no statement is given where there is a finding."""
    tokens = lex(text.value)
    found = lexical(text, tokens)
    cut = [] if found else statements(tokens)
    if not found and len(cut) != 1:
        found = [_several(text, tokens, cut) if cut else _empty(text)]
    if found:
        return None, found
    shape = outline(tokens, cut[0])
    found = _not_a_step(text, tokens, shape, cut[0])
    return (None if found else _statement(text, tokens, shape)), found


def _statement(text: Text, tokens: list[Token], shape: Outline) -> SqlText:
    refs = tuple(
        _reference(text, index, token)
        for index, token in enumerate(tokens)
        if token.kind == "reference"
    )
    return SqlText(
        text=text,
        tokens=tuple(tokens),
        refs=refs,
        first=shape.first,
        last=shape.last,
        main=shape.main,
        keyword=shape.keyword,
        returning=shape.returning,
        has_with=shape.has_with,
        recursive=shape.recursive,
        suspects=tuple(suspects(text, tokens)),
    )


def _reference(text: Text, index: int, token: Token) -> SqlRef:
    parts = tuple(
        Name(
            match.group(),
            text.span(token.start + match.start(), token.start + match.end()),
        )
        for match in _PART.finditer(token.text)
    )
    span = text.span(token.start, token.end)
    return SqlRef(index, parts, token.text.endswith(".*"), span)


def _empty(text: Text) -> Diagnostic:
    return error("WF162", text.span(), "expected an SQL statement, found none")


def _several(text: Text, tokens: list[Token], cut: list[list[int]]) -> Diagnostic:
    start, end = tokens[cut[1][0]].start, tokens[cut[1][-1]].end
    return error(
        "WF161",
        text.span(start, end),
        f"expected one statement, found {len(cut)}",
        help="give each statement a step of its own",
    )


def _not_a_step(
    text: Text, tokens: list[Token], shape: Outline, indexes: list[int]
) -> list[Diagnostic]:
    main = tokens[shape.main]
    span = text.span(main.start, main.end)
    if refused := refusal(shape.head):
        words, reason, help_ = refused
        return [
            error("WF165", span, f'"{words}" cannot be a step: {reason}', help=help_)
        ]
    if shape.keyword == "copy":
        return _copy(text, tokens, indexes)
    if shape.keyword == "select" and "into" in text.value.lower():
        return _select_into(text, tokens, indexes, shape)
    return []


def _copy(text: Text, tokens: list[Token], indexes: list[int]) -> list[Diagnostic]:
    for index in indexes:
        token = tokens[index]
        if token.kind == "word" and token.text.lower() in ("stdin", "stdout"):
            return [
                error(
                    "WF165",
                    text.span(token.start, token.end),
                    f'"copy" with "{token.text.lower()}" cannot be a step: '
                    "there is no client to send or receive the rows",
                    help="insert ... select from a function or a row set",
                )
            ]
    return []


def _select_into(
    text: Text, tokens: list[Token], indexes: list[int], shape: Outline
) -> list[Diagnostic]:
    depth, before = 0, ""
    for index in indexes:
        token = tokens[index]
        depth += (token.text == "(") - (token.text == ")")
        if index > shape.main and depth == 0 and token.text.lower() == "into":
            if before in (".", "as"):
                continue
            return [
                error(
                    "WF165",
                    text.span(token.start, token.end),
                    '"select into" cannot be a step: a runtime would take it for a '
                    "variable",
                    help="write create table name as select ...",
                )
            ]
        before = token.text.lower()
    return []
