"""Waits for signals through the inbox, because the extension drops early signals.

A sender puts the message into `perdure.inbox` and then wakes the run. The waiting side
looks into the inbox first, and again at every wake-up or re-check. A message belongs
to the wait that took it, known by a token, so that looking twice takes it once.
"""

from __future__ import annotations

from perdure.plan.query import Piece, ResultRef, StringLiteral
from perdure.plan.tree import Break, If, Loop, Node, Signal
from perdure.targets.helpers import (
    LONG,
    Fresh,
    as_role,
    in_order,
    run_id,
    sql,
    until,
)
from perdure.targets.walk import rebuilt


def lower_signals(node: Node, fresh: Fresh) -> Node:
    """Return a node whose waits look into the inbox."""
    if isinstance(node, Signal):
        return _wait(node, fresh)
    return rebuilt(node, lambda each: lower_signals(each, fresh))


def _wait(node: Signal, fresh: Fresh) -> Node:
    origin, name = node.origin, fresh.name("wait")
    columns = "select gen_random_uuid() as token"
    if node.timeout is not None:
        columns += (
            f", clock_timestamp() + interval '{node.timeout} seconds' as deadline"
        )
    begin = sql(origin, "begin", columns, result=name)
    look = If(
        as_role(origin, "look"),
        sql(origin, "taken", "select ", *_done(node, name), " as ok"),
        Break(as_role(origin, "break")),
        _asleep(node, name),
    )
    end = sql(
        origin,
        "message",
        "select coalesce(",
        *_take(node, name),
        ", jsonb_build_object('signal_name', ",
        StringLiteral(node.signal),
        ", 'timed_out', true, 'data', null))::text as signal",
        result=node.result,
    )
    return in_order(origin, begin, Loop(as_role(origin, "wait"), look), end)


def _take(node: Signal, name: str) -> tuple[str | Piece, ...]:
    """Return SQL of the message that this wait has, takes now, or null."""
    token = ResultRef(name, "token")
    return (
        "perdure.take_signal(",
        run_id(),
        ", ",
        StringLiteral(node.signal),
        ", (",
        token,
        ")::uuid)",
    )


def _done(node: Signal, name: str) -> tuple[str | Piece, ...]:
    taken = (*_take(node, name), " is not null")
    if node.timeout is None:
        return taken
    left = until(ResultRef(name, "deadline"))
    return (*taken, " or ", *left, " <= interval '0'")


def _asleep(node: Signal, name: str) -> Node:
    """Return the wait for a wake-up, which is shorter when the deadline is near."""
    long = Signal(as_role(node.origin, "signal"), node.signal, LONG)
    if node.timeout is None:
        return long
    left = until(ResultRef(name, "deadline"))
    far = sql(
        node.origin, "far", "select ", *left, f" > interval '{LONG} seconds' as ok"
    )
    short = Signal(as_role(node.origin, "signal"), node.signal, 1)
    return If(as_role(node.origin, "pace"), far, long, short)
