"""Cut SQL that the compiler printed into code and the literals in it.

Expressions and types come from `resolve` as canonical SQL text. The only places
where a user's characters can stand in them are string literals and quoted names;
those become pieces of their own, so that emission can guard them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perdure.plan.query import Code, Piece, Query, StringLiteral
from perdure.syntax.sql import Token, TokenKind

_LITERAL = re.compile(
    r"""
    (?<![\w$]) [eE] '(?: [^'\\] | \\. | '' )*'      # escape string
  | (?<![\w$]) [uU]& '(?: [^'] | '' )*'             # unicode string
  | (?<![\w$]) [uU]& "(?: [^"] | "" )*"             # unicode name
  | '(?: [^'] | '' )*'
  | "(?: [^"] | "" )*"
    """,
    re.VERBOSE | re.DOTALL,
)


def pieces_of(sql: str) -> Query:
    """Return the pieces of SQL text that the compiler wrote, in order."""
    return tuple(_cut(sql))


def _cut(sql: str) -> Iterator[Piece]:
    last = 0
    for found in _LITERAL.finditer(sql):
        if found.start() > last:
            yield Code(sql[last : found.start()])
        yield _literal(found.group())
        last = found.end()
    if last < len(sql):
        yield Code(sql[last:])


def _literal(text: str) -> Piece:
    if text.startswith("'"):
        return StringLiteral(text[1:-1].replace("''", "'"))
    kind: TokenKind = "quoted"
    if text.endswith("'"):
        kind = "escape_string" if text[0] in "eE" else "unicode_string"
    return Token(kind, text, 0)
