"""SQL with resolved references: expressions and statements.

An expression of the language is already printed here as SQL, fully parenthesised
and in one canonical spelling; only references are left open, because how a value
is read depends on the target.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from perdure.ir.types import Type
from perdure.source import Span
from perdure.syntax.sql import Token


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a variable, or of a part of it.

    `path` is empty for a variable that is one value, else the column and, for typed
    JSON, the members below it: `("data", "approved")`. `type` is what the reference
    is cast to at its use. A row set has an empty path and a record of the columns.
    """

    variable: str
    path: tuple[str, ...]
    type: Type
    nullable: bool
    row_set: bool = False
    alias: str | None = None  # of a row set that the user gave no alias of its own
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Expression:
    """SQL text with references, its type, and what is known of its value.

    `causes` are the names of the values, as written, that may make it null.
    """

    parts: tuple[str | Reference, ...]
    type: Type
    nullable: bool
    immutable: bool
    span: Span | None = field(default=None, compare=False)
    causes: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Statement:
    """The user's statement: tokens in order, references in place of theirs.

    White space and comments are kept (they are emitted) but not digested. Indexes
    are as in `syntax.sql.SqlText`, rebased to the first token of the statement.
    """

    parts: tuple[Token | Reference, ...]
    main: int
    keyword: str
    returning: bool
    recursive: bool
    has_with: bool
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Constant:
    """A JSON constant: a number, `true`, `false` or `null` as text."""

    text: str


@dataclass(frozen=True, slots=True)
class Secret:
    """The value of a secret, which only the worker that sends a request knows."""

    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """Text made of constant pieces and of expressions converted to text.

    Secrets stand only in the templates of a request.
    """

    parts: tuple[str | Expression | Secret, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A JSON object."""

    entries: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A JSON array."""

    items: tuple[Value, ...]


Value = Constant | Template | Expression | Mapping | Listing
"""A JSON value; an `Expression` keeps its type, a `Template` is text."""
