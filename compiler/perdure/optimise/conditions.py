"""One condition query instead of several.

An `if` that is all that another `if` guards is one `if` with both conditions. A chain
of many cases becomes a tree: a query tells whether it is one of the first half, so
that eight cases are three queries and not eight, and the graph is less deep.
"""

from __future__ import annotations

from dataclasses import replace

from perdure.optimise.queries import connected, is_safe
from perdure.optimise.report import Rewrite
from perdure.plan.tree import If, Node, Sql
from perdure.plan.walk import rebuilt

FEW = 4
"""Fewer cases stay a chain, of which the first are often the ones that happen."""


def merge(root: Node, done: list[Rewrite]) -> Node:
    """Return a node in which an `if` that holds nothing but an `if` is one."""
    node = rebuilt(root, lambda each: merge(each, done))
    match node:
        case If(then=If() as inner, otherwise=None) if (
            inner.otherwise is None
            and node.result is None
            and inner.result is None
            and is_safe(node.condition)
            and is_safe(inner.condition)
        ):
            query = connected([node.condition, inner.condition], "and")
            path = inner.origin.path
            why = f"its condition is asked with that of {node.origin.path}"
            done.append(Rewrite(path, "condition", why))
            return replace(node, condition=Sql(inner.origin, query), then=inner.then)
        case _:
            return node


def balance(root: Node, done: list[Rewrite]) -> Node:
    """Return a node in which long chains of `if` are trees."""
    match root:
        case If():
            arms, last = _chain(root)
            arms = [replace(arm, then=balance(arm.then, done)) for arm in arms]
            last = last and balance(last, done)
            if len(arms) < FEW:
                return _nested(arms, last)
            why = f"{len(arms)} conditions in a row: asked by halves"
            done.append(Rewrite(root.origin.path, "condition", why))
            return _tree(arms, last)
        case _:
            return rebuilt(root, lambda each: balance(each, done))


def _chain(node: If) -> tuple[list[If], Node | None]:
    """Return the arms of a chain that can be asked in any order, and what is left.

    The first arm may be any; those after it stand each in the `otherwise` of another.
    """
    arms = [node]
    if not is_safe(node.condition) or node.result is not None:
        return arms, node.otherwise
    last = node.otherwise
    while isinstance(last, If) and last.result is None and is_safe(last.condition):
        arms.append(last)
        last = last.otherwise
    return arms, last


def _nested(arms: list[If], last: Node | None) -> Node:
    node = last
    for arm in reversed(arms):
        node = replace(arm, otherwise=node)
    assert node is not None
    return node


def _tree(arms: list[If], last: Node | None) -> Node:
    """Return arms by halves: the first half holds one that is true, or the second."""
    if len(arms) < FEW:
        return _nested(arms, last)
    half = len(arms) // 2
    first, second = arms[:half], arms[half:]
    return _halved(first, _certain(first), _tree(second, last))


def _certain(arms: list[If]) -> Node:
    """Return arms of which one is true: the last one need not be asked."""
    if len(arms) == 1:
        return arms[0].then
    if len(arms) < FEW:
        return _nested(arms[:-1], arms[-1].then)
    first, second = arms[: len(arms) // 2], arms[len(arms) // 2 :]
    return _halved(first, _certain(first), _certain(second))


def _halved(first: list[If], then: Node, otherwise: Node) -> If:
    """Return what asks whether a condition of the first half is true."""
    query = connected([arm.condition for arm in first], "or")
    test = Sql(first[0].condition.origin, query)
    return If(first[0].origin, test, then, otherwise)
