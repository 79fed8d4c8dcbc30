"""Limits of runs: a turn to wait for, and a time after which the run fails.

A run that has no turn yet asks for it every second. The one before it gives nothing
back: that it has ended is enough. The time of a run is a race of all its steps with a
timer; a statement in progress may still commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perdure.plan.query import Piece, StringLiteral
from perdure.plan.tree import Node, Origin, Plan, Race, Repeat, Seq, Sleep
from perdure.targets.helpers import as_role, in_order, run_id, sql

TIMER = "timer"
"""The role of the branch of a race that is a timer."""


def lower_limits(plan: Plan, calls: bool) -> Plan:
    """Return a plan that waits for its turn first, and ends when its time is over.

    `calls` says that it waits for other runs, which then end, too.
    """
    root = plan.root
    options = plan.options
    origin = Origin("steps", "workflow")
    if options.limit is not None:
        bound = replace(origin, span=options.limit_span)
        root = in_order(root.origin, _turn(plan, options.limit, bound), root)
    if options.timeout is not None:
        query = ("select perdure.cancel_called(", run_id(), " || '/') as ok")
        cancel = [sql(origin, "cancel", *query)] if calls else []
        root = timed(origin, root, options.timeout, cancel, "the run")
    return replace(plan, root=root)


def _turn(plan: Plan, limit: int, origin: Origin) -> Node:
    key: tuple[str | Piece, ...] = (StringLiteral(plan.workflow),)
    if plan.options.limit_key is not None:
        own = StringLiteral(f"{plan.workflow}/")
        key = (own, " || (", *plan.options.limit_key, ")::text")
    wait = sql(
        origin,
        "turn",
        "select not perdure.take_turn(",
        run_id(),
        ", ",
        *key,
        f", {limit}) as ok",
    )
    pause = Sleep(as_role(origin, "turn"), 1000)
    return Repeat(as_role(origin, "turn"), pause, while_=wait)


def timed(
    origin: Origin,
    node: Node,
    after: int,
    cancel: Sequence[Node] = (),
    what: str | None = None,
) -> Race:
    """Return a race of a node with a timer that fails; `cancel` comes before that.

    `what` is the subject of the message.
    """
    seconds = -(-after // 1000)
    subject = f", '{what}'" if what else ""
    query = f"select perdure.time_out('{_shown(after)}'{subject}) as ok"
    late = sql(origin, "timeout", query)
    sleep = Sleep(as_role(origin, "timer"), seconds * 1000)
    return Race(origin, (node, Seq(as_role(origin, TIMER), (sleep, *cancel, late))))


def _shown(milliseconds: int) -> str:
    """Return a time as PostgreSQL shows an interval."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours:02}:{minutes:02}:{seconds:02}"
    return f"{text}.{rest:03}".rstrip("0") if rest else text
