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
from perdure.syntax.times import Cron as Cron
from perdure.syntax.times import Duration as Duration
from perdure.syntax.times import Retry as Retry

Expect = OneOf["one", "maybe", "many"]

ADDED = {"added": True}
"""Marks a field that dumps and digests leave out while it has its default.

What the language learns later must not change what is already there.
"""


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


# --- steps ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Head:
    """What every step has. `span` is the key that names its kind, for messages.

    The step is skipped unless `when` is true, fails when it takes longer than
    `timeout`, and `undo` takes it back when a later step of its list fails. Waits for
    signals and requests have a `timeout` of their own instead. `effects` is `once`, on
    steps that are statements.
    """

    name: Name | None
    description: str | None = field(compare=False)
    span: Span = field(compare=False)
    whole: Span = field(compare=False)
    when: Expr | None = field(default=None, metadata=ADDED)
    timeout: Duration | None = field(default=None, metadata=ADDED)
    undo: tuple[Step, ...] | None = field(default=None, metadata=ADDED)
    effects: Name | None = field(default=None, metadata=ADDED)


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
    form: tuple[tuple[Name, Template], ...] | None = field(default=None, metadata=ADDED)
    multipart: tuple[FormPart, ...] | None = field(default=None, metadata=ADDED)
    returns: TypeExpr | None = field(default=None, metadata=ADDED)
    expect_status: tuple[Name, ...] | None = field(default=None, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class FormPart:
    """A part of a request in parts: text, or the body of an earlier response."""

    name: Name
    body: Template | None
    source: Name | None = None
    filename: Template | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class CallStep:
    """`call: workflow` with values for its inputs; the result is the step's."""

    head: Head
    workflow: Name
    arguments: tuple[tuple[Name, Value], ...] = ()
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class StartStep:
    """`start: workflow`; with a `key`, a second start of the same is the first."""

    head: Head
    workflow: Name
    arguments: tuple[tuple[Name, Value], ...] = ()
    key: Template | None = None
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class SendStep:
    """`signal: name` with data, to the run whose id `to` gives."""

    head: Head
    signal: Name
    to: Template
    data: Value | None = None
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
class Case:
    """A constant, as text, and the steps for when the subject equals it.

    `kind` is what it is in Python; the constants of YAML are of no type.
    """

    value: Text
    steps: tuple[Step, ...]
    kind: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SwitchStep:
    """`switch:` an expression, `cases` by value, `default` for all others."""

    head: Head
    subject: Expr
    cases: tuple[Case, ...]
    default: tuple[Step, ...] | None


@dataclass(frozen=True, slots=True)
class TryStep:
    """`try:` steps, `catch:` a name for the error with `do`, `finally`.

    `error` and `handler` are there together, or there is a `finally_`.
    """

    head: Head
    steps: tuple[Step, ...]
    error: Name | None
    handler: tuple[Step, ...] | None
    finally_: tuple[Step, ...] | None


@dataclass(frozen=True, slots=True)
class ForeachStep:
    """`foreach: item in source`; `collect` is the columns of one row per item."""

    head: Head
    item: Name
    source: Name
    steps: tuple[Step, ...]
    max_parallel: int | None = None
    collect: Mapping | None = None


@dataclass(frozen=True, slots=True)
class TransactionStep:
    """`transaction:` SQL steps that commit together."""

    head: Head
    steps: tuple[Step, ...]
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class GroupStep:
    """`do:` steps that are retried, timed or undone together."""

    head: Head
    steps: tuple[Step, ...]
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class SleepUntilStep:
    """`sleep_until:` an expression of type timestamptz."""

    head: Head
    time: Expr


@dataclass(frozen=True, slots=True)
class WaitForScheduleStep:
    """`wait_for_schedule:` the next time that fits, in a time zone."""

    head: Head
    cron: Cron
    timezone: Name | None = None


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
    """`fail: text`, or `fail` alone in a `catch`, which fails again as it was."""

    head: Head
    message: Template | None


@dataclass(frozen=True, slots=True)
class AssertStep:
    """`assert: expression` with an optional `message`."""

    head: Head
    condition: Expr
    message: Template | None = None


Step = (
    SqlStep
    | HttpStep
    | CallStep
    | StartStep
    | SendStep
    | SleepStep
    | WaitForSignalStep
    | LetStep
    | IfStep
    | ParallelStep
    | RaceStep
    | LoopStep
    | SwitchStep
    | TryStep
    | ForeachStep
    | TransactionStep
    | GroupStep
    | SleepUntilStep
    | WaitForScheduleStep
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
class Concurrency:
    """How many runs with an equal key go on at a time; without a key, of all runs."""

    limit: int
    key: Expr | None
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a run is started by itself, and what happens while the last one goes on."""

    cron: Cron
    timezone: Name | None = None
    overlap: OneOf["skip", "queue", "allow"] = "skip"


@dataclass(frozen=True, slots=True)
class Options:
    """How runs of a workflow are started and bounded; None is the runtime's way."""

    timeout: Duration | None = None
    idempotency_key: Expr | None = None
    concurrency: Concurrency | None = None
    on_failure: tuple[Step, ...] | None = None
    schedule: Schedule | None = None
    role: Name | None = None
    database: Name | None = None
    search_path: tuple[Name, ...] | None = None


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
    options: Options | None = field(default=None, metadata=ADDED)
