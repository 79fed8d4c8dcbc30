"""Visit the steps of a workflow, whatever constructs they stand in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from perdure.syntax.tree import Head, Step, Workflow


def walk(workflow: Workflow) -> Iterator[Step]:
    """Yield every step, outer before inner, in the order of the file."""
    yield from below(workflow.steps)
    if workflow.options is not None:
        yield from below(workflow.options.on_failure or ())


def below(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Yield every step of a list, outer before inner."""
    yield from _below(steps)


def _below(node: Any) -> Iterator[Any]:
    if isinstance(node, Head):
        yield from _below(node.undo)
        return
    if hasattr(node, "head"):
        yield node
    for each in children(node):
        yield from _below(each)


def children(node: Any) -> Iterator[Any]:
    """Yield what stands directly in a part of a tree: its items, or its members."""
    if isinstance(node, tuple | list):
        yield from node
    elif is_dataclass(node) and not isinstance(node, type):
        yield from (getattr(node, each.name) for each in fields(node))
