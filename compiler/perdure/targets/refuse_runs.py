"""What only a runtime with runs of runs, options and secrets can do."""

from __future__ import annotations

from collections.abc import Iterator

from perdure.diagnostics import Diagnostic, error
from perdure.plan.query import SecretRef
from perdure.plan.target import Target
from perdure.plan.tree import Http, Node, Plan
from perdure.plan.walk import every
from perdure.source import Span


def refused_run(node: Node, target: Target) -> Iterator[Diagnostic]:
    """Yield a finding for a secret."""
    if isinstance(node, Http) and not target.can("secrets"):
        texts = [node.url, node.body or (), *(value for _, value in node.headers)]
        if any(isinstance(piece, SecretRef) for text in texts for piece in text):
            yield error(
                "WF612",
                node.origin.span,
                f'target "{target}" cannot keep a secret',
                "the value would be stored with the graph",
                help='send the request from a workflow for target "perdure"',
            )


def refused_options(plan: Plan, target: Target) -> Iterator[Diagnostic]:
    """Yield a finding for each key of the workflow that the target does not have."""
    if target.can("options"):
        return
    options = plan.options
    given = {
        "role": (options.role is not None, options.role_span),
        "search_path": (plan.search_path != "public", options.search_path_span),
    }
    for name, (is_given, span) in given.items():
        if is_given:
            yield error(
                "WF611",
                span or _place(plan),
                f'"{name}" does not exist on target "{target}"',
                _WHY[name],
                help=f'use target "perdure", or leave out "{name}"',
            )


_WHY = {
    "role": "there a run belongs to who is logged in",
    "search_path": "there steps see the search path of the role that runs them",
}


def _place(plan: Plan) -> Span | None:
    spans = (node.origin.span for node in every(plan.root))
    return next((span for span in spans if span), None)
