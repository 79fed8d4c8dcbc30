"""Find the df expressions of a file of SQL.

`df.start(...)` and `df.setvar(...)` are looked for wherever they stand: in a select,
in an insert, in the body of a function or of a `do` block. A file without any holds
graphs as such, one per statement, as one would give them to `df.start`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perdure.diagnostics import Diagnostic
from perdure.frontend.df.nodes import SIGNATURES
from perdure.frontend.df.parse import matching, parse_expression
from perdure.frontend.df.sqltree import Call, Sql
from perdure.frontend.sqltext.lexer import BLANK, lex
from perdure.source import Source, Span
from perdure.syntax.sql import Token

_PSQL = re.compile(r"^[ \t]*\\[A-Za-z!?][^\n]*", re.MULTILINE)
_COPY = re.compile(
    r"^[ \t]*copy\b[^;'$]*\bfrom\s+stdin\b[^;]*;[^\n]*\n(?P<rows>.*?)^\\\.[ \t]*$",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_WANTED = frozenset({"start", "setvar", "start_many"})
_MENTIONED = re.compile(r'\bdf"?\s*\.\s*"?(start|setvar)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with an expression of df; `begin` is where it starts, with what is
    written before it."""

    call: Sql | Diagnostic
    span: Span
    begin: int


@dataclass(frozen=True, slots=True)
class _Part:
    tokens: Sequence[Token]
    offset: int


def calls_in(source: Source) -> list[Statement]:
    """Return the calls of a file, in order; without any, its bare expressions.

    Commands of psql, from a backslash to the end of the line, are passed over, and so
    are the rows below a `copy ... from stdin`.
    """
    text = _PSQL.sub(_blank, _COPY.sub(_without_rows, source.text))
    parts = list(_statements(text, 0))
    found = [each for part in parts for each in _calls(source, part)]
    if not found:
        found = [each for part in parts if (each := _bare(source, part))]
    return found


def _without_rows(match: re.Match[str]) -> str:
    start = match.start("rows") - match.start()
    return match[0][:start] + re.sub(r"[^\n]", " ", match[0][start:])


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _statements(text: str, offset: int) -> Iterator[_Part]:
    """Yield the statements of a text, with the comments before each."""
    current: list[Token] = []
    depth = 0
    for token in lex(text):
        if token.kind == "punctuation":
            depth += (token.text == "(") - (token.text == ")")
        if token.text == ";" and token.kind == "punctuation" and depth <= 0:
            yield _Part(current, offset)
            current, depth = [], 0
            continue
        current.append(token)
    yield _Part(current, offset)


def _calls(source: Source, part: _Part) -> Iterator[Statement]:
    tokens = part.tokens
    meaningful = [each for each in tokens if each.kind not in BLANK]
    at = 0
    while at < len(meaningful):
        token = meaningful[at]
        if token.kind == "dollar_string":
            yield from _inside(source, part, token)
        if not _is_call(meaningful, at):
            at += 1
            continue
        close = matching(meaningful, at + 3)
        first, last = meaningful[at], meaningful[close]
        cut = [each for each in tokens if first.start <= each.start <= last.start]
        call = parse_expression(source, cut, part.offset)
        start = part.offset + first.start
        begin = part.offset + tokens[0].start
        yield Statement(call, Span(source.path, start, part.offset + last.end), begin)
        at = close + 1


def _inside(source: Source, part: _Part, token: Token) -> Iterator[Statement]:
    """Yield the calls in the body of a function, unless it is an argument of one."""
    tag = token.text.index("$", 1) + 1
    offset = part.offset + token.start + tag
    body = token.text[tag:-tag]
    if not _MENTIONED.search(body):
        return
    for inner in _statements(body, offset):
        yield from _calls(source, inner)


def _is_call(tokens: Sequence[Token], at: int) -> bool:
    if at + 3 >= len(tokens):
        return False
    schema, dot, name, opening = tokens[at : at + 4]
    return (
        _name(schema) == "df"
        and dot.text == "."
        and _name(name) in _WANTED
        and opening.text == "("
    )


def _name(token: Token) -> str:
    """Return a name as PostgreSQL reads it."""
    return token.text.strip('"') if token.kind == "quoted" else token.text.lower()


def _bare(source: Source, part: _Part) -> Statement | None:
    """Return a statement that is nothing but a graph."""
    tokens = [each for each in part.tokens if each.kind not in BLANK]
    if tokens and tokens[0].text.lower() == "select":
        tokens = tokens[1:]
    if not tokens or not _looks_like_a_graph(tokens):
        return None
    tokens = _unwrapped(_without_alias(tokens))
    first, last = tokens[0], tokens[-1]
    cut = [each for each in part.tokens if first.start <= each.start <= last.start]
    call = parse_expression(source, cut, part.offset)
    span = Span(source.path, part.offset + first.start, part.offset + last.end)
    return Statement(call, span, part.offset + part.tokens[0].start)


def _unwrapped(tokens: list[Token]) -> list[Token]:
    """Return the argument of df.explain."""
    words = [each.text.lower() for each in tokens[:4]]
    if words == ["df", ".", "explain", "("] and matching(tokens, 3) == len(tokens) - 1:
        return tokens[4:-1]
    return tokens


def _without_alias(tokens: list[Token]) -> list[Token]:
    if len(tokens) > 2 and tokens[-2].text.lower() == "as" and tokens[-3].text != ".":
        return tokens[:-2]
    return tokens


def _looks_like_a_graph(tokens: Sequence[Token]) -> bool:
    """Say whether a statement is an expression of strings and functions of df."""
    if _name(tokens[0]) == "df":
        names = {*SIGNATURES, "explain"}
        return len(tokens) > 3 and tokens[2].text.strip('"').lower() in names
    operators = {"~>", "|=>", "&", "|", "?>", "!>", "@>"}
    if tokens[0].text == "@>":
        return True
    strings = ("string", "escape_string", "dollar_string")
    begins = tokens[0].kind in strings or tokens[0].text == "("
    return begins and any(each.text in operators for each in tokens)


def is_named(sql: Sql, name: str) -> bool:
    """Say whether an expression is a call of `df.name`."""
    return isinstance(sql, Call) and sql.function == ("df", name)
