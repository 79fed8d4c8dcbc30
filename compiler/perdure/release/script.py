"""An emitted script, cut into its statements again, or made a transaction."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
      --[^\n]*
    | \b[eE]'(?:[^'\\]|''|\\.)*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?<![\w$])\$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag))\$
    | ;
    """,
    re.DOTALL | re.VERBOSE,
)
_REMARKS = re.compile(r"(?:\s+|--[^\n]*)*")


def split(text: str) -> list[str]:
    """Return the statements, each with its semicolon, without the comments before."""
    found, start = [], 0
    for token in _TOKEN.finditer(text):
        if token[0] == ";":
            statement = text[start : token.end()]
            remarks = _REMARKS.match(statement)
            found.append(statement[remarks.end() if remarks else 0 :])
            start = token.end()
    return found


def in_transaction(text: str, *first: str) -> str:
    """Return a script, below its first comment, as one transaction.

    `first` are statements to begin it with.
    """
    head, _, rest = text.partition("\n\n")
    return "\n\n".join([head, "begin;", *first, f"{rest}\ncommit;\n"])
