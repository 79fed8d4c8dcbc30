"""Rows of the language's table: control flow beyond `if`, `loop` and branches.

They stand apart from `language` only for their number. Keys that many kinds share are
here as well.
"""

from __future__ import annotations

from perdure.frontend.yaml.table import Key, Kind, StepKind

RETRY_KEY = Key("retry", Kind.RETRY, "When and how often to try again after a failure.")
TIMEOUT_KEY = Key(
    "timeout", Kind.LIMIT, "How long the step may take; longer is a failure."
)
EFFECTS_KEY = Key(
    "effects",
    Kind.EFFECTS,
    "`once`: what the statement does happens once, also where the runtime may run a "
    "step again after a crash. On target perdure that is so without it.",
)
UNDO_KEY = Key(
    "undo",
    Kind.STEPS,
    "Steps that take back what this one did, when a later step of its list fails.",
)

CONTROL: tuple[StepKind, ...] = (
    StepKind(
        (
            Key("switch", Kind.EXPRESSION, "The value to look at.", required=True),
            Key("cases", Kind.CASES, "The steps for each value.", required=True),
            Key("default", Kind.STEPS, "Steps for all other values, and for null."),
            TIMEOUT_KEY,
            UNDO_KEY,
        ),
        "Run the steps of the case that equals a value. Without such a case, and "
        "without `default`, nothing is run.",
        """\
- name: order
  sql: select status from shop.orders where id = :order_id
  expect: one
- switch: order.status
  cases:
    new:
      - sql: update shop.orders set status = 'seen' where id = :order_id
    shipped:
      - return: done
  default:
    - fail: order ${order_id} is ${order.status}
""",
    ),
    StepKind(
        (
            Key("try", Kind.STEPS, "The steps that may fail.", required=True),
            Key("catch", Kind.NAME, "The name of the error in `do`."),
            Key("do", Kind.STEPS, "Steps for when one of them failed."),
            Key("finally", Kind.STEPS, "Steps that run at the end in any case."),
            TIMEOUT_KEY,
            UNDO_KEY,
        ),
        "Handle the failure of steps. The error has `step`, `message`, `sqlstate` "
        "and `detail`. Without `catch` the failure goes on after `finally`.",
        """\
- try:
    - sql: update shop.orders set status = 'paid' where id = :order_id
    - http: POST https://hooks.example.com/orders/${order_id}
  catch: err
  do:
    - sql: insert into shop.audit (what) values (:err.step || ' - ' || :err.message)
  finally:
    - sql: insert into shop.audit (what) values ('tried')
""",
    ),
    StepKind(
        (
            Key(
                "foreach",
                Kind.EACH,
                "`item in step`: a name for the row, and a step with many rows.",
                required=True,
            ),
            Key("do", Kind.STEPS, "The steps for one row.", required=True),
            Key(
                "max_parallel",
                Kind.COUNT,
                "How many rows at a time. Default 1, which is one after the other.",
            ),
            Key(
                "collect",
                Kind.COLUMNS,
                "The columns of the step's result, one row per item.",
            ),
            TIMEOUT_KEY,
            UNDO_KEY,
        ),
        "Run steps for each row of an earlier result. With `collect` the step has a "
        "result of many rows, in the order of the items.",
        """\
- name: open_orders
  sql: select id, email from shop.orders where status = 'new' order by id
- name: told
  foreach: o in open_orders
  max_parallel: 10
  do:
    - name: hook
      http: POST https://hooks.example.com/orders/${o.id}
  collect: {id: "${o.id}", status: "${hook.status}"}
- sql: insert into shop.audit (what) select 'told ' || t.id from :told.* t
""",
    ),
    StepKind(
        (
            Key("transaction", Kind.STEPS, "The steps; each is SQL.", required=True),
            EFFECTS_KEY,
            RETRY_KEY,
            TIMEOUT_KEY,
            UNDO_KEY,
        ),
        "Run SQL steps that commit together, or not at all.",
        """\
- transaction:
    - name: taken
      sql: update shop.stock set reserved = 0 where order_id = :order_id
    - sql: insert into shop.audit (what) values ('released ' || :taken.rows_affected)
  retry: 5
""",
    ),
    StepKind(
        (
            Key("do", Kind.STEPS, "The steps of the group.", required=True),
            RETRY_KEY,
            TIMEOUT_KEY,
            UNDO_KEY,
        ),
        "Run steps as one, so that they are tried again, timed, skipped or undone "
        "together.",
        """\
- do:
    - name: token
      http: GET https://auth.example.com/token
    - http: GET https://hooks.example.com/orders?token=${token.body}
  retry: 3
  timeout: 5m
""",
    ),
    StepKind(
        (
            Key(
                "sleep_until",
                Kind.EXPRESSION,
                "When to go on, a timestamptz.",
                required=True,
            ),
            TIMEOUT_KEY,
        ),
        "Wait until a time. A time that is over is no wait.",
        """\
- name: order
  sql: select placed_at from shop.orders where id = :order_id
  expect: one
- sleep_until: order.placed_at + interval '3 days'
""",
    ),
    StepKind(
        (
            Key(
                "wait_for_schedule",
                Kind.CRON,
                "Minute, hour, day of the month, month, day of the week (0 and 7 are "
                "Sunday); names such as `MON` and `JAN` are allowed.",
                required=True,
            ),
            Key(
                "timezone",
                Kind.ZONE,
                "The time zone of the expression. Default UTC.",
            ),
            TIMEOUT_KEY,
        ),
        "Wait for the next time that fits a cron expression.",
        """\
- wait_for_schedule: 0 9 * * 1-5
  timezone: Europe/Berlin
""",
    ),
)
