"""Pieces that rewriting is made of: queries about time, nodes in order, new names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perdure.plan.query import Code, Piece, ResultRef, RunRef
from perdure.plan.tree import If, Loop, Node, Origin, Seq, Sleep, Sql

LONG = 60
"""Seconds of one wait while a deadline is far; near it, one waits by the second."""


@dataclass(slots=True)
class Fresh:
    """Hands out names of results; lowering's begin with another letter."""

    count: int = 0

    def name(self, what: str) -> str:
        """Return a new name."""
        self.count += 1
        return f"w{self.count}_{what}"


def as_role(origin: Origin, role: str) -> Origin:
    """Return the origin of a node that serves a step in another way."""
    return Origin(origin.path, role, origin.name, origin.span)


def sql(
    origin: Origin, role: str, *pieces: str | Piece, result: str | None = None
) -> Sql:
    """Return a query of code and references."""
    query = tuple(Code(each) if isinstance(each, str) else each for each in pieces)
    return Sql(as_role(origin, role), query, result)


def nothing(origin: Origin) -> Sql:
    """Return a node without effect."""
    return sql(origin, "nothing", "select 1 as nothing")


def run_id() -> RunRef:
    """Return the id of the run."""
    return RunRef("id")


def in_order(origin: Origin, *nodes: Node) -> Node:
    """Return nodes in order, sequences among them flattened."""
    flat = flattened(nodes)
    return flat[0] if len(flat) == 1 else Seq(origin, flat)


def flattened(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Return nodes in order, with those of sequences among them in their place."""
    flat: list[Node] = []
    for node in nodes:
        flat += node.nodes if isinstance(node, Seq) and not node.result else [node]
    return tuple(flat)


def until(deadline: ResultRef) -> tuple[str | Piece, ...]:
    """Return SQL of the time that is left."""
    return ("(", deadline, ")::timestamptz - clock_timestamp()")


def end_of_sleep(origin: Origin, duration: Sql, result: str | None = None) -> Sql:
    """Return the query of when a computed sleep ends, as text in `at`."""
    return _end(origin, "sleep", "duration", duration, result)


def end_of_wait(origin: Origin, time: Sql, result: str | None = None) -> Sql:
    """Return the query of when a wait for a time ends, as text in `at`.

    A time that cannot be waited for fails there: the extension cannot take it.
    """
    return _end(origin, "wait", "at", time, result)


def _end(origin: Origin, what: str, column: str, query: Sql, result: str | None) -> Sql:
    head = f"select perdure.end_of_{what}(d.{column}) as at\nfrom ("
    return sql(origin, "deadline", head, *query.query, ") as d", result=result)


def wait_until(origin: Origin, deadline: ResultRef) -> Node:
    """Return a wait until a time: by the minute while it is far, then by the second."""
    left = until(deadline)
    step = If(
        as_role(origin, "pace"),
        sql(origin, "far", "select ", *left, f" > interval '{LONG} seconds' as ok"),
        Sleep(as_role(origin, "sleep"), LONG * 1000),
        Sleep(as_role(origin, "sleep"), 1000),
    )
    ahead = sql(origin, "ahead", "select ", *left, " > interval '0' as ok")
    return If(
        as_role(origin, "wait"),
        ahead,
        Loop(as_role(origin, "wait"), step, ahead),
        nothing(origin),
    )
