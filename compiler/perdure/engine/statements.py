"""Tell the runtime's statements apart: what holds data, and what can be made anew.

An upgrade keeps tables and what belongs to them, and makes everything else again from
the same files that a fresh install runs. So each file is cut into its statements, and
each statement is of one kind or the other by its first words. The rejected way was a
folder for each kind: a table and the functions around it are read together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
      --[^\n]*
    | /\*.*?\*/
    | \b[eE]'(?:[^'\\]|''|\\.)*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?<![\w$])\$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag))\$
    | ;
    """,
    re.DOTALL | re.VERBOSE,
)
_REMARKS = re.compile(r"\s+|--[^\n]*|/\*.*?\*/", re.DOTALL)
_DATA = re.compile(
    r"create\s+(?:unlogged\s+)?(?:table|schema|sequence)\b"
    r"|create\s+(?:unique\s+)?index\b"
    r"|alter\s+(?:table|index|sequence)\b"
    r"|insert\s+into\b|update\b|delete\b",
    re.IGNORECASE,
)


def statements(text: str) -> Iterator[str]:
    """Yield the statements of a file, each with the comments before it, without `;`."""
    start = 0
    for token in _TOKEN.finditer(text):
        if token[0] == ";":
            yield text[start : token.start()]
            start = token.end()
    if _bare(text[start:]):
        yield text[start:]


def holds_data(statement: str) -> bool:
    """Say whether a statement makes or fills a table, so that an upgrade leaves it out.

    >>> holds_data("-- Runs.\\ncreate table df_engine.instances ()")
    True
    >>> holds_data("create view df.instances as select 1")
    False
    """
    return _DATA.match(_bare(statement)) is not None


def code(text: str) -> str:
    """Return a file without the statements that hold data."""
    kept = [each for each in statements(text) if not holds_data(each)]
    return "".join(f"{each};" for each in kept) + "\n"


def _bare(statement: str) -> str:
    """Return a statement without the blanks and comments before it."""
    at = 0
    while found := _REMARKS.match(statement, at):
        at = found.end()
    return statement[at:]
