"""Waits for signals through the inbox, because the extension drops early signals.

A sender puts the message into `perdure.inbox` and then wakes the run. The waiting side
looks into the inbox first, and again at every wake-up or re-check. A message belongs
to the wait that took it, known by a token, so that looking twice takes it once.

A wake-up is lost when it comes between a look and the wait after it. The next re-check
makes good for it, so the first ones, when signals to a new run are likely, follow each
other quickly; later ones come by the minute, to cost little.
"""

from __future__ import annotations

from dataclasses import replace

from perdure.plan.query import Code, Piece, ResultRef, StringLiteral
from perdure.plan.tree import Break, If, Loop, Node, Signal, Sql
from perdure.plan.walk import rebuilt
from perdure.targets.helpers import (
    LONG,
    Fresh,
    as_role,
    in_order,
    run_id,
    sql,
    until,
)

SOON = 5
"""Seconds at the beginning of a wait during which it looks again every second."""


def lower_signals(node: Node, fresh: Fresh) -> Node:
    """Return a node whose waits look into the inbox."""
    if isinstance(node, Signal):
        return _wait(node, fresh)
    if isinstance(node, Sql) and Code("select df.signal(") in node.query:
        query = tuple(map(_to_inbox, node.query))
        return replace(node, query=(*query[:-1], Code("::jsonb)")))
    return rebuilt(node, lambda each: lower_signals(each, fresh))


def _to_inbox(piece: Piece) -> Piece:
    sends = piece == Code("select df.signal(")
    return Code("select perdure.signal(") if sends else piece


def _wait(node: Signal, fresh: Fresh) -> Node:
    origin, name = node.origin, fresh.name("wait")
    columns = (
        "select gen_random_uuid() as token"
        f", clock_timestamp() + interval '{SOON} seconds' as settled"
    )
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
    """Return the wait for a wake-up, short at first and when the deadline is near."""
    origin = node.origin
    far: tuple[str | Piece, ...] = (
        "clock_timestamp() > (",
        ResultRef(name, "settled"),
        ")::timestamptz",
    )
    if node.timeout is not None:
        left = until(ResultRef(name, "deadline"))
        far = (*far, " and ", *left, f" > interval '{LONG} seconds'")
    return If(
        as_role(origin, "pace"),
        sql(origin, "far", "select ", *far, " as ok"),
        Signal(as_role(origin, "signal"), node.signal, LONG),
        Signal(as_role(origin, "signal"), node.signal, 1),
    )
