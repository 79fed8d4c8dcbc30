"""SQL of a df node before quoting: generated code, the user's tokens, references."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.syntax.sql import Token


@dataclass(frozen=True, slots=True)
class Code:
    """SQL that the compiler wrote. It never contains a user's text."""

    text: str


@dataclass(frozen=True, slots=True)
class StringLiteral:
    """A constant string; emission quotes it."""

    value: str


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name of the user's; emission quotes it where it needs quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class ResultRef:
    """`$name` (no column) or `$name.column` of a named result.

    `optional` reads a result without rows, or a null, as NULL; else that is an error.
    """

    name: str
    column: str | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class InputRef:
    """The value of an input, to be read as `type`."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class RunRef:
    """A fact of the run itself."""

    what: str  # id | version | started_at


Piece = Code | StringLiteral | Identifier | ResultRef | InputRef | RunRef | Token
Query = tuple[Piece, ...]
