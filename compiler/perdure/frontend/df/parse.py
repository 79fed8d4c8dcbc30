"""SQL text to the tree of an expression, by `grammar/df.lark`.

The tokens are those of `frontend.sqltext`, so that strings, comments and operators
end where PostgreSQL ends them (`a ~>@> b` has one operator, and it is not ours).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from lark import Lark, Token, UnexpectedInput
from lark.lexer import Lexer, LexerState

from perdure.assets import assets
from perdure.diagnostics import Diagnostic, error
from perdure.frontend.df.build_sql import SqlBuilder
from perdure.frontend.df.sqltree import Sql
from perdure.frontend.sqltext.lexer import BLANK, STRINGS, closed
from perdure.source import Source, Span
from perdure.syntax.sql import Token as SqlToken

_WORDS = {
    "or": "OR",
    "and": "AND",
    "not": "NOT",
    "is": "IS",
    "like": "LIKE",
    "ilike": "LIKE",
    "true": "TRUE",
    "false": "FALSE",
    "null": "NULL",
    "array": "ARRAY",
    "cast": "CAST",
    "as": "AS",
    "variadic": "VARIADIC",
    "collate": "COLLATE",
}
_OPERATORS = {
    **dict.fromkeys(("<", ">", "=", "<=", ">=", "<>", "!="), "COMPARE"),
    **dict.fromkeys(("+", "-"), "SIGN"),
    **dict.fromkeys(("*", "/", "%"), "FACTOR"),
    "^": "POWER",
    "=>": "ARROW",
    ":=": "ARROW",
    "::": "COLONS",
}
_PUNCTUATION = {
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQB",
    "]": "RSQB",
    ",": "COMMA",
    ".": "DOT",
}
_QUERIES = frozenset({"select", "with", "values", "table"})
_SPELLED = frozenset({"extract", "overlay", "position", "substring", "trim"})
"""Functions whose arguments have words between them."""


@dataclass(frozen=True)
class _Cut:
    """Tokens of a file that make one expression."""

    source: Source
    tokens: Sequence[SqlToken]
    offset: int


class _Tokens(Lexer):
    """Hands tokens that are there already to Lark."""

    __future_interface__ = 1

    def __init__(self, lexer_conf: Any) -> None:
        del lexer_conf

    def lex(self, lexer_state: LexerState, parser_state: Any) -> Iterator[Token]:
        """Yield Lark's tokens; the text of the state is a `_Cut`."""
        del parser_state
        yield from _classified(cast("_Cut", lexer_state.text))


@cache
def _parser() -> Lark:
    grammar = (assets("grammar") / "df.lark").read_text("utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer=_Tokens,
        start="expression",
        propagate_positions=True,
        maybe_placeholders=True,
    )


def parse_expression(
    source: Source, tokens: Sequence[SqlToken], offset: int = 0
) -> Sql | Diagnostic:
    """Return the expression that tokens make; `offset` is where their text begins."""
    cut = _Cut(source, tokens, offset)
    for token in tokens:
        if not closed(token):
            return _endless(cut, token)
    try:
        tree = _parser().parse(cut)
    except UnexpectedInput as problem:
        return _unexpected(cut, problem)
    return SqlBuilder(source).build(tree)


def _classified(cut: _Cut) -> Iterator[Token]:
    tokens = [each for each in cut.tokens if each.kind not in BLANK]
    at = 0
    while at < len(tokens):
        token = tokens[at]
        length = _opaque(tokens, at)
        if length:
            last = tokens[at + length - 1]
            yield _token(cut, "OPAQUE", token.text, token.start, last.end)
            at += length
            continue
        length = _operator(tokens, at)
        if length:
            last = tokens[at + length - 1]
            text = _operator_name(tokens[at + 2 : at + length - 1])
            yield _token(cut, "OPERATOR", text, token.start, last.end)
            at += length
            continue
        if escape := _unicode_escape(tokens, at):
            text = token.text + escape
            yield _token(cut, "STRING", text, token.start, tokens[at + 2].end)
            at += 3
            continue
        if token.text == ":" and at + 1 < len(tokens) and _is_quoted(tokens[at + 1]):
            name = tokens[at + 1].text[1:-1]  # psql's :'name'
            yield _token(cut, "WORD", name, token.start, tokens[at + 1].end)
            at += 2
            continue
        kind, text = _kind(token, tokens[at - 1].text if at else "")
        if kind == "STRING" and at and _is_stray(tokens[at - 1], token, cut):
            kind = "STRANGE"
        yield _token(cut, kind, text, token.start, token.end)
        at += 1


def _operator(tokens: Sequence[SqlToken], at: int) -> int:
    """Return how many tokens `operator(schema.~>)` takes, else 0."""
    if tokens[at].text.lower() != "operator" or tokens[at].kind != "word":
        return 0
    end = at + 1
    if end < len(tokens) and tokens[end].text == "(":
        end = matching(tokens, end)
    is_one = end > at + 2 and tokens[end - 1].kind == "operator"
    return end - at + 1 if is_one else 0


def _operator_name(tokens: Sequence[SqlToken]) -> str:
    """Return an operator; of another schema than df and pg_catalog with its schema."""
    text = "".join(each.text for each in tokens).replace('"', "")
    return re.sub(r"^(df|pg_catalog)\.", "", text, flags=re.IGNORECASE)


def _unicode_escape(tokens: Sequence[SqlToken], at: int) -> str | None:
    """Return the character of `U&'...' uescape 'c'`."""
    if tokens[at].kind != "unicode_string" or at + 2 >= len(tokens):
        return None
    found = re.fullmatch(r"'([^'])'", tokens[at + 2].text)
    return found[1] if found and tokens[at + 1].text.lower() == "uescape" else None


def _is_quoted(token: SqlToken) -> bool:
    return bool(re.fullmatch(r"['\"]\w+['\"]", token.text))


def _is_stray(before: SqlToken, token: SqlToken, cut: _Cut) -> bool:
    """Say whether a string follows a string on its line, which is no continuation."""
    if before.kind not in STRINGS and before.kind != "dollar_string":
        return False
    start, end = cut.offset + before.end, cut.offset + token.start
    plain = token.kind in STRINGS and before.kind in STRINGS
    return not plain or "\n" not in cut.source.text[start:end]


def _token(cut: _Cut, kind: str, text: str, start: int, end: int) -> Token:
    first, last = cut.offset + start, cut.offset + end
    return Token(kind, text, start_pos=first, end_pos=last, line=1, column=first)


def _kind(token: SqlToken, before: str) -> tuple[str, str]:
    text = token.text
    if token.kind == "bit_string":
        return "OPAQUE", text
    if token.kind in STRINGS or token.kind == "dollar_string":
        return "STRING", text
    match token.kind:
        case "word" if before == ".":
            return "WORD", text.lower()
        case "word":
            return _WORDS.get(text.lower(), "WORD"), text.lower()
        case "quoted":
            return "WORD", text.strip('"').replace('""', '"')
        case "number":
            return "NUMBER", text
        case "parameter":
            return "PARAMETER", text
        case "reference":
            return "WORD", text[1:]
        case "operator":
            return _OPERATORS.get(text, "OPERATOR"), text
    return _PUNCTUATION.get(text, "STRANGE"), text


def _opaque(tokens: Sequence[SqlToken], at: int) -> int:
    """Return how many tokens a sub-select or a `case` takes, else 0."""
    word = tokens[at].text.lower()
    following = tokens[at + 1].text.lower() if at + 1 < len(tokens) else ""
    if word == "(" and following in _QUERIES:
        return matching(tokens, at) - at + 1
    if word in _SPELLED and following == "(":
        end = matching(tokens, at + 1)
        spelled = {each.text.lower() for each in tokens[at:end]} & {"from", "in", "for"}
        return end - at + 1 if spelled else 0
    if word == "case" and tokens[at].kind == "word":
        return _case_end(tokens, at) - at + 1
    return 0


def matching(tokens: Sequence[SqlToken], at: int) -> int:
    """Return the place of the parenthesis that closes the one at `at`."""
    depth = 0
    for index in range(at, len(tokens)):
        if tokens[index].kind == "punctuation":
            depth += (tokens[index].text == "(") - (tokens[index].text == ")")
        if depth == 0:
            return index
    return len(tokens) - 1


def _case_end(tokens: Sequence[SqlToken], at: int) -> int:
    depth = 0
    for index in range(at, len(tokens)):
        if tokens[index].kind == "word":
            word = tokens[index].text.lower()
            depth += (word == "case") - (word == "end")
        if depth == 0:
            return index
    return len(tokens) - 1


def _endless(cut: _Cut, token: SqlToken) -> Diagnostic:
    start = cut.offset + token.start
    span = Span(cut.source.path, start, start + 1)
    message = "a string or comment that begins here has no end"
    return error("WF802", span, message, help="write a quote in a string twice: ''")


def _unexpected(cut: _Cut, problem: UnexpectedInput) -> Diagnostic:
    token = getattr(problem, "token", None)
    ends = token is None or token.type == "$END"
    if token is None or ends:
        end = cut.offset + (cut.tokens[-1].end if cut.tokens else 0)
        span = Span(cut.source.path, max(end - 1, 0), end)
    else:
        span = Span(cut.source.path, token.start_pos or 0, token.end_pos or 0)
    found = "the end" if ends else f'"{cut.source.text[span.start : span.end]}"'
    message = f"can't read this df expression: unexpected {found}"
    return error("WF802", span, message, help=_advice(token))


def _advice(token: Token | None) -> str:
    if token is not None and token.type == "OPERATOR":
        return "the operators of df are ~> |=> & | ?> !> @>, with spaces between two"
    if token is not None and token.type in ("STRING", "STRANGE", "WORD", "NUMBER"):
        return "an operator or a comma is missing before it, or a quote is not doubled"
    return "see that parentheses and quotes are closed"
