"""Where a plan node came from."""

from __future__ import annotations

from perdure.ir.tree import Head
from perdure.plan.query import Code
from perdure.plan.tree import Node, Origin, Seq, Sql


def origin(head: Head, role: str) -> Origin:
    """Return the origin of a node of a step."""
    return Origin(head.path, role, head.name, head.span)


def sequence(where: Origin, nodes: list[Node]) -> Node:
    """Return nodes in order; one node is itself, none is a query without effect."""
    if not nodes:
        return Sql(where, (Code("select 1 as nothing"),))
    return nodes[0] if len(nodes) == 1 else Seq(where, tuple(nodes))
