"""The passes over a plan, in order."""

from __future__ import annotations

from dataclasses import replace

from perdure.optimise.conditions import balance, merge
from perdure.optimise.empty import without_empty
from perdure.optimise.flatten import flatten
from perdure.optimise.report import Rewrite
from perdure.plan.tree import If, Node, Plan
from perdure.plan.walk import children, depth

PASSES = (without_empty, flatten, merge)
DEEPEST = 200
"""Deeper plans stay as they are, because the passes recurse; targets refuse them."""


def improve(plan: Plan) -> tuple[Plan, list[Rewrite]]:
    """Return a plan with fewer nodes that means the same, before any target.

    Long chains come first: as a tree they are not deep, and may be walked.
    """
    done: list[Rewrite] = []
    if _steepness(plan.root) > DEEPEST:
        return plan, done
    root = balance(plan.root, done)
    if depth(root) <= DEEPEST:
        for each in PASSES:
            root = each(root, done)
    return replace(plan, root=root), done


def _steepness(root: Node) -> int:
    """Return how deep a plan is when a chain of `if` counts as one level."""
    left, deepest = [(root, 1)], 1
    while left:
        node, level = left.pop()
        deepest = max(deepest, level)
        for each in children(node):
            chained = isinstance(node, If) and each is node.otherwise
            left.append((each, level + (not chained)))
    return deepest
