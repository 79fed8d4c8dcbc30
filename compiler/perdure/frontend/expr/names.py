"""One spelling for every way to write a type."""

from __future__ import annotations

import re
from typing import cast

from lark import Token, Tree

from perdure.frontend.expr.refused import Refused

_WORDS = re.compile(
    r"double precision|bit varying"
    r"|(?:national )?(?:character|char)(?: varying)?|nchar varying"
    r"|time(?:stamp)? with(?:out)? time zone"
    r"|interval (?:year|month|day|hour|minute|second)"
    r"(?: to (?:month|hour|minute|second))?"
)
_QUOTED = re.compile(r'"(?:[^"]|"")+"')


def type_text(tree: Tree[Token]) -> str:
    """Return `numeric(10,2)[]` for ` NUMERIC (10, 2) []`; bounds of arrays are dropped.

    Raises `Refused` when several words do not make a type.
    """
    words = [each for each in tree.children if isinstance(each, Token)]
    _check(words)
    shown: list[str] = []
    for child in tree.children:
        if isinstance(child, Token):
            shown.append((" " if shown else "") + _fold(child))
        elif child.data == "modifiers":
            each = (_modifier(cast("Tree[Token]", item)) for item in child.children)
            shown.append(f"({','.join(each)})")
        else:
            shown.append("[]")
    return "".join(shown)


def _check(words: list[Token]) -> None:
    if len(words) > 1 and not _WORDS.fullmatch(" ".join(map(_fold, words))):
        stray = words[1]
        start = cast(int, stray.start_pos)
        message = f'expected an operator after type "{words[0]}", found "{stray}"'
        raise Refused(start, start + len(stray), message)


def _modifier(tree: Tree[Token]) -> str:
    return "".join(str(each) for each in tree.children if each is not None)


def _fold(path: str) -> str:
    """Fold case and drop white space as PostgreSQL does, outside double quotes."""
    rest, parts = 0, []
    for match in _QUOTED.finditer(path):
        parts += [re.sub(r"\s", "", path[rest : match.start()].lower()), match.group()]
        rest = match.end()
    parts.append(re.sub(r"\s", "", path[rest:].lower()))
    return "".join(parts)
