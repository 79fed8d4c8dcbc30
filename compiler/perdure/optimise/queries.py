"""What can be said of the query of a condition, and queries made of several."""

from __future__ import annotations

import re
from dataclasses import replace

from perdure.plan.query import Code, InputRef, Piece, Query, ResultRef, StringLiteral
from perdure.plan.tree import Sql

_START, _END = "select ", " as ok"
_WHOLE = re.compile(r"select coalesce\(.*, false\) as ok", re.DOTALL)
_TOKEN = re.compile(
    r"::\s*[\w.\"]+(?: varying| precision)?(?:\(\d+(?:,\s*\d+)?\))?"
    r"(?: with(?:out)? time zone)?(?:\[\])*"
    r"|'(?:[^']|'')*'|[\d.]+|\w+|[=<>!]+|\S"
)
_HARMLESS = frozenset(
    {
        *("(", ")", ",", "=", "<>", "!=", "<", "<=", ">", ">=", "coalesce"),
        *("and", "or", "not", "is", "null", "true", "false", "in"),
    }
)


def is_safe(condition: Sql) -> bool:
    """Say whether a condition can be computed at any time: it does nothing else.

    It neither fails nor waits, whatever the values are: comparisons, tests for null
    and their connectives, of values that already are of their type. PostgreSQL may
    compute such parts in any order, also behind `case`, so that nothing else may be
    put into one query with what guarded it.
    """
    text = _outline(condition.query)
    if text is None or condition.result is not None or not _WHOLE.fullmatch(text):
        return False
    tokens = _TOKEN.findall(text.removeprefix(_START).removesuffix(_END))
    return all(map(_is_harmless, tokens))


def _outline(query: Query) -> str | None:
    """Return the text of a query with constants in place of what it reads."""
    texts = []
    for piece in query:
        match piece:
            case Code(text):
                texts.append(text)
            case StringLiteral() | InputRef() | ResultRef(rows=False):
                texts.append("''")
            case _:
                return None
    return "".join(texts)


def _is_harmless(token: str) -> bool:
    return token in _HARMLESS or token[0] in "'0123456789" or token.startswith("::")


def connected(conditions: list[Sql], word: str) -> Query:
    """Return the query of conditions that are safe, connected by `and` or `or`.

    What the later ones read may be absent when the first one decides.
    """
    pieces: list[Piece] = [Code(_START)]
    for at, condition in enumerate(conditions):
        pieces += [Code(f"\n  {word} ")] if at else []
        inner = _inner(condition.query)
        pieces += [_optional(piece) for piece in inner] if at else inner
    return (*pieces, Code(_END))


def _inner(query: Query) -> Query:
    """Return the value of a condition's query, without what is around it."""
    first, last = query[0], query[-1]
    assert isinstance(first, Code)
    assert isinstance(last, Code)
    start = Code(first.text.removeprefix(_START))
    end = Code(last.text.removesuffix(_END))
    return tuple(p for p in (start, *query[1:-1], end) if p != Code(""))


def _optional(piece: Piece) -> Piece:
    return replace(piece, optional=True) if isinstance(piece, ResultRef) else piece
