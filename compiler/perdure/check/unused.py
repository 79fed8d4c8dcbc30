"""WF240: inputs that nothing reads."""

from __future__ import annotations

from collections.abc import Iterator

from perdure.check.walk import every_step, option_references, references
from perdure.diagnostics import Diagnostic, warning
from perdure.ir import tree as ir


def unused_input(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report inputs that no step reads."""
    steps = every_step(workflow.steps)
    read = {reference.variable for step in steps for reference in references(step)}
    read |= {reference.variable for reference in option_references(workflow)}
    for each in workflow.inputs:
        if each.variable not in read:
            yield warning(
                "WF240",
                each.span,
                f'input "{each.name}" is never read',
                help="remove it, or read it in a step",
            )
