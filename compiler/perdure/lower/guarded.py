"""What any step may have: `when`, `timeout`, and `undo`.

`undo` needs no table of its own: what follows the step in its list becomes the body of
a `try`, whose handler takes the step back and fails again. So the undos of a list run
in reverse order, and those of the lists around it after them. The rejected way, a
stack of undos that the run carries, needs a runtime that knows of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from perdure.ir.tree import Head, Step
from perdure.lower.branches import Lower
from perdure.lower.conditions import condition
from perdure.lower.origin import origin, sequence
from perdure.lower.scope import ROWS, WHOLE, Scope, parts_of, place_of
from perdure.lower.types import carried_type
from perdure.plan.query import Code, Piece, Query, ResultRef
from perdure.plan.tree import If, Node, Origin, Raise, Second, Sql, Timeout, Try

# --- timeout and when -----------------------------------------------------------


def guarded(scope: Scope, head: Head, nodes: list[Node], ran: str | None) -> list[Node]:
    """Return the nodes of a step with its timeout, and under its condition.

    `ran` is the name of a result that tells afterwards whether the step ran.
    """
    if head.timeout is not None and nodes:
        inner = sequence(origin(head, "timed"), nodes)
        nodes = [Timeout(origin(head, "timeout"), inner, head.timeout)]
    if head.when is None:
        return nodes
    skipped = _absent(scope, head)
    if ran is not None:
        nodes = [*nodes, _flag(head, ran, "true")]
        skipped.append(_flag(head, ran, "false"))
    if not nodes and not skipped:
        return []
    test = condition(scope, head, "when", head.when)
    then = sequence(origin(head, "then"), nodes)
    otherwise = sequence(origin(head, "skipped"), skipped) if skipped else None
    return [If(origin(head, "if"), test, then, otherwise)]


def _flag(head: Head, name: str, value: str) -> Sql:
    return Sql(origin(head, "ran"), (Code(f"select {value} as ok"),), name)


def _absent(scope: Scope, head: Head) -> list[Node]:
    """Return what binds nulls to the names of a step that is skipped.

    Without it a loop would read what the step gave in an earlier round.
    """
    results: dict[str, list[Piece]] = {}
    for variable in head.absent:
        if not scope.is_read(variable):
            continue
        place = place_of(scope, variable)
        columns = results.setdefault(place.result, [])
        known = scope.variables[variable]
        types = {field.name: field.type for field in known.fields}
        for part in parts_of(known, scope.reads[variable]):
            alias, spelled = place.columns[part] or "nothing", "text"
            if part not in (ROWS, WHOLE):
                spelled = carried_type(types[part])
            value = "'[]'" if part == ROWS else "null"
            columns.append(Code(f"{', ' if columns else ''}{value}::{spelled} as "))
            columns.append(Code(alias))
    return [
        Sql(origin(head, "skipped"), (Code("select "), *columns), result)
        for result, columns in results.items()
    ]


# --- undo -----------------------------------------------------------------------


def undoable(
    scope: Scope,
    step: Step,
    rest: Sequence[Step],
    ran: str | None,
    steps: Lower,
) -> list[Node]:
    """Return what follows a step with `undo` in its list, and takes it back."""
    head = step.head
    assert head.undo is not None
    following = steps(scope, tuple(rest))
    if not following:
        return []
    failed, failed_undo = scope.names.fresh("error"), scope.names.fresh("error")
    undo = sequence(origin(head, "undo"), steps(scope, head.undo))
    what = f'The undo of step "{head.name or head.path}"'
    both = both_failed(scope, origin(head, "undo"), failed, failed_undo, what)
    taken_back: Node = Try(origin(head, "undo"), undo, failed_undo, both, None)
    if ran is not None:
        test = Sql(origin(head, "ran"), _has_run(ran))
        taken_back = If(origin(head, "undo"), test, taken_back, None)
    again = Raise(origin(head, "again"), failed)
    handler = sequence(origin(head, "undo"), [taken_back, again])
    body = sequence(origin(head, "scope"), following)
    return [Try(origin(head, "scope"), body, failed, handler, None)]


def ran_name(scope: Scope, step: Step) -> str | None:
    """Return a name for whether a step ran, if its undo has to know."""
    if step.head.undo is None or step.head.when is None:
        return None
    return scope.names.fresh("ran")


def _has_run(ran: str) -> Query:
    ref = ResultRef(ran, "ok", optional=True)
    return (Code("select coalesce(("), ref, Code(")::boolean, false) as ok"))


def both_failed(
    scope: Scope, where: Origin, failed: str, handler: str, what: str
) -> Raise:
    """Return what fails with an error, and tells that what handled it failed, too."""
    second = Second(handler, what, scope.names.fresh("error"))
    return Raise(where, failed, second)
