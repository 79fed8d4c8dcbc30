"""SQL text as written, cut into PostgreSQL's tokens; nothing is lost or moved.

The tokens joined are the text. A reference (`:order.id`, `:batch.*`) is one token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal as OneOf

from perdure.diagnostics import Diagnostic
from perdure.source import Span, Text
from perdure.syntax.expr import Name

TokenKind = OneOf[
    "space",
    "comment",  # -- to the end of the line, or /* nested */
    "word",  # an identifier or key word, as typed
    "quoted",  # "Quoted Identifier", also U&"..."
    "string",  # '...', with the adjacent-line continuation as tokens of their own
    "escape_string",  # E'...'
    "unicode_string",  # U&'...'
    "bit_string",  # B'...', X'...'; N'...' is a plain string
    "dollar_string",  # $tag$...$tag$
    "number",
    "operator",  # a run of operator characters, also :: and :=
    "punctuation",  # ( ) [ ] , ; . and a lone : of a slice
    "parameter",  # $1, which a workflow may not use
    "reference",
]


@dataclass(frozen=True, slots=True)
class Token:
    """One lexical element of SQL; `start` is its offset in the text's value."""

    kind: TokenKind
    text: str
    start: int = field(compare=False)

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class SqlRef:
    """A reference in SQL: the token at `index`, its parts, and `.*` or not."""

    index: int
    parts: tuple[Name, ...]
    row_set: bool
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A literal with something in it that would be a reference outside of it.

    It is one, and `finding` is due, where one of `names` is a name of the workflow;
    only resolving knows that.
    """

    names: tuple[str, ...]
    finding: Diagnostic


@dataclass(frozen=True, slots=True)
class SqlText:
    """One statement: text, tokens and references.

    Token indexes: `[first, last)` is the statement without surrounding white space,
    comments and the final semicolon; `main` is the first token of the statement
    proper, after a `with` list if there is one. `keyword` is the lower-cased word
    at `main`; `returning` says whether the statement proper has a RETURNING clause;
    `has_with` and `recursive` describe the `with` list.
    """

    text: Text
    tokens: tuple[Token, ...]
    refs: tuple[SqlRef, ...]
    first: int
    last: int
    main: int
    keyword: str
    returning: bool
    has_with: bool
    recursive: bool
    suspects: tuple[Suspect, ...] = field(default=(), compare=False)


def is_subscripted(parts: Sequence[object], at: int) -> bool:
    """Say whether a subscript, `[`, follows the part of a statement at an index."""
    for part in parts[at + 1 :]:
        if not isinstance(part, Token):
            return False
        if part.kind not in ("space", "comment"):
            return part.text == "["
    return False
