"""Nodes that do nothing: where steps are nothing but values that need no node."""

from __future__ import annotations

from dataclasses import replace

from perdure.optimise.queries import is_safe
from perdure.optimise.report import Rewrite
from perdure.plan.query import Code
from perdure.plan.tree import If, Join, Node, Origin, Seq, Sql
from perdure.plan.walk import rebuilt

_NOTHING = (Code("select 1 as nothing"),)


def without_empty(root: Node, done: list[Rewrite]) -> Node:
    """Return a node without what has no effect and gives nothing that is read.

    The last node of a sequence stays: its result may be that of the sequence.
    """
    node = rebuilt(root, lambda each: without_empty(each, done))
    match node:
        case If(then=then, otherwise=otherwise, result=None):
            return _if(node, then, otherwise, done)
        case Join(branches=branches, result=None):
            left = tuple(each for each in branches if not is_nothing(each))
            if len(left) == len(branches):
                return node
            why = "a branch has nothing to do: left out"
            done.append(Rewrite(node.origin.path, "empty", why))
            return _joined(node, left)
        case Seq(nodes=nodes):
            left = tuple(each for each in nodes[:-1] if not is_nothing(each))
            return replace(node, nodes=(*left, nodes[-1]))
        case _:
            return node


def is_nothing(node: Node) -> bool:
    """Say whether a node has no effect, and no name."""
    return isinstance(node, Sql) and node.query == _NOTHING and node.result is None


def _if(node: If, then: Node, otherwise: Node | None, done: list[Rewrite]) -> Node:
    if otherwise is not None and is_nothing(otherwise):
        otherwise = None
        node = replace(node, otherwise=None)
    if otherwise is None and is_nothing(then) and is_safe(node.condition):
        why = "no arm has anything to do: left out"
        done.append(Rewrite(node.origin.path, "empty", why))
        return _nothing(node.origin)
    return node


def _joined(node: Join, left: tuple[Node, ...]) -> Node:
    if not left:
        return _nothing(node.origin)
    return left[0] if len(left) == 1 else replace(node, branches=left)


def _nothing(origin: Origin) -> Sql:
    return Sql(origin, _NOTHING)
