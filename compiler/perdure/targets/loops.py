"""`Repeat` and computed sleeps in terms of the do-while of pg_durable."""

from __future__ import annotations

from perdure.plan.query import Code, ResultRef
from perdure.plan.tree import Break, If, Loop, Node, Repeat, Sleep, Sql
from perdure.targets.helpers import (
    Fresh,
    as_role,
    in_order,
    nothing,
    sql,
    wait_until,
)
from perdure.targets.walk import rebuilt


def lower_loops(node: Node, fresh: Fresh) -> Node:
    """Return a node without `Repeat` and computed sleeps."""
    node = rebuilt(node, lambda each: lower_loops(each, fresh))
    match node:
        case Repeat():
            return _loop(node, fresh)
        case Sleep(duration=Sql() as duration):
            return _sleep(node, duration, fresh)
        case _:
            return node


def _sleep(node: Sleep, duration: Sql, fresh: Fresh) -> Node:
    """Wait until a time that is computed once; `duration` gives an interval."""
    name = fresh.name("until")
    deadline = Sql(
        as_role(node.origin, "deadline"),
        (
            Code("select clock_timestamp() + d.duration as at\nfrom ("),
            *duration.query,
            Code(") as d"),
        ),
        name,
    )
    return in_order(
        node.origin, deadline, wait_until(node.origin, ResultRef(name, "at"))
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
