"""Results that a join in a loop would lose.

When branches of a join end, their copies of all results are merged in the order of
the branches. In a loop, a later branch still has the previous round's copy of what an
earlier branch bound anew, and the merge puts it back. `foreach` and `retry` become
loops, and are looked at before they do.
"""

from __future__ import annotations

from perdure.diagnostics import Diagnostic, error
from perdure.plan.target import Target
from perdure.plan.tree import Foreach, Join, Loop, Node, Plan, Repeat, Retry
from perdure.plan.walk import bound, children, every, read

Again = Loop | Repeat | Foreach | Retry
"""What does the same steps once more, with the results of the time before."""


def stale_joins(plan: Plan, target: Target) -> list[Diagnostic]:
    """Return a finding per join whose results would be a round old."""
    if target.can("nary"):
        return []
    around = {
        id(join): (join, loop)
        for loop in every(plan.root)
        if isinstance(loop, Again)
        for join in _joins(loop)
    }
    found = [
        _finding(join, loop, target)
        for join, loop in around.values()
        if _loses(join, plan.root)
    ]
    return list(dict.fromkeys(found))


def _joins(node: Node) -> list[Join]:
    return [each for each in every(node) if isinstance(each, Join)]


def _loses(join: Join, root: Node) -> bool:
    early = set().union(*(bound(branch) for branch in join.branches[:-1]))
    inside = {id(each) for each in every(join)}
    after = set().union(
        *(read(each) for each in every(root) if id(each) not in inside and _leaf(each))
    )
    return bool(early & after)


def _leaf(node: Node) -> bool:
    return not children(node)


def _finding(join: Join, loop: Again, target: Target) -> Diagnostic:
    where, age = _words(loop)
    return error(
        "WF604",
        join.origin.span,
        f"results of a `parallel` in {where} would be {age} after it on target "
        f'"{target}"',
        "the runtime merges the branches' results with stale copies",
        help="read them inside of their branch, keep them in a table, or use target "
        '"perdure"',
    )


def _words(loop: Again) -> tuple[str, str]:
    match loop:
        case Foreach():
            return "a `foreach`", "those of an earlier item"
        case Retry():
            return "a block with `retry`", "those of an earlier attempt"
        case _:
            return "a loop", "a round old"
