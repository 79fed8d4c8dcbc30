"""Workflows and steps with everything resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from perdure.catalog.model import Facts
from perdure.ir.expr import Expression, Reference, Statement, Template, Value
from perdure.ir.types import Cardinality, Field, Scalar, Type, Variable
from perdure.source import Span
from perdure.syntax.tree import ADDED


@dataclass(frozen=True, slots=True)
class Head:
    """What every step has.

    `path` is the structural place, the same from YAML and Python:
    `steps[1].then[0]`, `steps[2].parallel.notify[0]`, `steps[3].elif[0].then[1]`,
    `steps[4].loop[0]`. `name` is what the user called the step.

    The step runs when `when` is true; else the variables in `absent` are null after
    it. Longer than `timeout` (in milliseconds) is a failure. `undo` runs when a later
    step of the same list fails for good. With `once` its effects happen once on every
    runtime.
    """

    path: str
    name: str | None
    span: Span = field(compare=False)
    description: str | None = field(default=None, compare=False)
    when: Expression | None = field(default=None, metadata=ADDED)
    absent: tuple[str, ...] = field(default=(), metadata=ADDED)
    timeout: int | None = field(default=None, metadata=ADDED)
    undo: tuple[Step, ...] | None = field(default=None, metadata=ADDED)
    once: bool = field(default=False, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry policy with all defaults filled; times in milliseconds."""

    max_attempts: int
    backoff: int
    factor: float
    max_backoff: int | None
    jitter: bool
    on: tuple[str, ...] | None  # None: the runtime's default classes


@dataclass(frozen=True, slots=True)
class SqlStep:
    """A statement; `variable` is where its result goes, if it has a name."""

    head: Head
    statement: Statement
    variable: str | None
    columns: tuple[Field, ...]
    expect: Cardinality | None  # to be enforced at run time; None when proved
    retry: Retry | None
    facts: Facts = field(compare=False)


@dataclass(frozen=True, slots=True)
class HttpStep:
    """A request; `timeout` in milliseconds."""

    head: Head
    variable: str | None
    method: str
    url: Template
    headers: tuple[tuple[str, Template], ...]
    json: Value | None
    body: Template | None
    timeout: int
    retry: Retry | None
    form: tuple[tuple[str, Template], ...] | None = field(default=None, metadata=ADDED)
    multipart: tuple[FormPart, ...] | None = field(default=None, metadata=ADDED)
    returns: Type | None = field(default=None, metadata=ADDED)
    returns_nullable: bool = field(default=False, metadata=ADDED)
    expect_status: tuple[str, ...] | None = field(default=None, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class FormPart:
    """A part of a request: `body`, or the body of the response in `source`."""

    name: str
    body: Template | None
    source: Reference | None
    filename: Template | None
    content_type: str | None


@dataclass(frozen=True, slots=True)
class Argument:
    """A value for an input of another workflow, cast to the input's type."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class CallStep:
    """Another workflow, run as a part of this one, or as a run of its own.

    `result` is the type of what it returns. `pinned` is the digest of the version that
    is meant. Its steps are taken into this workflow when `inline`; `callee` is there
    for that, and does not count beside `pinned`.
    """

    head: Head
    variable: str | None
    workflow: str
    arguments: tuple[Argument, ...]
    result: Type
    nullable: bool
    retry: Retry | None
    pinned: str
    inline: bool
    callee: Workflow | None = field(default=None, compare=False, repr=False)
    keyed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class StartStep:
    """A run of another workflow that nobody waits for; see `CallStep`."""

    head: Head
    variable: str | None
    workflow: str
    arguments: tuple[Argument, ...]
    key: Template | None
    retry: Retry | None
    pinned: str


@dataclass(frozen=True, slots=True)
class SendStep:
    """A signal to the run whose id is `to`."""

    head: Head
    signal: str
    to: Template
    data: Value | None
    retry: Retry | None


@dataclass(frozen=True, slots=True)
class SleepStep:
    """A timer: milliseconds, or an expression of type interval."""

    head: Head
    duration: int | Expression


@dataclass(frozen=True, slots=True)
class WaitForSignalStep:
    """A wait; `timeout` in milliseconds."""

    head: Head
    variable: str | None
    signal: str
    payload: Type | None
    timeout: int | None


@dataclass(frozen=True, slots=True)
class LetStep:
    """One binding; a `let` of several is several of these, with one path."""

    head: Head
    variable: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Arm:
    """A boolean condition and the steps that it guards."""

    condition: Expression
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class IfStep:
    """The first arm whose condition is true is taken, else `otherwise`."""

    head: Head
    arms: tuple[Arm, ...]
    otherwise: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """A named branch."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class ParallelStep:
    """All branches run, all must end."""

    head: Head
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """After the race, `outside` has the value of `inside`, bound in branch `branch`.

    It is null when another branch won. One `outside` may have several exports, one
    per branch that binds the name.
    """

    outside: str
    inside: str
    branch: str


@dataclass(frozen=True, slots=True)
class RaceStep:
    """The first branch to end wins."""

    head: Head
    variable: str | None
    branches: tuple[Branch, ...]
    exports: tuple[Export, ...]


@dataclass(frozen=True, slots=True)
class LoopStep:
    """Rounds of `steps`; `every` in milliseconds, start to start."""

    head: Head
    steps: tuple[Step, ...]
    while_: Expression | None
    until: Expression | None
    every: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """A constant of the subject's type, as text, and the steps for it."""

    value: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class SwitchStep:
    """The case that equals the subject, else `default`."""

    head: Head
    subject: Expression
    cases: tuple[Case, ...]
    default: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class TryStep:
    """Steps that may fail, and who handles it; `error` is the variable of the error.

    Without `handler` (None) the failure goes on after `finally_`.
    """

    head: Head
    steps: tuple[Step, ...]
    error: str | None
    handler: tuple[Step, ...] | None
    finally_: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class ForeachStep:
    """`steps` for each of `rows`; `item` is the variable of the row.

    `collect` has a value for each of `columns`, which `variable` gets a row of per
    item that came to the end of `steps`.
    """

    head: Head
    variable: str | None
    item: str
    rows: Reference
    steps: tuple[Step, ...]
    max_parallel: int
    collect: tuple[Value, ...]
    columns: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class TransactionStep:
    """SQL steps that commit together."""

    head: Head
    steps: tuple[Step, ...]
    retry: Retry | None


@dataclass(frozen=True, slots=True)
class GroupStep:
    """Steps as one."""

    head: Head
    steps: tuple[Step, ...]
    retry: Retry | None


@dataclass(frozen=True, slots=True)
class SleepUntilStep:
    """A timer until a timestamptz."""

    head: Head
    time: Expression


@dataclass(frozen=True, slots=True)
class WaitForScheduleStep:
    """A timer until the next time that fits; `timezone` None is UTC."""

    head: Head
    cron: str
    timezone: str | None


@dataclass(frozen=True, slots=True)
class BreakStep:
    """Ends the nearest loop."""

    head: Head


@dataclass(frozen=True, slots=True)
class ContinueStep:
    """Ends this round of the nearest loop."""

    head: Head


@dataclass(frozen=True, slots=True)
class ReturnStep:
    """Ends the run with a value; None is the JSON null."""

    head: Head
    value: Value | None


@dataclass(frozen=True, slots=True)
class FailStep:
    """Fails with a message, or, without one, again with the error of a variable."""

    head: Head
    message: Template | None
    error: str | None = field(default=None, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class AssertStep:
    """Fails the run unless the condition is true."""

    head: Head
    condition: Expression
    message: Template


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


@dataclass(frozen=True, slots=True)
class Input:
    """An input; `default` is a constant expression of the input's type."""

    name: str
    variable: str
    type: Scalar
    nullable: bool
    default: Expression | None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Concurrency:
    """At most `limit` runs with an equal key go on; without a key, of all runs."""

    limit: int
    key: Expression | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a run is started by itself; `cron` in the form of `df.wait_for_schedule`."""

    cron: str
    timezone: str
    overlap: Literal["skip", "queue", "allow"]


@dataclass(frozen=True, slots=True)
class Options:
    """How runs of a workflow are started and bounded; `timeout` in milliseconds.

    The expressions read inputs only. `search_path` is a list of schemas. `spans` are
    the places of the values, by the names of the keys.
    """

    timeout: int | None = None
    idempotency_key: Expression | None = None
    concurrency: Concurrency | None = None
    schedule: Schedule | None = None
    role: str | None = None
    database: str | None = None
    search_path: tuple[str, ...] | None = None
    spans: tuple[tuple[str, Span], ...] = field(default=(), compare=False)
    limit_span: Span | None = field(default=None, compare=False)

    def span(self, name: str) -> Span | None:
        """Return the place of a key's value."""
        return dict(self.spans).get(name)


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow with everything resolved.

    `variables` holds every variable that a step binds or a reference names, by id,
    in order of first binding. `taken_in` are the calls whose steps are steps here now.
    """

    name: str
    inputs: tuple[Input, ...]
    returns: Type | None
    returns_nullable: bool
    steps: tuple[Step, ...]
    variables: tuple[Variable, ...]
    path: str = field(compare=False)
    description: str | None = field(default=None, compare=False)
    language: Literal[1] = 1
    options: Options | None = field(default=None, metadata=ADDED)
    taken_in: tuple[Head, ...] = field(default=(), metadata=ADDED)
    returns_span: Span | None = field(default=None, compare=False)
