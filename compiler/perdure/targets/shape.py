"""The shape that a target's node functions take: how many arguments, and no fewer."""

from __future__ import annotations

from dataclasses import replace

from perdure.plan.target import Target
from perdure.plan.tree import If, Join, Loop, Node, Plan, Race, Seq
from perdure.plan.walk import rebuilt
from perdure.targets.helpers import as_role, flattened, in_order, nothing


def shaped(plan: Plan, target: Target) -> Plan:
    """Return a plan whose nodes have as many arguments as the target takes.

    Long chains become balanced trees, so that a workflow's length counts against the
    number of nodes and not against their depth.
    """
    root = _node(plan.root, target)
    if not target.can("nary") and isinstance(plan.root, Loop):
        first = nothing(as_role(plan.root.origin, "workflow"))
        root = _balanced(in_order(plan.root.origin, first, root), target)
    return replace(plan, root=root)


def _node(node: Node, target: Target) -> Node:
    node = rebuilt(node, lambda each: _node(each, target))
    match node:
        case Seq(nodes=nodes):
            return _balanced(replace(node, nodes=flattened(nodes)), target)
        case Join() | Race():
            return _balanced(node, target)
        case If(otherwise=None) if not target.can("nary"):
            return replace(node, otherwise=nothing(node.origin))
        case _:
            return node


def _balanced(node: Node, target: Target) -> Node:
    match node:
        case Seq(nodes=nodes) if len(nodes) > target.max_arguments:
            return replace(node, nodes=_grouped(node, nodes, target))
        case Join(branches=nodes) | Race(branches=nodes) if (
            len(nodes) > target.max_arguments
        ):
            return replace(node, branches=_grouped(node, nodes, target))
        case Join(branches=(only,)) | Race(branches=(only,)) if not target.can("nary"):
            return _single(node, only)
        case _:
            return node


def _single(node: Join | Race, only: Node) -> Node:
    """Return the only branch, under the name that the whole had."""
    if node.result is None:
        return only
    if isinstance(only, Seq):
        return replace(only, result=node.result)
    return Seq(node.origin, (nothing(node.origin), only), node.result)


def _grouped(
    whole: Seq | Join | Race, nodes: tuple[Node, ...], target: Target
) -> tuple[Node, ...]:
    """Return as many groups of about the same size as the target takes arguments."""
    count = target.max_arguments
    size, more = divmod(len(nodes), count)
    groups, at = [], 0
    for index in range(count):
        end = at + size + (index < more)
        groups.append(_group(whole, nodes[at:end], target))
        at = end
    return tuple(group for group in groups if group is not None)


def _group(
    whole: Seq | Join | Race, nodes: tuple[Node, ...], target: Target
) -> Node | None:
    if len(nodes) <= 1:
        return nodes[0] if nodes else None
    match whole:
        case Seq(origin=origin):
            return _balanced(Seq(origin, nodes), target)
        case Join(origin=origin):
            return _balanced(Join(origin, nodes), target)
        case Race(origin=origin):
            return _balanced(Race(origin, nodes), target)
