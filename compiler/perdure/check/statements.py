"""WF411 and WF412: statements that probably do more than was meant."""

from __future__ import annotations

from collections.abc import Iterator

from perdure.check.walk import every_step
from perdure.diagnostics import Diagnostic, warning
from perdure.ir import tree as ir


def missing_where(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report `update` and `delete` of a whole table."""
    for step in _statements(workflow):
        kind = step.facts.kind
        if kind in ("update", "delete") and not step.facts.has_where:
            yield warning(
                "WF411",
                step.statement.span,
                f"`{kind}` without `where` changes every row of the table",
                help="add `where`; if every row is meant, say so: `where true`",
            )


def captured_star(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report `select *` in a step whose result is kept."""
    for step in _statements(workflow):
        if step.variable is not None and step.facts.star:
            yield warning(
                "WF412",
                step.statement.span,
                f'step "{step.head.name}" keeps every column of its rows',
                "a column that is added to the table later changes the workflow",
                help="name the columns that are read: "
                + ", ".join(field.name for field in step.columns),
            )


def _statements(workflow: ir.Workflow) -> Iterator[ir.SqlStep]:
    return (s for s in every_step(workflow.steps) if isinstance(s, ir.SqlStep))
