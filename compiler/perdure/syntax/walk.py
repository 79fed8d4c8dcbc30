"""Visit the steps of a workflow, whatever constructs they stand in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from perdure.syntax.tree import Head, Step, Workflow


def walk(workflow: Workflow) -> Iterator[Step]:
    """Yield every step, outer before inner, in the order of the file."""
    for step in workflow.steps:
        yield from _below(step)


def _below(node: Any) -> Iterator[Any]:
    if isinstance(node, tuple):
        for item in node:
            yield from _below(item)
    elif is_dataclass(node) and not isinstance(node, (type, Head)):
        names = [each.name for each in fields(node)]
        if "head" in names:
            yield node
        for name in names:
            yield from _below(getattr(node, name))
