"""Workflows and steps with everything resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from perdure.catalog.model import Facts
from perdure.ir.expr import Expression, Statement, Template, Value
from perdure.ir.types import Cardinality, Field, Scalar, Type, Variable
from perdure.source import Span


@dataclass(frozen=True, slots=True)
class Head:
    """What every step has.

    `path` is the structural place, the same from YAML and Python:
    `steps[1].then[0]`, `steps[2].parallel.notify[0]`, `steps[3].elif[0].then[1]`,
    `steps[4].loop[0]`. `name` is what the user called the step.
    """

    path: str
    name: str | None
    span: Span = field(compare=False)
    description: str | None = field(default=None, compare=False)


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
    """Fails the run with a message."""

    head: Head
    message: Template


@dataclass(frozen=True, slots=True)
class AssertStep:
    """Fails the run unless the condition is true."""

    head: Head
    condition: Expression
    message: Template


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
class Workflow:
    """A workflow with everything resolved.

    `variables` holds every variable that a step binds or a reference names, by id,
    in order of first binding.
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
