"""SQL of a df node before quoting: generated code, the user's tokens, references."""

from __future__ import annotations

from dataclasses import dataclass, field

from perdure.syntax.sql import Token
from perdure.syntax.tree import ADDED


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
    """`$name` (no column), `$name.column`, or `$name.*` of a named result.

    `optional` reads a result without rows, or a null, as NULL; else that is an error.
    """

    name: str
    column: str | None = None
    optional: bool = False
    rows: bool = field(default=False, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class StepOf:
    """The step that an error came from, as text: its name, else its path.

    The runtime knows the number of the node; emission, which gives the numbers, puts
    the list of steps here.
    """

    error: str


@dataclass(frozen=True, slots=True)
class InputRef:
    """The value of an input, to be read as `type`."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class RunRef:
    """A fact of the run itself."""

    what: str  # id | version | started_at


@dataclass(frozen=True, slots=True)
class WorkflowRef:
    """The function that starts a run of a workflow, in the version that is meant."""

    name: str


@dataclass(frozen=True, slots=True)
class SecretRef:
    """A secret in a part of a request; the worker puts its value in."""

    name: str


@dataclass(frozen=True, slots=True)
class Quoted:
    """A statement as a string constant: it holds no reference, nor an input."""

    query: Query


Piece = (
    Code
    | StringLiteral
    | Identifier
    | ResultRef
    | StepOf
    | InputRef
    | RunRef
    | WorkflowRef
    | SecretRef
    | Quoted
    | Token
)
Query = tuple[Piece, ...]
