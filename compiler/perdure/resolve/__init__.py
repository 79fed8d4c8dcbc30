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
from perdure.diagnostics import Diagnostic, error
from perdure.ir import tree as ir
from perdure.ir.callee import Alone, Callee, Library
from perdure.ir.types import JSONB
from perdure.resolve.blocks import resolve_handler
from perdure.resolve.context import Context, Heads, Wider
from perdure.resolve.inputs import resolve_inputs
from perdure.resolve.options import catalog_for, resolve_options
from perdure.resolve.prescan import step_names
from perdure.resolve.scope import Env
from perdure.resolve.sequence import report_missing_return, resolve_steps
from perdure.resolve.types import resolve_type
from perdure.syntax import tree as syntax
from perdure.syntax.expr import Name
from perdure.syntax.walk import below

__all__ = ["declared", "resolve"]


def resolve(
    workflow: syntax.Workflow, catalog: Catalog, library: Library | None = None
) -> tuple[ir.Workflow | None, list[Diagnostic]]:
    """Return the IR of a workflow, None when there is an error, and the findings.

    There is no IR either when a workflow that it calls has errors; those are not
    reported here again.
    """
    names = step_names(workflow)
    heads: Heads = {}
    wider: Wider = {}
    catalog = catalog_for(workflow, catalog)
    while True:
        context = Context(catalog, heads, names, frozenset(workflow.unread))
        context.wider = wider
        context.library = library or Alone()
        context.workflow = workflow.name.text
        resolved = _pass(context, workflow)
        if not context.learnt:
            break
    wrong = any(finding.severity == "error" for finding in context.diagnostics)
    good = not wrong and not context.blocked
    return (resolved if good else None), context.diagnostics


def declared(workflow: syntax.Workflow, catalog: Catalog) -> Callee:
    """Return what a workflow declares, without a look at its steps."""
    context = Context(catalog_for(workflow, catalog), {}, {}, frozenset())
    inputs, _ = resolve_inputs(context, workflow.inputs)
    written = workflow.returns
    result = resolve_type(context, written) if written else None
    nullable = written is None or written.nullable
    keyed = bool(workflow.options and workflow.options.idempotency_key)
    name = workflow.name.text
    return Callee(name, inputs, result or JSONB, nullable, keyed=keyed)


def _pass(context: Context, workflow: syntax.Workflow) -> ir.Workflow:
    written = workflow.returns
    if written is not None:
        context.returns = resolve_type(context, written)
        context.returns_nullable = written.nullable
    inputs, env = resolve_inputs(context, workflow.inputs)
    options = resolve_options(context, env, workflow)
    steps, end = resolve_steps(context, env, workflow.steps, "steps")
    report_missing_return(context, workflow, end)
    if workflow.options and workflow.options.on_failure:
        steps = _handled(context, env, end, workflow, steps)
    return ir.Workflow(
        workflow.name.text,
        inputs,
        context.returns,
        context.returns is not None and context.returns_nullable,
        steps,
        tuple(context.variables.values()),
        workflow.path,
        workflow.description,
        options=options,
        returns_span=written.span if written else None,
    )


def _handled(
    context: Context,
    env: Env,
    end: Env,
    workflow: syntax.Workflow,
    steps: tuple[ir.Step, ...],
) -> tuple[ir.Step, ...]:
    """Return the steps in a `try` whose handler is `on_failure` and fails again.

    The timeout of a run would end it without that; so it is the steps' own here.
    """
    assert workflow.options is not None
    handler = workflow.options.on_failure or ()
    for step in below(handler):
        if isinstance(step, syntax.ReturnStep):
            message = "`on_failure` cannot return: the workflow has failed"
            help_ = "to go on after a failure, put the steps in a try"
            context.report(error("WF252", step.head.span, message, help=help_))
    span = handler[0].head.span
    name = Name("err", span)
    variable, resolved, _ = resolve_handler(
        context, env, end, workflow.steps, name, handler, "on_failure"
    )
    again = ir.FailStep(ir.Head("on_failure", None, span), None, error=variable)
    timeout = workflow.options.timeout
    if timeout is not None:
        timed = ir.Head("steps", None, timeout.span, timeout=timeout.milliseconds)
        steps = (ir.GroupStep(timed, steps, None),)
    whole = ir.Head("on_failure", None, span)
    return (ir.TryStep(whole, steps, variable, (*resolved, again), ()),)
