"""Syntax tree to IR: names bound, types on everything, defaults filled.

    inputs ──> scope ──> sequence ──> one module per construct or theme
                            │             sql_step  waits  control
                            │
                            ├── statements   SQL with references, described
                            ├── expressions  printed, typed, told nullable or not
                            └── values       templates and JSON

Everything that PostgreSQL knows is asked of the catalog: no type is guessed. Wrong
steps are left out and their names become unknown, so that one mistake gives one
finding; a workflow with an error has no IR.
"""

from __future__ import annotations

from perdure.catalog.model import Catalog
from perdure.diagnostics import Diagnostic
from perdure.ir import tree as ir
from perdure.resolve.context import Context, Heads
from perdure.resolve.inputs import resolve_inputs
from perdure.resolve.prescan import step_names
from perdure.resolve.sequence import report_missing_return, resolve_steps
from perdure.resolve.types import resolve_type
from perdure.syntax import tree as syntax

__all__ = ["resolve"]


def resolve(
    workflow: syntax.Workflow, catalog: Catalog
) -> tuple[ir.Workflow | None, list[Diagnostic]]:
    """Return the IR of a workflow, None when there is an error, and the findings."""
    names = step_names(workflow)
    heads: Heads = {}
    while True:
        context = Context(catalog, heads, names, frozenset(workflow.unread))
        resolved = _pass(context, workflow)
        if not context.learnt:
            break
    wrong = any(finding.severity == "error" for finding in context.diagnostics)
    return (None if wrong else resolved), context.diagnostics


def _pass(context: Context, workflow: syntax.Workflow) -> ir.Workflow:
    written = workflow.returns
    if written is not None:
        context.returns = resolve_type(context, written)
        context.returns_nullable = written.nullable
    inputs, env = resolve_inputs(context, workflow.inputs)
    steps, end = resolve_steps(context, env, workflow.steps, "steps")
    report_missing_return(context, workflow, end)
    return ir.Workflow(
        workflow.name.text,
        inputs,
        context.returns,
        context.returns is not None and context.returns_nullable,
        steps,
        tuple(context.variables.values()),
        workflow.path,
        workflow.description,
    )
