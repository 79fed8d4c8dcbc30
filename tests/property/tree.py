"""A workflow as the property tests see it: a small tree. `written` has its YAML.

It is not the compiler's tree on purpose: what a workflow means is said here and in
`tests.property.model` a second time, in as few words as possible.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Type = Literal["bigint", "numeric", "text", "boolean"]
Scalar = int | Decimal | str | bool | None

# --- expressions ----------------------------------------------------------------


@dataclass(frozen=True)
class Const:
    type: Type
    value: Scalar


@dataclass(frozen=True)
class Ref:
    """`a`, `s1.x`, `w1.data.n`."""

    type: Type
    name: str


@dataclass(frozen=True)
class Call:
    """An operator; `text` has a `{}` for each argument."""

    type: Type
    text: str
    args: tuple[Expr, ...]


Expr = Const | Ref | Call


def show(expr: Expr, sigil: str = "") -> str:
    """Return the text of an expression; `sigil` is `:` inside of SQL."""
    match expr:
        case Const(type, None):
            return f"null::{type}"
        case Const("text", value):
            return "'" + str(value).replace("'", "''") + "'"
        case Const("boolean", value):
            return "true" if value else "false"
        case Const(type, value):
            return (
                f"{value}::{type}"
                if not str(value).startswith("-")
                else (f"({value})::{type}")
            )
        case Ref():
            return sigil + expr.name
        case Call():
            parts = [show(arg, sigil) for arg in expr.args]
            return "(" + expr.text.format(*parts) + ")"


# --- steps ----------------------------------------------------------------------


@dataclass(frozen=True)
class Insert:
    """Write a marker and a value; a numeric goes in as its text."""

    marker: str
    value: Expr
    name: str | None = None


@dataclass(frozen=True)
class InsertRows:
    """Write a marker once for each row of a row set, with the row's number."""

    marker: str
    rows: str


@dataclass(frozen=True)
class Select:
    """One row of values."""

    name: str
    columns: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class SelectIf:
    """One row of one column `x`, or none when the condition does not hold."""

    name: str
    value: Expr
    condition: Expr
    expect: Literal["one", "maybe"]


@dataclass(frozen=True)
class SelectRows:
    """Rows with the numbers from 1 to `count` in the column `i`."""

    name: str
    count: Expr


@dataclass(frozen=True)
class CountMarkers:
    """How often a marker was written before: `n`."""

    name: str
    marker: str


@dataclass(frozen=True)
class Touch:
    """Update the rows of a marker: `rows_affected`."""

    name: str
    marker: str


@dataclass(frozen=True)
class Divide:
    """100 / value as the column `q`, tried several times when that fails."""

    name: str
    value: Expr
    attempts: int
    backoff: int


@dataclass(frozen=True)
class Let:
    bindings: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class If:
    arms: tuple[tuple[Expr, Steps], ...]
    otherwise: Steps | None


@dataclass(frozen=True)
class Parallel:
    branches: tuple[tuple[str, Steps], ...]


@dataclass(frozen=True)
class Race:
    name: str
    branches: tuple[tuple[str, Steps], ...]


@dataclass(frozen=True)
class Loop:
    steps: Steps
    while_: Expr | None = None
    until: Expr | None = None
    every: int | None = None


@dataclass(frozen=True)
class Sleep:
    """Whole seconds, written as a duration or, from an expression, as an interval."""

    seconds: int | Expr


@dataclass(frozen=True)
class Wait:
    """The payload is `{n: bigint, s: text?}`."""

    name: str
    signal: str
    timeout: int | None


@dataclass(frozen=True)
class Return:
    """None is no value; a tuple is an object; text is a template."""

    value: Expr | Template | tuple[tuple[str, Expr | Template], ...] | None


@dataclass(frozen=True)
class Template:
    """Text, an expression, text."""

    before: str
    expr: Expr
    after: str


@dataclass(frozen=True)
class Fail:
    """Without a message: again with the error that a `catch` has named `error`."""

    message: Template | None
    error: str | None = None


@dataclass(frozen=True)
class Assert:
    condition: Expr
    message: Template


@dataclass(frozen=True)
class Leap:
    word: Literal["break", "continue"]


@dataclass(frozen=True)
class Switch:
    """Cases by the text of a value of the subject's type."""

    subject: Expr
    cases: tuple[tuple[str, Steps], ...]
    default: Steps | None


@dataclass(frozen=True)
class Try:
    steps: Steps
    error: str | None
    handler: Steps | None
    finally_: Steps | None


@dataclass(frozen=True)
class Foreach:
    """Steps per row of `rows`; `collect` is the column `i` of the step's rows."""

    name: str
    item: str
    rows: str
    steps: Steps
    max_parallel: int
    collect: Expr


@dataclass(frozen=True)
class Transaction:
    steps: Steps


@dataclass(frozen=True)
class Group:
    """Steps that are tried again together when something is divided by zero."""

    steps: Steps
    attempts: int
    backoff: int


@dataclass(frozen=True)
class SleepUntil:
    """Seconds after the start of the test clock."""

    seconds: Expr


@dataclass(frozen=True)
class Schedule:
    """The next full minute."""


@dataclass(frozen=True)
class Guarded:
    """A step with `when`, `timeout` and `undo`; `keeps` are names that it rebinds."""

    step: Step
    when: Expr | None = None
    keeps: tuple[str, ...] = ()
    timeout: int | None = None
    undo: Steps | None = None


Step = (
    Insert
    | InsertRows
    | Select
    | SelectIf
    | SelectRows
    | CountMarkers
    | Touch
    | Divide
    | Let
    | If
    | Parallel
    | Race
    | Loop
    | Sleep
    | Wait
    | Return
    | Fail
    | Assert
    | Leap
    | Switch
    | Try
    | Foreach
    | Transaction
    | Group
    | SleepUntil
    | Schedule
    | Guarded
)
Steps = tuple[Step, ...]


@dataclass(frozen=True)
class Input:
    """An input, what it is declared as, and the value it is given; None: not given."""

    name: str
    type: Type
    nullable: bool
    default: Const | None
    given: bool
    value: Scalar


@dataclass(frozen=True)
class Message:
    """A signal that is sent: `at` in milliseconds after the start, 0 before it runs."""

    signal: str
    at: int
    n: int
    s: str | None


@dataclass(frozen=True)
class Workflow:
    inputs: tuple[Input, ...]
    steps: Steps
    messages: tuple[Message, ...] = field(default=())
