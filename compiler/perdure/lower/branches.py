"""`if`, `parallel` and `race`."""

from __future__ import annotations

from collections.abc import Callable

from perdure.ir.expr import Reference
from perdure.ir.tree import Arm, Branch, Head, IfStep, ParallelStep, RaceStep, Step
from perdure.ir.types import JSONB, Variable
from perdure.lower.conditions import condition
from perdure.lower.ends import always_ends
from perdure.lower.origin import origin, sequence
from perdure.lower.scope import ROWS, WHOLE, Scope, place_of
from perdure.lower.types import carried_type
from perdure.lower.values import carried, read
from perdure.plan.query import Code, Piece, Query, ResultRef, StringLiteral
from perdure.plan.tree import If, Join, Node, Race, Sql

Lower = Callable[[Scope, tuple[Step, ...]], list[Node]]


def lower_if(scope: Scope, step: IfStep, steps: Lower) -> list[Node]:
    """Lower arms to nested conditions."""
    otherwise: Node | None = None
    if step.otherwise:
        inner = steps(scope, step.otherwise)
        otherwise = sequence(origin(step.head, "else"), inner)
    for arm in reversed(step.arms):
        otherwise = _arm(scope, step.head, arm, otherwise, steps)
    return [otherwise] if otherwise else []


def _arm(
    scope: Scope, head: Head, arm: Arm, otherwise: Node | None, steps: Lower
) -> Node:
    test = condition(scope, head, "condition", arm.condition)
    then = sequence(origin(head, "then"), steps(scope, arm.steps))
    return If(origin(head, "if"), test, then, otherwise)


def lower_parallel(scope: Scope, step: ParallelStep, steps: Lower) -> list[Node]:
    """Lower branches; one branch alone is a sequence."""
    where = origin(step.head, "parallel")
    inner = origin(step.head, "branch")
    branches = [sequence(inner, steps(scope, each.steps)) for each in step.branches]
    return branches if len(branches) == 1 else [Join(where, tuple(branches))]


def lower_race(scope: Scope, step: RaceStep, steps: Lower) -> list[Node]:
    """Lower branches; each ends with who won and what leaves it, if that is read."""
    where = origin(step.head, "race")
    exported = [
        name
        for name in dict.fromkeys(export.outside for export in step.exports)
        if scope.is_read(name)
    ]
    wanted = bool(exported) or scope.is_read(step.variable)
    branches = []
    for branch in step.branches:
        nodes = steps(scope, branch.steps)
        if wanted and not always_ends(branch.steps):
            nodes.append(_winner(scope, step, branch, exported))
        branches.append(sequence(origin(step.head, "branch"), nodes))
    result = _result(scope, step, exported) if wanted else None
    if len(branches) == 1 and result is None:
        return branches
    return [Race(where, tuple(branches), result)]


def _result(scope: Scope, step: RaceStep, exported: list[str]) -> str:
    return place_of(scope, exported[0] if exported else step.variable or "").result


def _winner(scope: Scope, step: RaceStep, branch: Branch, exported: list[str]) -> Sql:
    query: list[Piece] = [Code("select "), StringLiteral(branch.name)]
    query.append(Code("::text as winner"))
    for name in exported:
        inside = next(
            (
                scope.variables[export.inside]
                for export in step.exports
                if export.outside == name and export.branch == branch.name
            ),
            None,
        )
        query += _columns(scope, scope.variables[name], inside)
    return Sql(origin(step.head, "winner"), tuple(query))


def _columns(scope: Scope, outside: Variable, inside: Variable | None) -> Query:
    """Return what a name has after the race, typed nulls where its branch lost."""
    types = {field.name: field.type for field in outside.fields}
    query: list[Piece] = []
    for part, alias in place_of(scope, outside.id).columns.items():
        type = types.get(part)
        if inside is None:
            spelled = carried_type(type) if type else "text"
            value: Query = (Code(f"null::{spelled}"),)
        elif part in (ROWS, WHOLE):
            place = place_of(scope, inside.id)
            ref = ResultRef(
                place.result, place.columns[part], place.columns[part] is not None
            )
            value = (Code("("), ref, Code(")::text"))
        else:
            path = () if outside.kind == "value" else (part,)
            reference = Reference(inside.id, path, type or JSONB, nullable=True)
            value = carried(read(scope, reference), type or JSONB)
        query += [Code(", "), *value, Code(f" as {alias}")]
    return tuple(query)
