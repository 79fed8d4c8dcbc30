"""The language of workflow files, as tables.

The reader, the JSON Schema for editors and the reference page all come from here, so
that they can't disagree. A new step kind is a row in `STEPS`, a class in
`perdure.syntax.tree`, a builder in `steps`, and its form in Python in
`frontend.python`.
"""

from __future__ import annotations

from collections.abc import Mapping

from perdure.frontend.yaml.rows import (
    CONTROL,
    EFFECTS_KEY,
    RETRY_KEY,
    TIMEOUT_KEY,
    UNDO_KEY,
)
from perdure.frontend.yaml.rows_calls import (
    CALLS,
    FORM_KEY,
    MULTIPART_KEY,
    OPTIONS,
    RETURNS_KEY,
    STATUS_KEY,
)
from perdure.frontend.yaml.table import Key as Key
from perdure.frontend.yaml.table import Kind as Kind
from perdure.frontend.yaml.table import StepKind as StepKind

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
MEANT: Mapping[str, str] = {
    **dict.fromkeys(("one?", "single?", "?", "0..1", "0-1", "optional"), "maybe"),
    **dict.fromkeys(("zero_or_one", "one_or_none", "at_most_one"), "maybe"),
    **dict.fromkeys(("1", "exactly_one", "single", "scalar"), "one"),
    **dict.fromkeys(("*", "all", "any", "list", "rows", "multiple"), "many"),
}
"""What other tools call the numbers of rows."""

EFFECTS = ("once",)
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
    *OPTIONS,
)

COMMON: tuple[Key, ...] = (
    Key("name", Kind.NAME, "Name of the step, and of its result for later steps."),
    Key("description", Kind.TEXT, "What the step is for."),
    Key("when", Kind.EXPRESSION, "Skip the step unless this is true."),
)

_EXPECT = Key(
    "expect",
    Kind.EXPECT,
    "How many rows the statement gives: exactly `one`, `maybe` one, or `many`. "
    "Enforced when the step runs.",
)

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
            EFFECTS_KEY,
            RETRY_KEY,
            TIMEOUT_KEY,
            UNDO_KEY,
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
            EFFECTS_KEY,
            RETRY_KEY,
            TIMEOUT_KEY,
            UNDO_KEY,
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
            RETRY_KEY,
            UNDO_KEY,
            FORM_KEY,
            MULTIPART_KEY,
            RETURNS_KEY,
            STATUS_KEY,
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
            TIMEOUT_KEY,
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
            TIMEOUT_KEY,
            UNDO_KEY,
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
            TIMEOUT_KEY,
            UNDO_KEY,
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
            TIMEOUT_KEY,
            UNDO_KEY,
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
            TIMEOUT_KEY,
            UNDO_KEY,
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
        (Key("fail", Kind.MESSAGE, "The message.", required=True),),
        "Fail the workflow. Without a message in a `catch` it fails again with the "
        "error.",
        """\
- fail: order ${order_id} can't be shipped
""",
        bare=True,
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
    *CONTROL,
    *CALLS,
)

KINDS: dict[str, StepKind] = {kind.name: kind for kind in STEPS}
