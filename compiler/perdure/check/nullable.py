"""WF301: a condition that may be null."""

from __future__ import annotations

from collections.abc import Iterator

from perdure.check.walk import conditions, every_step, in_expression
from perdure.diagnostics import Diagnostic, warning
from perdure.diagnostics.wording import worded
from perdure.ir.expr import Expression
from perdure.ir.tree import Workflow


def nullable_condition(workflow: Workflow) -> Iterator[Diagnostic]:
    """Report conditions that may be null, which counts as false."""
    names = {variable.id: variable.name for variable in workflow.variables}
    for step in every_step(workflow.steps):
        for condition in conditions(step):
            if condition.nullable:
                yield warning(
                    "WF301",
                    condition.span,
                    "this condition may be null, which counts as false",
                    *_causes(names, condition),
                    help='say what null means: "coalesce(..., '
                    f'{worded(condition.span, "false", "False")})", or test it '
                    f'with "{worded(condition.span, "is null", "is None")}"',
                )


def _causes(names: dict[str, str], condition: Expression) -> list[str]:
    """Return a note with the values of the condition that may be null."""
    found = [
        ".".join((names[reference.variable], *reference.path))
        for reference in in_expression(condition)
        if reference.nullable
    ]
    return [f"may be null: {', '.join(dict.fromkeys(found))}"] if found else []
