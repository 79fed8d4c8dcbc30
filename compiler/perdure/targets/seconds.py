"""Failures that come of handling another one, where errors are results.

The first error counts: its message, SQLSTATE and step. Its detail tells of the second.
The rejected way was a statement that raises it: the error was one of the step whose
undo it was then, and its kind was lost.
"""

from __future__ import annotations

from perdure.plan.query import Piece, ResultRef, StringLiteral
from perdure.plan.tree import Node, Raise, Second, Seq
from perdure.plan.walk import rebuilt
from perdure.targets.helpers import sql


def with_seconds(root: Node) -> Node:
    """Return a plan in which an error and a second one are made one before it fails."""
    root = rebuilt(root, with_seconds)
    if not isinstance(root, Raise) or root.second is None:
        return root
    role = root.origin.role
    first = sql(root.origin, role, *_query(root, root.second), result=root.second.both)
    return Seq(root.origin, (first, root))


def _query(node: Raise, second: Second) -> tuple[str | Piece, ...]:
    def text(name: str, column: str, after: str) -> tuple[str | Piece, ...]:
        return ("(", ResultRef(name, column), f")::text{after}")

    return (
        "select ",
        *text(node.error, "node", " as node, "),
        *text(node.error, "message", " as message,\n  "),
        *text(node.error, "sqlstate", " as sqlstate, "),
        *text(node.error, "kind", " as kind,\n  perdure.both_failed("),
        *text(node.error, "message", ", "),
        *text(node.error, "detail", ",\n    "),
        *text(second.error, "message", ", "),
        *text(second.error, "sqlstate", ", "),
        StringLiteral(second.what),
        ") as detail",
    )
