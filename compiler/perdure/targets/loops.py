"""`Repeat`, computed sleeps and waits until a time as do-while loops of pg_durable.

The extension's own schedules are in UTC, and want both fields of days to fit; where
that is not what is meant, the next time is computed.
"""

from __future__ import annotations

from perdure.plan.query import Code, ResultRef, StringLiteral
from perdure.plan.tree import (
    Break,
    If,
    Loop,
    Node,
    Repeat,
    Schedule,
    Sleep,
    SleepUntil,
    Sql,
)
from perdure.plan.walk import rebuilt
from perdure.targets.helpers import (
    Fresh,
    as_role,
    end_of_sleep,
    end_of_wait,
    in_order,
    nothing,
    sql,
    wait_until,
)


def lower_loops(node: Node, fresh: Fresh) -> Node:
    """Return a node without `Repeat`, computed times and times in a zone."""
    node = rebuilt(node, lambda each: lower_loops(each, fresh))
    match node:
        case Repeat():
            return _loop(node, fresh)
        case Sleep(duration=Sql() as duration):
            return _sleep(node, duration, fresh)
        case SleepUntil(time=time):
            return _sleep_until(node, time, fresh)
        case Schedule() if _is_ours(node):
            return _sleep_until(node, _next(node), fresh)
        case _:
            return node


def _sleep(node: Sleep, duration: Sql, fresh: Fresh) -> Node:
    """Wait until a time that is computed once; `duration` gives an interval."""
    name = fresh.name("until")
    deadline = end_of_sleep(node.origin, duration, name)
    return in_order(
        node.origin, deadline, wait_until(node.origin, ResultRef(name, "at"))
    )


def _sleep_until(node: SleepUntil | Schedule, time: Sql, fresh: Fresh) -> Node:
    """Wait until a time that is computed once; `time` gives a timestamptz as `at`."""
    name = fresh.name("until")
    deadline = end_of_wait(node.origin, time, name)
    return in_order(
        node.origin, deadline, wait_until(node.origin, ResultRef(name, "at"))
    )


def _is_ours(node: Schedule) -> bool:
    """Say whether the extension's schedule would be another one."""
    fields = node.cron.split()
    both = fields[2] != "*" and fields[4] != "*"
    return both or node.timezone not in (None, "UTC")


def _next(node: Schedule) -> Sql:
    return sql(
        node.origin,
        "deadline",
        "select perdure.next_time(",
        StringLiteral(node.cron),
        ", clock_timestamp(), ",
        StringLiteral(node.timezone or "UTC"),
        ") as at",
    )


def _loop(node: Repeat, fresh: Fresh) -> Node:
    """Return the loop: `while` opens a round, `until` and the pace close it."""
    origin = node.origin
    body = node.body
    if node.while_ is not None:
        body = If(as_role(origin, "while"), node.while_, body, _break(node))
    if node.every is None:
        condition = None if node.until is None else _negated(node.until)
        return Loop(origin, body, condition)
    name = fresh.name("round")
    interval = f"interval '{node.every // 1000} seconds'"
    start = sql(
        origin, "start", f"select clock_timestamp() + {interval} as next", result=name
    )
    end: list[Node] = []
    if node.until is not None:
        leave = as_role(origin, "until")
        end.append(If(leave, node.until, _break(node), nothing(origin)))
    pause = wait_until(origin, ResultRef(name, "next"))
    return Loop(origin, in_order(origin, start, body, *end, pause))


def _break(node: Repeat) -> Break:
    return Break(as_role(node.origin, "break"))


def _negated(condition: Sql) -> Sql:
    """Return the query of the opposite; `condition` gives one boolean, never null."""
    query = (Code("select not c.ok as ok\nfrom ("), *condition.query, Code(") as c"))
    return Sql(condition.origin, query)
