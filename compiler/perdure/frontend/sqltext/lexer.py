r"""Cut SQL text into PostgreSQL's tokens; the tokens joined are the text.

The terminals are those of `grammar/sqltext.lark`, read by Lark and tried in the order
of that file by one regular expression: a project has thousands of statements, and
Lark's own loop takes five times as long per token. What regular expressions cannot
say is said here:

* Comments nest.
* A string that goes on after a line break (`E'a'` newline `'b\n'`) is lexed by the
  rules of its first piece; each piece is a token, of the kind of the first.
* A colon before a name begins a reference, unless it separates two operands. It does
  after a string, a number or a reference (`json_object('a':total)`), and, inside of
  brackets, after the end of any operand: `a[x:y]` is a slice. `a[:x]` is the element
  at the reference `:x`; the slice up to the column x is written `a[ : x]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import get_args

from lark import Lark

from perdure.assets import assets
from perdure.syntax.sql import Token, TokenKind

_KINDS: dict[str, TokenKind] = {
    **{kind.upper(): kind for kind in get_args(TokenKind)},
    "LINE_COMMENT": "comment",
    "BLOCK_COMMENT": "comment",
    "UNICODE_QUOTED": "quoted",
    "COLON_OPERATOR": "operator",
    "UNKNOWN": "punctuation",
}
STRINGS = frozenset({"string", "escape_string", "unicode_string", "bit_string"})
"""Kinds of literals in single quotes."""

BLANK = frozenset({"space", "comment"})
"""Kinds of tokens without a meaning."""

_COMMENT_EDGE = re.compile(r"/\*|\*/")
_CONTINUED = re.compile(r"'[^'\\]*(?:(?:''|\\[\s\S]?)[^'\\]*)*'?")

# Words after which an operand begins. Inside of brackets any other word ends one.
_BEFORE_OPERAND = frozenset(
    {
        "all",
        "and",
        "any",
        "array",
        "between",
        "by",
        "case",
        "distinct",
        "else",
        "escape",
        "for",
        "from",
        "having",
        "ilike",
        "in",
        "is",
        "like",
        "limit",
        "not",
        "offset",
        "on",
        "or",
        "over",
        "select",
        "similar",
        "some",
        "symmetric",
        "then",
        "to",
        "union",
        "using",
        "when",
        "where",
        "zone",
    }
)


@cache
def _scanner() -> re.Pattern[str]:
    grammar = (assets("grammar") / "sqltext.lark").read_text("utf-8")
    terminals = Lark(grammar, parser=None, lexer="basic").terminals
    return re.compile(
        "|".join(f"(?P<{each.name}>{each.pattern.to_regexp()})" for each in terminals)
    )


def lex(text: str) -> list[Token]:
    """Return the tokens of `text`; the last may lack its end (see `closed`)."""
    tokens: list[Token] = []
    before: Token | None = None  # the last token with a meaning
    brackets: list[str] = []
    scan, kinds = _scanner().match, _KINDS
    at = 0
    while match := scan(text, at):
        name, found = match.lastgroup or "", match[0]
        kind = kinds[name]
        if name == "PUNCTUATION":
            _nest(brackets, found)
        elif name == "REFERENCE" and _separates(before, brackets):
            kind, found = "punctuation", ":"
        elif name == "STRING" and before and before.kind in STRINGS:
            kind, found = _continue(text, match, before, tokens)
        elif name == "BLOCK_COMMENT":
            found = text[at : _comment_end(text, at)]
        token = Token(kind, found, at)
        tokens.append(token)
        at += len(found)
        if kind not in BLANK:
            before = token
    return tokens


def closed(token: Token) -> bool:
    """Say whether a string, quoted name, dollar-quoted body or comment has its end."""
    text = token.text
    match token.kind:
        case "dollar_string":
            tag = text[: text.index("$", 1) + 1]
            return len(text) >= 2 * len(tag) and text.endswith(tag)
        case "comment":
            return text.startswith("--") or _comment_closed(text)
        case "quoted":
            return text.count('"') % 2 == 0
        case "escape_string":
            return re.sub(r"\\[\s\S]?", "", text).count("'") % 2 == 0
        case "string" | "unicode_string" | "bit_string":
            return text.count("'") % 2 == 0
    return True


def significant(tokens: Iterable[Token]) -> list[int]:
    """Return the indexes of the tokens that are not white space or comments."""
    return [i for i, token in enumerate(tokens) if token.kind not in BLANK]


def words(text: str) -> str:
    """Return a statement without its comments and its own white space."""
    tokens = lex(text)
    return " ".join(tokens[each].text for each in significant(tokens))


def _comment_end(text: str, start: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)


def _comment_closed(text: str) -> bool:
    edges = [edge.group() for edge in _COMMENT_EDGE.finditer(text)]
    return edges.count("/*") == edges.count("*/")


def _continue(
    text: str, match: re.Match[str], before: Token, tokens: list[Token]
) -> tuple[TokenKind, str]:
    """Return kind and text of a string that may go on with the string `before`."""
    kind: TokenKind = "string"
    if match[0][0] == "'" and _only_breaks(text, match.start(), before, tokens):
        kind = before.kind
    if kind == "escape_string" and (longer := _CONTINUED.match(text, match.start())):
        return kind, longer[0]
    return kind, match[0]


def _only_breaks(text: str, at: int, before: Token, tokens: list[Token]) -> bool:
    """Say whether a line break is between, and nothing but white space and `--`."""
    gap = text[before.end : at]
    if not ("\n" in gap or "\r" in gap):
        return False
    for token in reversed(tokens):
        if token is before:
            break
        if token.text.startswith("/*"):
            return False
    return True


def ends_operand(token: Token) -> bool:
    """Say whether an operand may end with the token, so that none begins after it."""
    if token.kind == "word":
        return token.text.lower() not in _BEFORE_OPERAND
    return (
        token.kind in STRINGS
        or token.kind in ("number", "reference", "quoted")
        or token.text in (")", "]")
    )


def _separates(before: Token | None, brackets: list[str]) -> bool:
    """Say whether a colon after the token `before` stands between two operands."""
    if before is None:
        return False
    if before.kind in STRINGS or before.kind in ("number", "reference"):
        return True
    return brackets[-1:] == ["["] and ends_operand(before)


def _nest(brackets: list[str], found: str) -> None:
    if found in "([":
        brackets.append(found)
    elif found in ")]" and brackets:
        brackets.pop()
