"""Joins, races and sequences that are the whole of a branch of another one."""

from __future__ import annotations

from dataclasses import replace

from perdure.optimise.report import Rewrite
from perdure.plan.tree import Join, Node, Race, Seq
from perdure.plan.walk import rebuilt


def flatten(root: Node, done: list[Rewrite]) -> Node:
    """Return a node without joins in joins, races in races, sequences in sequences.

    All end at the same time, fail for the same reasons and bind the same names in the
    same order. One whose own result is read stays.
    """
    node = rebuilt(root, lambda each: flatten(each, done))
    match node:
        case Join(branches=branches):
            return replace(node, branches=_flat(branches, Join, done))
        case Race(branches=branches, result=None):
            return replace(node, branches=_flat(branches, Race, done))
        case Seq(nodes=nodes):
            return replace(node, nodes=_sequence(nodes))
        case _:
            return node


def _flat(
    branches: tuple[Node, ...], kind: type[Join | Race], done: list[Rewrite]
) -> tuple[Node, ...]:
    flat: list[Node] = []
    for branch in branches:
        if isinstance(branch, kind) and branch.result is None:
            word = "parallel" if kind is Join else "race"
            why = f"its branches are branches of the `{word}` around it"
            done.append(Rewrite(branch.origin.path, "flatten", why))
            flat += branch.branches
        else:
            flat.append(branch)
    return tuple(flat)


def _sequence(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    flat: list[Node] = []
    for node in nodes:
        flat += node.nodes if isinstance(node, Seq) and not node.result else [node]
    return tuple(flat)
