"""`foreach`: steps for each row of an earlier result, and what they give together."""

from __future__ import annotations

from perdure.catalog.model import Rejected
from perdure.diagnostics import Diagnostic, error
from perdure.diagnostics.wording import word
from perdure.ir import tree as ir
from perdure.ir.expr import Constant, Expression, Reference, Template, Value
from perdure.ir.types import BOOLEAN, JSONB, TEXT, Field, Scalar, Variable
from perdure.resolve import sequence
from perdure.resolve.binding import bind
from perdure.resolve.context import Branch, Context, Loop
from perdure.resolve.references import look_up, resolve_row_set
from perdure.resolve.scope import Env
from perdure.resolve.types import without_modifier
from perdure.resolve.values import resolve_value
from perdure.syntax import tree as syntax

Column = tuple[Field, Value]


def resolve_foreach(
    context: Context, env: Env, step: syntax.ForeachStep, head: ir.Head
) -> tuple[ir.ForeachStep | None, Env]:
    """Resolve the steps of one item; none of their names is there afterwards."""
    rows, source = _source(context, env, step)
    context.branches.append(Branch("foreach", "do", env, {}))
    context.layers.append({})
    shape = source and Variable("", step.item.text, "item", source.fields)
    inside, item = bind(context, env, step.item, shape or None)
    context.loops.append(Loop(len(context.branches)))
    steps, end = sequence.resolve_steps(context, inside, step.steps, f"{head.path}.do")
    context.loops.pop()
    columns = _collect(context, end, step.collect)
    context.layers.pop()
    context.branches.pop()
    after, variable = _bound(context, env, step, columns)
    if rows is None or item is None or columns is None:
        return None, after
    return (
        ir.ForeachStep(
            head,
            variable,
            item,
            rows,
            steps,
            step.max_parallel or 1,
            tuple(value for _, value in columns),
            tuple(field for field, _ in columns),
        ),
        after,
    )


def _source(
    context: Context, env: Env, step: syntax.ForeachStep
) -> tuple[Reference | None, Variable | None]:
    """Return the rows and what they look like; None when a finding says why not."""
    name = step.source
    binding = look_up(context, env, name)
    if binding is None or binding.variable is None:
        return None, None
    variable = binding.variable
    if variable.kind != "rows":
        context.report(_no_rows(variable, step))
        return None, None
    if variable.cardinality != "many":
        context.report(_single(variable, step))
        return None, variable
    return resolve_row_set(context, env, (name,), name.span), variable


def _collect(
    context: Context, env: Env, written: syntax.Mapping | None
) -> tuple[Column, ...] | None:
    """Return the columns of an item's row and their values; None when one is wrong."""
    if written is None:
        return ()
    columns: list[Column] = []
    for name, value in written.entries:
        resolved = resolve_value(context, env, value)
        if resolved is not None:
            columns.append((_column(context, name.text, resolved), resolved))
    return tuple(columns) if len(columns) == len(written.entries) else None


def _column(context: Context, name: str, value: Value) -> Field:
    match value:
        case Expression():
            return Field(name, without_modifier(value.type), value.nullable)
        case Template():
            return Field(name, TEXT, nullable=False)
        case Constant("true" | "false"):
            return Field(name, BOOLEAN, nullable=False)
        case Constant("null"):
            return Field(name, JSONB, nullable=True)
        case Constant(text):
            answer = context.catalog.typeof(text)
            known = "numeric" if isinstance(answer, Rejected) else answer.type
            return Field(name, Scalar(known), nullable=False)
        case _:
            return Field(name, JSONB, nullable=False)


def _bound(
    context: Context,
    env: Env,
    step: syntax.ForeachStep,
    columns: tuple[Column, ...] | None,
) -> tuple[Env, str | None]:
    """Bind what the items give together."""
    name = step.head.name
    if name is None:
        return env, None
    if step.collect is None:
        return env, None
    fields = tuple(field for field, _ in columns or ())
    result = Variable("", name.text, "rows", fields, "many") if columns else None
    return bind(context, env, name, result)


# --- findings -------------------------------------------------------------------


def _no_rows(variable: Variable, step: syntax.ForeachStep) -> Diagnostic:
    return error(
        "WF233",
        step.source.span,
        f'"{variable.name}" has no rows, `{word(step.source.span, "foreach")}` takes '
        "the result of an sql step",
        help="select the rows in a step of its own: unnest(...) of an array, "
        "jsonb_array_elements(...) of json",
    )


def _single(variable: Variable, step: syntax.ForeachStep) -> Diagnostic:
    count = "exactly one row" if variable.cardinality == "one" else "at most one row"
    return error(
        "WF233",
        step.source.span,
        f'step "{variable.name}" has {count}, there is nothing to repeat',
        help=f'read its columns as they are, "{variable.name}.{_first(variable)}"',
    )


def _first(variable: Variable) -> str:
    return variable.fields[0].name if variable.fields else "*"
