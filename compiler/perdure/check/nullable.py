"""WF301: a condition that may be null."""

from __future__ import annotations

from collections.abc import Iterator

from perdure.check.walk import conditions, every_step
from perdure.diagnostics import Diagnostic, warning
from perdure.ir.tree import Workflow


def nullable_condition(workflow: Workflow) -> Iterator[Diagnostic]:
    """Report conditions that may be null, which counts as false."""
    for step in every_step(workflow.steps):
        for condition in conditions(step):
            if condition.nullable:
                yield warning(
                    "WF301",
                    condition.span,
                    "this condition may be null, which counts as false",
                    help='say what null means: "coalesce(..., false)", or test it '
                    'with "is null"',
                )
