r"""Find references in the texts of a df graph, and put others in their place.

`$name`, `$name.column`, `$name.*`, each perhaps with `?`, and the variables `{name}`.
pg_durable replaces them wherever they stand; a workflow takes them in the code of a
statement only. So a string literal that holds some is taken apart: `'Order $o.id'`
becomes `('Order ' || :o.id)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from perdure.frontend.sqltext.lexer import BLANK, STRINGS, lex
from perdure.syntax.sql import Token

_REFERENCE = re.compile(
    r"\$(?P<name>[A-Za-z_]\w*)(?:\.(?P<column>\*|[A-Za-z_]\w*))?(?P<optional>\?)?"
    r"|\{(?P<variable>[A-Za-z_]\w*)\}",
    re.A,
)
_TYPES = frozenset(
    {"interval", "date", "timestamp", "timestamptz", "time", "timetz", "numeric"}
    | {"json", "jsonb", "uuid", "text", "bytea", "inet", "int", "integer", "bigint"}
)


@dataclass(frozen=True, slots=True)
class Found:
    """A reference: its name, its column (`*` for all rows), and where it stands.

    `within` is what it stands in: the code of a statement, a literal, a body in
    dollar quotes, or text that is no SQL. `alone` says that it is all of a literal.
    """

    name: str
    column: str | None
    optional: bool
    variable: bool
    start: int
    end: int
    within: str = "text"
    alone: bool = False
    cast: str | None = None


Resolve = Callable[[Found], str | None]
"""Gives the text to put in the place of a reference; None leaves it as it is."""


def in_text(text: str) -> Iterator[Found]:
    """Yield the references of a text that is no SQL, such as a URL."""
    for match in _REFERENCE.finditer(text):
        yield _found(match, 0)


def in_sql(text: str) -> Iterator[Found]:
    """Yield the references of a statement, those in literals included."""
    for token, found in _walk(text):
        del token
        yield from found


def rewrite_text(text: str, resolve: Resolve) -> list[str | Found]:
    """Return a text cut into plain pieces and references that `resolve` knows."""
    parts: list[str | Found] = []
    at = 0
    for found in in_text(text):
        if resolve(found) is not None:
            parts += [text[at : found.start], found]
            at = found.end
    return [each for each in (*parts, text[at:]) if each != ""]


def rewrite_sql(text: str, resolve: Resolve) -> str:
    """Return a statement with other references in the place of df's."""
    written, before = "", ""
    for token, found in _walk(text):
        if isinstance(token, Found):
            written += resolve(token) or text[token.start : token.end]
            before = ""
            continue
        if token.kind in STRINGS and found:
            pieces = _joined(_pieces(token, found, resolve))
            if before.lower() in _TYPES and pieces != token.text:
                cut = written.rstrip().removesuffix(before)
                written = f"{cut}cast({pieces} as {before})"
            else:
                written += pieces
        else:
            for each in found:
                resolve(each)  # which refuses those that stand for a value
            written += token.text
        before = token.text if token.kind not in BLANK else before
    return written


def _walk(text: str) -> Iterator[tuple[Token | Found, list[Found]]]:
    """Yield the tokens of a statement, and its references in the place of tokens."""
    at, scanning = 0, True
    while scanning:
        scanning = False
        for token in lex(text[at:]):
            start = at + token.start
            moved = Token(token.kind, token.text, start)
            match = _REFERENCE.match(text, start)
            if match and token.text in ("$", "{"):
                found = _found(match, 0, "code", text)
                yield found, [found]
                at, scanning = match.end(), True
                break
            yield moved, _inside(moved)


def _inside(token: Token) -> list[Found]:
    """Return the references in a literal."""
    if token.kind not in STRINGS and token.kind != "dollar_string":
        return []
    within = "dollar" if token.kind == "dollar_string" else "literal"
    return [
        _found(match, token.start, within, token.text)
        for match in _REFERENCE.finditer(token.text)
    ]


def _found(
    match: re.Match[str], offset: int, within: str = "text", around: str = ""
) -> Found:
    variable = match["variable"]
    cast = re.match(r"\s*\)?\s*::\s*(\w+)", around[match.end() :])
    return Found(
        variable or match["name"],
        match["column"],
        bool(match["optional"]),
        variable is not None,
        offset + match.start(),
        offset + match.end(),
        within,
        within == "literal" and around[1:-1] == match.group(),
        cast[1].lower() if cast and within == "code" else None,
    )


def _pieces(token: Token, found: Sequence[Found], resolve: Resolve) -> list[str]:
    """Return the operands whose concatenation is the literal."""
    opening = token.text.index("'") + 1
    prefix, inner = token.text[:opening], token.text[opening:-1]
    pieces, at = [], 0
    for each in found:
        written = resolve(each)
        if written is None:
            continue
        start = each.start - token.start - opening
        if inner[at:start]:
            pieces.append(f"{prefix}{inner[at:start]}'")
        pieces.append(written)
        at = each.end - token.start - opening
    if inner[at:] or not pieces:
        pieces.append(f"{prefix}{inner[at:]}'")
    if len(pieces) > 1 and not any(p.startswith(prefix) for p in pieces[:2]):
        pieces.insert(0, "''")  # two references side by side are text, too
    return pieces


def _joined(pieces: list[str]) -> str:
    return pieces[0] if len(pieces) == 1 else f"({' || '.join(pieces)})"
