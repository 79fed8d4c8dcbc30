"""The limits of a runtime: nodes in a graph, and how deep they nest."""

from __future__ import annotations

from perdure.diagnostics import Diagnostic, error
from perdure.plan.target import Target
from perdure.plan.tree import Plan
from perdure.plan.walk import depth, every
from perdure.source import Span


def too_many(plan: Plan, target: Target) -> list[Diagnostic]:
    """Return a finding when a graph has more nodes than the target takes."""
    size = sum(1 for _ in every(plan.root))
    if size <= target.max_nodes:
        return []
    return [_finding(plan, f"has {size} nodes", target, target.max_nodes)]


def too_deep(plan: Plan, target: Target) -> list[Diagnostic]:
    """Return a finding when a graph nests deeper than the target takes."""
    deep = depth(plan.root)
    if deep <= target.max_depth:
        return []
    return [_finding(plan, f"nests {deep} deep", target, target.max_depth)]


def _finding(plan: Plan, what: str, target: Target, limit: int) -> Diagnostic:
    return error(
        "WF607",
        _first_place(plan),
        f'workflow "{plan.workflow}" {what}, target "{target}" takes {limit}',
        help="split the workflow in two",
    )


def _first_place(plan: Plan) -> Span | None:
    spans = (node.origin.span for node in every(plan.root))
    return next((span for span in spans if span), None)
