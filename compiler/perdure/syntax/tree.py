"""Workflows and their steps as written.

One class per step kind. What all steps have in common is their `Head`. A new
construct is a new class here, a row in the tables of `frontend.yaml.language`, and
a module in `resolve` and in `lower`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as OneOf

from perdure.source import Span, Text
from perdure.syntax.expr import Expr, Name
from perdure.syntax.sql import SqlText

Expect = OneOf["one", "maybe", "many"]


# --- types as written -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedType:
    """`bigint`, `text?`, `numeric(10,2)`, `text | null`."""

    name: str
    nullable: bool
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class ShapeType:
    """`{approved: boolean, note: text?}`."""

    fields: tuple[tuple[Name, TypeExpr], ...]
    nullable: bool
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class ListType:
    """`[text]`, a JSON list of items of one type."""

    item: TypeExpr
    nullable: bool
    span: Span = field(compare=False)


TypeExpr = NamedType | ShapeType | ListType


# --- values as written ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Template:
    """Text with `${expression}` in it, as a sequence of texts and expressions.

    Exactly one expression and nothing else keeps the expression's type.
    """

    parts: tuple[Text | Expr, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Constant:
    """A JSON constant written plain: a number, `true`, `false` or `null`."""

    text: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A JSON object."""

    entries: tuple[tuple[Name, Value], ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """A JSON array."""

    items: tuple[Value, ...]
    span: Span = field(compare=False)


Value = Template | Constant | Mapping | Listing


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time written as `1m30s`, in milliseconds."""

    milliseconds: int
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Retry:
    """When and how often to try again; None is the language's default."""

    max_attempts: int
    backoff: Duration | None
    factor: float | None
    max_backoff: Duration | None
    jitter: bool | None
    on: tuple[Name, ...] | None
    span: Span = field(compare=False)


# --- steps ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Head:
    """What every step has. `span` is the key that names its kind, for messages."""

    name: Name | None
    description: str | None = field(compare=False)
    span: Span = field(compare=False)
    whole: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class SqlStep:
    """`sql:` and `sql_file:`; in the latter case the text's span is in that file."""

    head: Head
    sql: SqlText
    expect: Expect | None = None
    expect_span: Span | None = field(default=None, compare=False)
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class HttpStep:
    """`http: METHOD url`; at most one of `json` and `body` is set."""

    head: Head
    method: Name
    url: Template
    headers: tuple[tuple[Name, Template], ...] = ()
    json: Value | None = None
    body: Template | None = None
    timeout: Duration | None = None
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class SleepStep:
    """`sleep:` a duration, or an expression of type interval."""

    head: Head
    duration: Duration | Expr


@dataclass(frozen=True, slots=True)
class WaitForSignalStep:
    """`wait_for_signal: name`."""

    head: Head
    signal: Name
    payload: TypeExpr | None = None
    timeout: Duration | None = None


@dataclass(frozen=True, slots=True)
class LetStep:
    """`let: {name: expression}`; later bindings see earlier ones."""

    head: Head
    bindings: tuple[tuple[Name, Expr], ...]


@dataclass(frozen=True, slots=True)
class Arm:
    """A condition and the steps that it guards."""

    condition: Expr
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class IfStep:
    """`if / then / elif / else`; the first arm is `then`, the others `elif`."""

    head: Head
    arms: tuple[Arm, ...]
    otherwise: tuple[Step, ...] | None


@dataclass(frozen=True, slots=True)
class Branch:
    """A named branch of `parallel` or `race`."""

    name: Name
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class ParallelStep:
    """`parallel:` all branches run, all must end."""

    head: Head
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class RaceStep:
    """`race:` the first branch to end wins, the others are cancelled."""

    head: Head
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class LoopStep:
    """`loop:` with `while` before, `until` after each round, `every` as pace."""

    head: Head
    steps: tuple[Step, ...]
    while_: Expr | None = None
    until: Expr | None = None
    every: Duration | None = None


@dataclass(frozen=True, slots=True)
class BreakStep:
    """`break`."""

    head: Head


@dataclass(frozen=True, slots=True)
class ContinueStep:
    """`continue`."""

    head: Head


@dataclass(frozen=True, slots=True)
class ReturnStep:
    """`return: value`; ends the workflow from any depth."""

    head: Head
    value: Value | None


@dataclass(frozen=True, slots=True)
class FailStep:
    """`fail: text`."""

    head: Head
    message: Template


@dataclass(frozen=True, slots=True)
class AssertStep:
    """`assert: expression` with an optional `message`."""

    head: Head
    condition: Expr
    message: Template | None = None


Step = (
    SqlStep
    | HttpStep
    | SleepStep
    | WaitForSignalStep
    | LetStep
    | IfStep
    | ParallelStep
    | RaceStep
    | LoopStep
    | BreakStep
    | ContinueStep
    | ReturnStep
    | FailStep
    | AssertStep
)


# --- workflows ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Input:
    """An input; `default` is a constant expression."""

    name: Name
    type: NamedType
    default: Expr | None


@dataclass(frozen=True, slots=True)
class Ignore:
    """`# perdure: ignore[WF412] reason`; `line` counts from 1."""

    codes: tuple[Name, ...]
    reason: str
    line: int
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow file.

    `unread` are the names that would be bound by parts that could not be read, so
    that later passes don't report uses of them.
    """

    name: Name
    description: str | None = field(compare=False)
    inputs: tuple[Input, ...]
    returns: TypeExpr | None
    steps: tuple[Step, ...]
    path: str = field(compare=False)
    ignores: tuple[Ignore, ...] = field(default=(), compare=False)
    unread: tuple[str, ...] = field(default=(), compare=False)
