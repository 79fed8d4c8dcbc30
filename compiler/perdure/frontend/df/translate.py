"""A df graph to the steps of a workflow."""

from __future__ import annotations

from collections.abc import Callable

from perdure.frontend.df import control, native, queries, requests, times
from perdure.frontend.df.context import Context, Given, Goal
from perdure.frontend.df.nodes import Node
from perdure.syntax.tree import Step

_TRANSLATORS: dict[str, Callable[[Context, Node, Goal], list[Step]]] = {
    "sql": queries.statement,
    "seq": control.sequence,
    "as": control.named,
    "if": control.choice,
    "if_rows": control.choice_by_rows,
    "join": control.join,
    "race": control.race,
    "loop": control.loop,
    "repeat": control.repeat,
    "break": control.leave,
    "continue": control.proceed,
    "sleep": times.sleep,
    "sleep_for": times.sleep_for,
    "sleep_until": times.sleep_until,
    "wait_for_signal": times.signal,
    "wait_for_schedule": times.schedule,
    "http": requests.http,
    "http_multipart": requests.http,
    "retry": native.retry,
    "timeout": native.limit,
    "try": native.attempt,
    "raise": native.fail_again,
    "foreach": native.foreach,
    "transaction": native.transaction,
    "call": native.call,
    "return": native.finish,
}


def translate(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Return the steps that a node becomes; what is wrong goes to the findings."""
    try:
        return _TRANSLATORS[node.kind](ctx, node, goal)
    except Given as problem:
        ctx.findings.append(problem.finding)
        return []
