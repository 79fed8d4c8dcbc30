"""Plan nodes.

`result` is the name under which a node's result is bound (`df.as`). `origin` says
which step a node came from. Sequences, joins and races are n-ary here; a target that
has only binary ones is served by `targets`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from perdure.plan.query import Query
from perdure.source import Span
from perdure.syntax.tree import ADDED


@dataclass(frozen=True, slots=True)
class Origin:
    """The step that a node came from, and what the node does for it.

    `role` is short: `sql`, `condition`, `request`, `winner`, `value`, ...
    """

    path: str
    role: str
    name: str | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Sql:
    """One statement.

    `needs` names what a target must be able to do for it to mean what it says, beyond
    running SQL (see `perdure.targets.needs`). With `once` it has its effects once, also
    where the runtime may execute a node again.
    """

    origin: Origin
    query: Query
    result: str | None = None
    needs: tuple[str, ...] = ()
    once: bool = field(default=False, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class Seq:
    """Nodes in order."""

    origin: Origin
    nodes: tuple[Node, ...]
    result: str | None = None


@dataclass(frozen=True, slots=True)
class If:
    """A condition query with one boolean, never null; `otherwise` may be absent."""

    origin: Origin
    condition: Sql
    then: Node
    otherwise: Node | None
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """All branches."""

    origin: Origin
    branches: tuple[Node, ...]
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Race:
    """The first branch."""

    origin: Origin
    branches: tuple[Node, ...]
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """A loop; `every` in milliseconds, start to start."""

    origin: Origin
    body: Node
    while_: Sql | None = None
    until: Sql | None = None
    every: int | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """The do-while of pg_durable; forever without a condition."""

    origin: Origin
    body: Node
    condition: Sql | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """Ends the nearest loop."""

    origin: Origin


@dataclass(frozen=True, slots=True)
class Continue:
    """Ends this round of the nearest loop."""

    origin: Origin


@dataclass(frozen=True, slots=True)
class Return:
    """Ends the run with the result of a query."""

    origin: Origin
    value: Sql


@dataclass(frozen=True, slots=True)
class Sleep:
    """Milliseconds, or a query that gives an interval."""

    origin: Origin
    duration: int | Sql


@dataclass(frozen=True, slots=True)
class Signal:
    """A wait for a signal; `timeout` in whole seconds."""

    origin: Origin
    signal: str
    timeout: int | None
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Http:
    """A request; `timeout` in milliseconds.

    URL, body and header values are made of constant text (`StringLiteral`, which is
    not quoted here) and of references to a result.
    """

    origin: Origin
    method: str
    url: Query
    headers: tuple[tuple[str, Query], ...]
    body: Query | None
    timeout: int
    result: str | None = None
    parts: tuple[HttpPart, ...] | None = field(default=None, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class HttpPart:
    """A part of a request; `content` refers to base64."""

    name: Query
    content: Query
    filename: Query | None
    content_type: str | None


@dataclass(frozen=True, slots=True)
class Retry:
    """Tries `node` again; times in milliseconds."""

    origin: Origin
    node: Node
    max_attempts: int
    backoff: int
    factor: float
    max_backoff: int | None
    jitter: bool
    on: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Try:
    """Runs `body`; its failure is bound to `error`, and then `handler` runs.

    Without a handler the failure goes on after `finally_`, which runs in any case.
    """

    origin: Origin
    body: Node
    error: str
    handler: Node | None
    finally_: Node | None


@dataclass(frozen=True, slots=True)
class Second:
    """An error that came of handling another one; `what` is said to have failed.

    `both` is a name for the first error with the second one in its detail.
    """

    error: str
    what: str
    both: str


@dataclass(frozen=True, slots=True)
class Raise:
    """Fails again with a bound error, whose detail then tells of a second one."""

    origin: Origin
    error: str
    second: Second | None = field(default=None, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class Timeout:
    """Fails when `node` is not done after a time in milliseconds."""

    origin: Origin
    node: Node
    after: int


@dataclass(frozen=True, slots=True)
class Foreach:
    """`body` for each row of a query, which is no node; `item` is the row's name.

    `collect` gives the row of an item in the result.
    """

    origin: Origin
    items: Sql
    body: Node
    item: str
    max_parallel: int
    collect: Sql | None
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """Statements that commit together; `once` as in `Sql`."""

    origin: Origin
    nodes: tuple[Node, ...]
    once: bool = field(default=False, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class SleepUntil:
    """A query that gives the time to go on, which is no node."""

    origin: Origin
    time: Sql


@dataclass(frozen=True, slots=True)
class Schedule:
    """The next time that fits a cron expression; `timezone` None is UTC."""

    origin: Origin
    cron: str
    timezone: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """Runs another workflow; `start`, which is no node, gives the id of its run."""

    origin: Origin
    start: Sql
    result: str | None = None


Node = (
    Sql
    | Call
    | Seq
    | If
    | Join
    | Race
    | Repeat
    | Loop
    | Break
    | Continue
    | Return
    | Sleep
    | Signal
    | Http
    | Retry
    | Try
    | Raise
    | Timeout
    | Foreach
    | Transaction
    | SleepUntil
    | Schedule
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input of the workflow, as the generated function takes it.

    `default` is SQL text of a constant expression.
    """

    name: str
    type: str
    nullable: bool
    default: str | None


@dataclass(frozen=True, slots=True)
class PlanSchedule:
    """When runs start by themselves."""

    cron: str
    timezone: str
    overlap: str


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How runs are started and bounded; `timeout` in milliseconds.

    The keys are expressions over the inputs. `limit` bounds how many runs go on at a
    time, of those with an equal `limit_key` if there is one.
    """

    key: Query | None = None
    limit: int | None = None
    limit_key: Query | None = None
    timeout: int | None = None
    schedule: PlanSchedule | None = None
    role: str | None = None
    database: str | None = None
    role_span: Span | None = field(default=None, compare=False)
    search_path_span: Span | None = field(default=None, compare=False)
    limit_span: Span | None = field(default=None, compare=False)


NO_OPTIONS = PlanOptions()


@dataclass(frozen=True, slots=True)
class Plan:
    """The graph of one workflow; its SQL was described under `search_path`.

    `taken_in` are the calls whose steps became steps of this graph.
    """

    workflow: str
    parameters: tuple[Parameter, ...]
    root: Node
    description: str | None = field(default=None, compare=False)
    search_path: str = "public"
    options: PlanOptions = field(default=NO_OPTIONS, metadata=ADDED)
    taken_in: tuple[Origin, ...] = field(default=(), metadata=ADDED)
