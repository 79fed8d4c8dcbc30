"""Text of an expression or a type name to Lark's tree.

The grammar is `grammar/expr.lark`. Words and operators reach the grammar with a type
of their own only if they are part of the language (`_Classify`); Lark's own way,
a terminal per key word, neither folds case reliably nor leaves `order.end` alone.

The parser is built on first use, and its tables are kept in the user's cache folder,
keyed by Lark on the grammar: making them takes 80 ms, reading them 10.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

from lark import Lark, ParseTree, Token
from lark.lark import PostLex

from perdure.assets import assets

KEY_WORDS = {
    "and": "AND",
    "or": "OR",
    "not": "NOT",
    "is": "IS",
    "null": "NULL",
    "true": "TRUE",
    "false": "FALSE",
    "unknown": "UNKNOWN",
    "isnull": "ISNULL",
    "notnull": "NOTNULL",
    "like": "LIKE",
    "ilike": "LIKE",
    "distinct": "_DISTINCT",
    "from": "_FROM",
    "in": "_IN",
    "between": "_BETWEEN",
    "cast": "_CAST",
    "as": "_AS",
    "case": "_CASE",
    "when": "_WHEN",
    "then": "_THEN",
    "else": "_ELSE",
    "end": "_END",
}

OPERATORS = {
    **dict.fromkeys(("=", "<>", "!=", "<", "<=", ">", ">="), "COMPARE"),
    **dict.fromkeys(("||", "->", "->>"), "OTHER"),
    **dict.fromkeys(("+", "-"), "SIGN"),
    **dict.fromkeys(("*", "/", "%"), "FACTOR"),
    "?": "NULLABLE",
    "|": "_VBAR",
}


class _Classify(PostLex):
    """Give key words and known operators their terminal."""

    always_accept = ("PATH", "OPERATOR")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        for token in stream:
            if token.type == "PATH":
                token.type = KEY_WORDS.get(token.lower(), "PATH")
            elif token.type == "OPERATOR":
                token.type = OPERATORS.get(token, "OPERATOR")
            yield token


@cache
def _parser() -> Lark:
    grammar = (assets("grammar") / "expr.lark").read_text("utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        postlex=_Classify(),
        start=["expression", "type_name"],
        propagate_positions=True,
        maybe_placeholders=True,
        cache=_tables(),
    )


def _tables() -> str | Literal[False]:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    try:
        folder = folder.expanduser() / "perdure"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no home folder, or none that can be written
        return False
    return str(folder / "expr.lark.tables")


def parse(text: str, start: str) -> ParseTree:
    """Return the tree of `text`, `start` being `expression` or `type_name`.

    Raises `lark.UnexpectedInput`; `perdure.frontend.expr.errors` puts it in words.
    """
    return _parser().parse(text, start=start)
