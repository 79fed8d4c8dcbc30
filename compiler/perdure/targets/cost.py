"""What a legal plan costs, by step: nodes, statements, and seconds that it waits.

On pg_durable every statement, a condition included, is a connection of its own and a
few writes of bookkeeping, and a round of a loop takes a second at least. The runtime of
Perdure has no such pace: what counts there is the number of nodes that run.

A step that goes through rows is a loop, or several as lanes, that takes one or more
rows a round: so many rows a second at most, whatever is done with a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from perdure.diagnostics import Diagnostic, warning
from perdure.plan.target import Target
from perdure.plan.tree import (
    Call,
    Foreach,
    Http,
    If,
    Join,
    Loop,
    Node,
    Origin,
    Plan,
    Race,
    Return,
    Seq,
    Sleep,
    SleepUntil,
    Sql,
)
from perdure.plan.walk import children, every

ROUND = 1.0
"""Seconds that a round of a loop of pg_durable takes at least."""

_SLOW = 2.0
"""Rows a second below which a step that goes through rows is reported."""


@dataclass(frozen=True, slots=True)
class StepCost:
    """What one step is on a target, the steps in it not counted.

    `seconds_per_round` is the least time of a round of its loop, and `rows_per_second`
    the most rows that it goes through; both are None where there is no such bound.
    """

    path: str
    name: str | None
    kind: str
    nodes: int
    statements: int
    seconds_per_round: float | None = None
    rows_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a workflow is on a target.

    `longest` is the most statements that run where no loop goes round twice;
    `seconds` the time that passes at least, sleeps included.
    """

    workflow: str
    target: str
    nodes: int
    statements: int
    longest: int
    seconds: float
    steps: tuple[StepCost, ...]


def cost_of(lowered: Plan, legal: Plan, target: Target) -> Cost:
    """Return the costs of a plan on a target.

    `lowered` is the plan before it was made legal, which tells what the steps are.
    """
    kinds: dict[str, Origin] = {}
    for node in every(lowered.root):
        kinds.setdefault(node.origin.path, node.origin)
    nodes: dict[str, list[Node]] = {}
    for node in every(legal.root):
        nodes.setdefault(node.origin.path, []).append(node)
    steps = tuple(
        _step(kinds.get(path, own[0].origin), own) for path, own in nodes.items()
    )
    return Cost(
        legal.workflow,
        str(target),
        sum(each.nodes for each in steps),
        sum(each.statements for each in steps),
        _longest(legal.root),
        _least(legal.root),
        steps,
    )


def _step(origin: Origin, own: list[Node]) -> StepCost:
    paced = any(isinstance(each, Loop) for each in own)
    rows = _rows_per_round(own)
    return StepCost(
        origin.path,
        origin.name,
        origin.role,
        len(own),
        sum(map(_statements, own)),
        ROUND if paced else None,
        rows / ROUND if rows else None,
    )


def _rows_per_round(own: Iterable[Node]) -> int:
    """Return how many rows the loops of a step take in a round, 0 without such.

    A body that stands in the graph several times has its loops as often; those that
    run at a time are the lanes of a join.
    """
    return max((_rows_taken(node) for node in own if _takes_rows(node)), default=0)


def _takes_rows(node: Node) -> bool:
    """Say whether a node is a loop through rows, or several at a time."""
    role = node.origin.role
    return (isinstance(node, Loop) and role == "items") or (
        isinstance(node, Join) and role == "lanes"
    )


def _rows_taken(node: Node) -> int:
    return sum(_takes_row(each, node.origin.path) for each in every(node))


def _takes_row(node: Node, path: str) -> bool:
    return (
        isinstance(node, Sql)
        and node.origin.role == "item"
        and node.origin.path == path
    )


def _statements(node: Node) -> int:
    """Return the statements that one node runs by itself."""
    match node:
        case Sql() | Http() | Return() | Call() | SleepUntil() | Foreach():
            return 1
        case Sleep(duration=Sql()):
            return 1
        case _:
            return 0


def _longest(node: Node) -> int:
    """Return the statements of the longest way through a node, loops once."""
    inner = children(node)
    own = _statements(node)
    match node:
        case If():
            test, *arms = (_longest(each) for each in inner)
            return test + max(arms)
        case _:
            return own + sum(_longest(each) for each in inner)


def _least(node: Node) -> float:
    """Return the seconds that pass at least on the quickest way through a node."""
    inner = children(node)
    match node:
        case Sleep(duration=int(length)):
            return length / 1000
        case If(otherwise=None):
            return 0.0
        case If():
            return min(_least(each) for each in inner[1:])
        case Join():
            return max(_least(each) for each in inner)
        case Race():
            return min(_least(each) for each in inner)
        case Seq():
            return sum(_least(each) for each in inner)
        case _:
            return 0.0


def slow_steps(legal: Plan, target: Target) -> list[Diagnostic]:
    """Return a finding per step that goes through rows more slowly than is meant."""
    steps: dict[str, list[Node]] = {}
    for node in every(legal.root):
        steps.setdefault(node.origin.path, []).append(node)
    found = []
    for own in steps.values():
        rows = _rows_per_round(own)
        if 0 < rows / ROUND < _SLOW:
            found.append(_slow(own[0].origin, rows / ROUND, target))
    return found


def _minutes(seconds: float) -> str:
    """Return a time in words, not too exact."""
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes"


def _slow(origin: Origin, rows: float, target: Target) -> Diagnostic:
    pace = "a second for each row" if rows == 1 else f"a second for {rows:g} rows"
    return warning(
        "WF631",
        origin.span,
        f'this takes {pace} at least on target "{target}"',
        "rows are taken by a loop, of which a round takes a second there: "
        f"a thousand rows take {_minutes(1000 / rows)}",
        help="write one statement for all rows, or raise `max_parallel`",
    )
