"""WF301: a condition that may be null."""

from __future__ import annotations

from collections.abc import Iterator

from perdure.check.walk import conditions, every_step
from perdure.diagnostics import Diagnostic
from perdure.diagnostics.nulls import null_condition
from perdure.ir.tree import Workflow


def nullable_condition(workflow: Workflow) -> Iterator[Diagnostic]:
    """Report conditions that may be null, which counts as false."""
    for step in every_step(workflow.steps):
        for condition in conditions(step):
            if condition.nullable:
                yield null_condition(condition.span, condition.causes)
