"""The language of workflow files, as tables.

The reader, the JSON Schema for editors and the reference page all come from here, so
that they can't disagree. A new step kind is a row in `STEPS`, a class in
`perdure.syntax.tree` and a builder in `steps`; what is known to come has a row in
`LATER_STEPS` or a key marked `later`, so that it is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What kind of value a key has; the text is how messages and docs name it."""

    NAME = "a name"
    TEXT = "text"
    EXPRESSION = "an expression"
    TEMPLATE = "text, perhaps with ${...}"
    SQL = "an SQL statement"
    FILE = "a file name"
    REQUEST = "a method and a URL"
    DURATION = "a duration"
    TIMEOUT = "a duration in whole seconds"
    DELAY = "a duration or an expression"
    TYPE = "a type"
    INPUTS = "a mapping of names to types"
    VALUE = "a value"
    RESULT = "a value, or nothing"
    HEADERS = "a mapping of header names to text"
    BINDINGS = "a mapping of names to expressions"
    STEPS = "a list of steps"
    ARMS = "a list of mappings with if and then"
    BRANCHES = "a mapping of branch names to lists of steps"
    EXPECT = "one, maybe or many"
    RETRY = "a number of attempts or a mapping"
    COUNT = "a whole number from 1"
    FACTOR = "a number from 1"
    FLAG = "true or false"
    CONDITIONS = "a list of SQLSTATEs, HTTP statuses or transport"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a mapping. `later` ones are known and not supported yet."""

    name: str
    kind: Kind
    doc: str
    required: bool = False
    later: bool = False


@dataclass(frozen=True, slots=True)
class StepKind:
    """A kind of step; its first key names it.

    `example` is a list of steps that reads without a finding; `files` are those it
    needs, by name. A `bare` kind may also be written as one word.
    """

    keys: tuple[Key, ...]
    doc: str
    example: str
    bare: bool = False
    files: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The key that makes a step one of this kind."""
        return self.keys[0].name

    @property
    def holds_steps(self) -> bool:
        """Whether there are steps inside a step of this kind."""
        return any(key.kind in (Kind.STEPS, Kind.BRANCHES) for key in self.keys)


def _later(name: str, doc: str) -> Key:
    return Key(name, Kind.VALUE, doc, later=True)


NAME_PATTERN = "[a-z_][a-z0-9_]*"
EXAMPLE = """\
workflow: ship_order
description: Mark an order as shipped.

input:
  order_id: bigint
  note: text = 'by parcel'

returns: {shipped: boolean}

steps:
  - name: shipped
    sql: update shop.orders set status = 'shipped' where id = :order_id
  - sql: insert into shop.audit (what) values ('shipped ' || :note)
  - return: {shipped: "${shipped.rows_affected = 1}"}
"""
"""A whole workflow file."""

MAX_NAME = 50
"""PostgreSQL's 63 bytes, less room for suffixes such as `_v12`."""

RESERVED = frozenset(
    {"and", "as", "between", "case", "cast", "distinct", "else", "end", "false"}
    | {"from", "ilike", "in", "is", "isnull", "like", "not", "notnull", "null"}
    | {"or", "then", "true", "when"}
)
"""Words that expressions read otherwise, so that nothing can have them as a name."""

EXPECTATIONS = ("one", "maybe", "many")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

WORKFLOW: tuple[Key, ...] = (
    Key("workflow", Kind.NAME, "The workflow's name.", required=True),
    Key("description", Kind.TEXT, "What the workflow is for."),
    Key(
        "input",
        Kind.INPUTS,
        "The inputs: a PostgreSQL type for each name. `text?` may be null; "
        "` = 1000` after the type is a default.",
    ),
    Key("returns", Kind.TYPE, "The type of what the workflow returns."),
    Key("steps", Kind.STEPS, "What to do, in order.", required=True),
    _later("schedule", "When to start by itself."),
    _later("timezone", "The time zone of the schedule."),
    _later("overlap", "What to do when the previous run is still going."),
    _later("on_failure", "Steps that run when the workflow fails."),
    _later("timeout", "How long a run may take."),
    _later("idempotency_key", "What makes two starts the same run."),
    _later("concurrency", "How many runs may go on at a time."),
    _later("role", "The role that the steps run as."),
    _later("database", "The database that the steps run in."),
    _later("search_path", "The search path of the steps."),
)

COMMON: tuple[Key, ...] = (
    Key("name", Kind.NAME, "Name of the step, and of its result for later steps."),
    Key("description", Kind.TEXT, "What the step is for."),
    _later("when", "Skip the step unless this is true."),
    _later("undo", "Steps that take back what this step did."),
)

_EXPECT = Key(
    "expect",
    Kind.EXPECT,
    "How many rows the statement gives: exactly `one`, `maybe` one, or `many`. "
    "Enforced when the step runs.",
)
_RETRY = Key("retry", Kind.RETRY, "When and how often to try again after a failure.")
_STEP_TIMEOUT = _later("timeout", "How long the step may take.")

RETRY: tuple[Key, ...] = (
    Key("max_attempts", Kind.COUNT, "Attempts in all, the first included. Default 3."),
    Key("backoff", Kind.DURATION, "Pause before the second attempt. Default 1s."),
    Key("factor", Kind.FACTOR, "What each pause is multiplied by. Default 2."),
    Key("max_backoff", Kind.DURATION, "Longest pause. Default: no limit."),
    Key("jitter", Kind.FLAG, "Vary the pauses at random. Default true."),
    Key(
        "on",
        Kind.CONDITIONS,
        "What is worth another attempt: SQLSTATEs (`40001`) or their classes (`08`), "
        "HTTP statuses (`503`), `transport`. Default: lost connections, "
        "serialization failures, deadlocks, lock timeouts, 408, 425, 429, 5xx, "
        "transport errors.",
    ),
)

ARM: tuple[Key, ...] = (
    Key("if", Kind.EXPRESSION, "The condition.", required=True),
    Key("then", Kind.STEPS, "Steps for when it is true.", required=True),
)

STEPS: tuple[StepKind, ...] = (
    StepKind(
        (
            Key(
                "sql",
                Kind.SQL,
                "The statement. `:order_id` and `:order.total` are references.",
                required=True,
            ),
            _EXPECT,
            _RETRY,
            _STEP_TIMEOUT,
        ),
        "Run one SQL statement. Its columns are the step's result.",
        """\
- name: order
  sql: select id, total from shop.orders where id = :order_id
  expect: one
""",
    ),
    StepKind(
        (
            Key(
                "sql_file",
                Kind.FILE,
                "A file with one statement, relative to the workflow file.",
                required=True,
            ),
            _EXPECT,
            _RETRY,
            _STEP_TIMEOUT,
        ),
        "Run the SQL statement that stands in a file of its own.",
        """\
- name: totals
  sql_file: totals.sql
  expect: one
""",
        files=(("totals.sql", "select sum(total) as sum from shop.orders\n"),),
    ),
    StepKind(
        (
            Key("http", Kind.REQUEST, "`METHOD url`.", required=True),
            Key("headers", Kind.HEADERS, "Headers of the request."),
            Key("json", Kind.VALUE, "Body of the request, sent as JSON."),
            Key("body", Kind.TEMPLATE, "Body of the request, sent as it is."),
            Key(
                "timeout",
                Kind.TIMEOUT,
                "How long to wait for the response. Default 30s.",
            ),
            _RETRY,
            _later("form", "Body of the request, sent as a form."),
            _later("multipart", "Body of the request, sent in parts."),
            _later("returns", "The type of the JSON that comes back."),
            _later("expect_status", "The statuses that are no failure."),
        ),
        "Send an HTTP request. The result has `status`, `ok`, `headers`, `body` and "
        "`json`; a status of 4xx is a result, 5xx and transport errors are failures.",
        """\
- name: hook
  http: POST https://hooks.example.com/orders/${order_id}
  headers: {X-Source: perdure}
  json: {id: "${order_id}", paid: true}
  timeout: 10s
  retry: {max_attempts: 5, backoff: 1s}
""",
    ),
    StepKind(
        (
            Key(
                "sleep",
                Kind.DELAY,
                "A duration such as `5m`, or an expression of type interval.",
                required=True,
            ),
        ),
        "Wait for a time. The timer is durable: it survives restarts.",
        """\
- sleep: 1h30m
- sleep: interval '1 day' * 2
""",
    ),
    StepKind(
        (
            Key("wait_for_signal", Kind.NAME, "The name of the signal.", required=True),
            Key("payload", Kind.TYPE, "The type of the data that comes with it."),
            Key("timeout", Kind.TIMEOUT, "How long to wait. Default: for ever."),
        ),
        "Wait until a signal is sent to the run. The result has `timed_out` and "
        "`data`. A signal sent before the wait is not lost.",
        """\
- name: approval
  wait_for_signal: approval
  payload: {approved: boolean, approver: text, note: text?}
  timeout: 1d
""",
    ),
    StepKind(
        (
            Key(
                "let",
                Kind.BINDINGS,
                "An expression for each name; later ones can use earlier ones.",
                required=True,
            ),
        ),
        "Name computed values.",
        """\
- let:
    net: 100.00
    gross: net * 1.19
""",
    ),
    StepKind(
        (
            *ARM,
            Key("elif", Kind.ARMS, "Further conditions, tried in order."),
            Key("else", Kind.STEPS, "Steps for when no condition is true."),
        ),
        "Run the steps of the first condition that is true. Null counts as false.",
        """\
- if: order_id > 100
  then:
    - sleep: 1m
  elif:
    - if: order_id > 50
      then:
        - sleep: 1s
  else:
    - fail: order ${order_id} is too old
""",
    ),
    StepKind(
        (
            Key(
                "parallel",
                Kind.BRANCHES,
                "The branches by name.",
                required=True,
            ),
            _STEP_TIMEOUT,
        ),
        "Run all branches at the same time and wait for all of them. "
        "Their results can be read afterwards.",
        """\
- parallel:
    reserve:
      - sql: update shop.stock set reserved = 1 where order_id = :order_id
    notify:
      - http: POST https://hooks.example.com/orders
""",
    ),
    StepKind(
        (
            Key("race", Kind.BRANCHES, "The branches by name.", required=True),
            _STEP_TIMEOUT,
        ),
        "Run all branches at the same time; the first to finish wins, the others "
        "are cancelled. The result has `winner`, the name of the branch.",
        """\
- name: outcome
  race:
    paid:
      - wait_for_signal: payment
    expired:
      - sleep: 1d
""",
    ),
    StepKind(
        (
            Key("loop", Kind.STEPS, "The steps of one round.", required=True),
            Key("while", Kind.EXPRESSION, "Go on if this is true, before each round."),
            Key("until", Kind.EXPRESSION, "Stop if this is true, after each round."),
            Key("every", Kind.DURATION, "Time from the start of a round to the next."),
            _STEP_TIMEOUT,
        ),
        "Repeat steps.",
        """\
- loop:
    - name: queue
      sql: select count(*) as left from shop.orders where status = 'new'
    - if: queue.left = 0
      then: [break]
  every: 5m
""",
    ),
    StepKind(
        (Key("break", Kind.NOTHING, "No value.", required=True),),
        "Leave the nearest loop.",
        """\
- loop:
    - sleep: 1s
    - break
""",
        bare=True,
    ),
    StepKind(
        (Key("continue", Kind.NOTHING, "No value.", required=True),),
        "Go on with the next round of the nearest loop.",
        """\
- loop:
    - sleep: 1s
    - continue
""",
        bare=True,
    ),
    StepKind(
        (
            Key(
                "return",
                Kind.RESULT,
                "The result, as JSON; `${...}` alone keeps its type.",
                required=True,
            ),
        ),
        "End the workflow with a result, from any depth.",
        """\
- return: {status: approved, id: "${order_id}"}
""",
        bare=True,
    ),
    StepKind(
        (Key("fail", Kind.TEMPLATE, "The message.", required=True),),
        "Fail the workflow.",
        """\
- fail: order ${order_id} can't be shipped
""",
    ),
    StepKind(
        (
            Key("assert", Kind.EXPRESSION, "What must be true.", required=True),
            Key("message", Kind.TEMPLATE, "The message of the failure."),
        ),
        "Fail the workflow unless something is true. Null counts as false.",
        """\
- assert: order_id > 0
  message: order ${order_id} does not exist
""",
    ),
)

LATER_STEPS: dict[str, tuple[str, ...]] = {
    "transaction": (),
    "sleep_until": (),
    "wait_for_schedule": (),
    "switch": ("cases",),
    "foreach": ("do", "max_parallel", "collect"),
    "try": ("catch", "do", "finally"),
    "call": ("with",),
    "start": ("with",),
    "signal": ("to", "data"),
}
"""Step kinds that are known and not supported yet, with their other keys."""

KINDS: dict[str, StepKind] = {kind.name: kind for kind in STEPS}
