"""What a target cannot do and is not rewritten: refused, with the way out."""

from __future__ import annotations

from perdure.diagnostics import Diagnostic, error
from perdure.plan.target import Target
from perdure.plan.tree import Http, Node, Plan, Repeat, Sleep, Sql
from perdure.plan.walk import every
from perdure.targets.refuse_runs import refused_options, refused_run

_NEEDS = {
    "merge_returning": (
        "WF605",
        "the number of rows that a merge affects cannot be read",
        "merge has RETURNING, which counting needs, only from PostgreSQL 17 on",
        "count in the statement: with m as (merge ... returning 1) select count(*) ...",
    ),
    "utility_result": (
        "WF606",
        "the result of a statement that is no query cannot be read in this form",
        "it cannot stand in a WITH list, so its rows are neither counted nor converted",
        "call a function that returns what is needed: select ... from my_function()",
    ),
}

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def refused(plan: Plan, target: Target) -> list[Diagnostic]:
    """Return a finding per node that the target cannot do."""
    found: list[Diagnostic] = list(refused_options(plan, target))
    for node in every(plan.root):
        found += _everywhere(node)
        if not target.can("computed_time"):
            found += _time(node, target)
        found += refused_run(node, target)
        if not target.can("every_method") and isinstance(node, Http):
            found += _method(node, target)
    return found


def _everywhere(node: Node) -> list[Diagnostic]:
    if isinstance(node, Sql):
        return [_need(node, need) for need in node.needs]
    if isinstance(node, Http) and node.timeout % 1000:
        return [
            error(
                "WF602",
                node.origin.span,
                f"the timeout of a request is whole seconds, found {node.timeout} ms",
                help="round it up to a second",
            )
        ]
    return []


def _need(node: Sql, need: str) -> Diagnostic:
    code, message, reason, way_out = _NEEDS[need]
    return error(code, node.origin.span, message, reason, help=way_out)


def _time(node: Node, target: Target) -> list[Diagnostic]:
    match node:
        case Sleep(duration=int(length)) if length % 1000:
            what = "a sleep"
        case Repeat(every=int(length)) if length % 1000:
            what = '"every"'
        case _:
            return []
    return [
        error(
            "WF602",
            node.origin.span,
            f'{what} is whole seconds on target "{target}", found {length} ms',
            help='round it to a second, or use target "perdure"',
        )
    ]


def _method(node: Http, target: Target) -> list[Diagnostic]:
    if node.method in _METHODS:
        return []
    return [
        error(
            "WF608",
            node.origin.span,
            f'method {node.method} does not exist on target "{target}"',
            "its requests are " + ", ".join(_METHODS),
            help='use target "perdure", or ask with GET',
        )
    ]
