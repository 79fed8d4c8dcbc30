"""References inside of literals, which would be text and not values.

A colon in a literal is mostly innocent: `12:30`, `http://`, `"a":true`, `(?:x)`,
`[[:alpha:]]`, `a::b`. It is taken for a reference only where a letter follows and what
stands before is the literal's start, white space, or punctuation that none of those
has; a second colon after the name (`:smile:`) clears it too, as do the JSON words.
`${name}`, which is how the texts of YAML refer, is taken for one anywhere. What remains
is a suspicion: it counts where the name is one of the workflow's.
"""

from __future__ import annotations

import re

from perdure.diagnostics import Diagnostic, Fix, error
from perdure.frontend.mend import mend
from perdure.frontend.sqltext.lexer import BLANK
from perdure.source import Text
from perdure.syntax.sql import Suspect, Token

_BEFORE = r"(?:(?<=[\s(,;=<>+*/|#@&%!.'{~^-])|(?<=^))"
_NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_REFERENCE = re.compile(
    rf"{_BEFORE}:(?!(?:true|false|null)\b)(?P<colon>{_NAME})(?![\w:])"
    rf"|\$\{{\s*(?P<braces>{_NAME})\s*\}}"
)
_QUOTES = {"string": "'", "escape_string": "E'"}
_TYPED = frozenset(
    {
        "date",
        "time",
        "timestamp",
        "timestamptz",
        "timetz",
        "interval",
        "json",
        "jsonb",
        "uuid",
        "inet",
        "bytea",
    }
)


def suspects(text: Text, tokens: list[Token]) -> list[Suspect]:
    """Return the literals that seem to hold references."""
    found = []
    for index, token in enumerate(tokens):
        if token.kind in _QUOTES or token.kind in ("unicode_string", "dollar_string"):
            start = _body_start(token)
            body = token.text[start:].removesuffix(_closing(token))
            matches = list(_REFERENCE.finditer(body))
            if matches:
                names = tuple(_name(match).split(".")[0] for match in matches)
                finding = _finding(text, tokens, index, start, body, matches)
                found.append(Suspect(names, finding))
    return found


def _name(match: re.Match[str]) -> str:
    name: str = match["colon"] or match["braces"]
    return name


def _body_start(token: Token) -> int:
    if token.kind == "dollar_string":
        return token.text.index("$", 1) + 1
    return token.text.index("'") + 1


def _closing(token: Token) -> str:
    return token.text[: _body_start(token)] if token.kind == "dollar_string" else "'"


def _finding(
    text: Text,
    tokens: list[Token],
    index: int,
    start: int,
    body: str,
    matches: list[re.Match[str]],
) -> Diagnostic:
    token = tokens[index]
    at = token.start + start + matches[0].start()
    span = text.span(at, at + len(matches[0].group()))
    place = "string" if token.kind != "dollar_string" else "dollar-quoted body"
    message = f'reference "{matches[0].group()}" stands inside a {place}'
    help_, fix = _cure(text, tokens, index, body, matches)
    notes = (
        () if fix or help_ else ("there it is text, and no value is put in its place",)
    )
    return error("WF164", span, message, *notes, help=help_, fix=fix)


def _cure(
    text: Text, tokens: list[Token], index: int, body: str, matches: list[re.Match[str]]
) -> tuple[str | None, Fix | None]:
    token = tokens[index]
    before = _neighbour(tokens, index, -1)
    word = before.text.lower() if before and before.kind == "word" else ""
    if token.kind == "dollar_string" and word not in ("select", ""):
        return "a body takes no values: pass them as arguments of a function", None
    if token.kind not in _QUOTES or (before and before.kind == token.kind):
        return None, None
    if body.lstrip().startswith(("{", "[")):
        return "build the document by jsonb_build_object or jsonb_build_array", None
    joined = _joined(body, matches, _QUOTES[token.kind])
    start = token.start
    if before and word in _TYPED:
        joined, start = f"({joined})::{before.text}", before.start
    elif " || " in joined and _binds_tighter(before, _neighbour(tokens, index, 1)):
        joined = f"({joined})"
    return f"write {joined}", mend(text, start, token.end, joined)


def _joined(body: str, matches: list[re.Match[str]], quote: str) -> str:
    pieces, rest = [], 0
    for match in matches:
        pieces += [(body[rest : match.start()], False), (f":{_name(match)}", True)]
        rest = match.end()
    pieces.append((body[rest:], False))
    shown = [
        piece if is_ref else f"{quote}{piece}'"
        for piece, is_ref in pieces
        if piece or is_ref
    ]
    return " || ".join(shown)


def _neighbour(tokens: list[Token], index: int, step: int) -> Token | None:
    index += step
    while 0 <= index < len(tokens):
        if tokens[index].kind not in BLANK:
            return tokens[index]
        index += step
    return None


def _binds_tighter(before: Token | None, after: Token | None) -> bool:
    """Say whether a neighbour would take a piece of the joined text for itself."""
    loose = ("=", "<", ">", "<=", ">=", "<>", "!=", "||", ":=", "=>")
    if before and before.kind == "operator" and before.text not in loose:
        return True
    if after is None:
        return False
    return after.text == "[" or (after.kind == "operator" and after.text not in loose)
