"""The limits of a runtime: nodes in a graph, and how deep they nest."""

from __future__ import annotations

from perdure.diagnostics import Diagnostic, error
from perdure.plan.target import Target
from perdure.plan.tree import Plan
from perdure.source import Span
from perdure.targets.walk import depth, every


def over_limits(plan: Plan, target: Target) -> list[Diagnostic]:
    """Return a finding per limit that a legal plan exceeds."""
    found = []
    size, deep = sum(1 for _ in every(plan.root)), depth(plan.root)
    way_out = "split the workflow in two"
    if size > target.max_nodes:
        message = (
            f'workflow "{plan.workflow}" has {size} nodes, '
            f'target "{target}" takes {target.max_nodes}'
        )
        found.append(error("WF607", _first_place(plan), message, help=way_out))
    if deep > target.max_depth:
        message = (
            f'workflow "{plan.workflow}" nests {deep} deep, '
            f'target "{target}" takes {target.max_depth}'
        )
        found.append(error("WF607", _first_place(plan), message, help=way_out))
    return found


def _first_place(plan: Plan) -> Span | None:
    spans = (node.origin.span for node in every(plan.root))
    return next((span for span in spans if span), None)
