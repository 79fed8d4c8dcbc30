"""Steps in order, and the step kinds that are only a line of their own."""

from __future__ import annotations

from dataclasses import replace

from perdure.diagnostics import error
from perdure.diagnostics.wording import worded
from perdure.ir import tree as ir
from perdure.ir.expr import Expression, Template
from perdure.ir.types import Field, Variable
from perdure.resolve import (
    blocks,
    calls,
    control,
    each,
    requests,
    sending,
    sql_step,
    times,
    waits,
)
from perdure.resolve.binding import bind
from perdure.resolve.context import Context
from perdure.resolve.expressions import resolve_condition, resolve_expression
from perdure.resolve.facts import facts_of
from perdure.resolve.guarded import resolve_guarded
from perdure.resolve.returns import check_value, report_null
from perdure.resolve.scope import Env
from perdure.resolve.types import without_modifier
from perdure.resolve.values import resolve_template, resolve_value
from perdure.resolve.widening import wider
from perdure.syntax import tree as syntax
from perdure.syntax.expr import Cast, Expr, Name, Ref

Steps = tuple[ir.Step, ...]


def resolve_steps(
    context: Context, env: Env, steps: tuple[syntax.Step, ...], path: str
) -> tuple[Steps, Env]:
    """Resolve steps in order; `path` is the list's own. Wrong steps are left out."""
    resolved: list[ir.Step] = []
    for index, step in enumerate(steps):
        found, env = _resolve_step(context, env, step, f"{path}[{index}]")
        resolved.extend(found)
    return tuple(resolved), env


def _resolve_step(
    context: Context, env: Env, step: syntax.Step, path: str
) -> tuple[Steps, Env]:
    written = step.head
    name = written.name.text if written.name else None
    head = ir.Head(
        path,
        name,
        written.span,
        written.description,
        once=written.effects is not None,
    )
    return resolve_guarded(context, env, step, head, _resolve)


def _resolve(
    context: Context, env: Env, step: syntax.Step, head: ir.Head
) -> tuple[Steps, Env]:
    """Resolve a step as if its head asked for nothing more."""
    found: ir.Step | None
    match step:
        case syntax.SqlStep():
            found, env = sql_step.resolve_sql(context, env, step, head)
        case syntax.HttpStep():
            found, env = requests.resolve_http(context, env, step, head)
        case syntax.CallStep():
            found, env = calls.resolve_call(context, env, step, head)
        case syntax.StartStep():
            found, env = calls.resolve_start(context, env, step, head)
        case syntax.SendStep():
            found = sending.resolve_send(context, env, step, head)
        case syntax.SleepStep():
            found = waits.resolve_sleep(context, env, step, head)
        case syntax.WaitForSignalStep():
            found, env = waits.resolve_wait(context, env, step, head)
        case syntax.LetStep():
            return _resolve_let(context, env, step, head)
        case syntax.IfStep():
            found, env = control.resolve_if(context, env, step, head)
        case syntax.ParallelStep():
            found, env = control.resolve_parallel(context, env, step, head)
        case syntax.RaceStep():
            found, env = control.resolve_race(context, env, step, head)
        case syntax.LoopStep():
            found, env = control.resolve_loop(context, env, step, head)
        case syntax.BreakStep():
            found, env = ir.BreakStep(head), control.resolve_leap(context, env, step)
        case syntax.ContinueStep():
            found, env = ir.ContinueStep(head), control.resolve_leap(context, env, step)
        case syntax.ReturnStep():
            found, env = _resolve_return(context, env, step, head), env.ended()
        case syntax.FailStep():
            found, env = _resolve_fail(context, env, step, head), env.ended()
        case syntax.SwitchStep():
            found, env = blocks.resolve_switch(context, env, step, head)
        case syntax.TryStep():
            found, env = blocks.resolve_try(context, env, step, head)
        case syntax.ForeachStep():
            found, env = each.resolve_foreach(context, env, step, head)
        case syntax.TransactionStep():
            found, env = blocks.resolve_transaction(context, env, step, head)
        case syntax.GroupStep():
            found, env = blocks.resolve_group(context, env, step, head)
        case syntax.SleepUntilStep():
            found = times.resolve_sleep_until(context, env, step, head)
        case syntax.WaitForScheduleStep():
            found = times.resolve_schedule(context, step, head)
        case syntax.AssertStep():
            found = _resolve_assert(context, env, step, head)
            env = env.knowing(facts_of(step.condition, "true"))
    return (() if found is None else (found,)), env


def _resolve_let(
    context: Context, env: Env, step: syntax.LetStep, head: ir.Head
) -> tuple[Steps, Env]:
    resolved: list[ir.Step] = []
    for name, expr in step.bindings:
        value = _resolve_bound(context, env, name, expr)
        result = None
        if value is not None:
            value = replace(value, type=without_modifier(value.type))
            field = Field("value", value.type, value.nullable)
            result = Variable("", name.text, "value", (field,))
        env, variable = bind(context, env, name, result)
        if variable is not None and value is not None:
            resolved.append(ir.LetStep(head, variable, value))
    return tuple(resolved), env


def _suggest_text(context: Context, expr: Expr) -> None:
    """Say of an unknown name that is a whole value in YAML how its text is written."""
    found = context.diagnostics
    if not isinstance(expr, Ref) or len(expr.parts) > 1 or not found:
        return
    code, span, help_ = found[-1].code, found[-1].span, found[-1].help
    if (code, span, help_) == ("WF201", expr.parts[0].span, None):
        help_ = worded(span, f"for the text, write \"'{expr.parts[0].text}'\"", "")
        found[-1] = replace(found[-1], help=help_ or None)


def _resolve_bound(
    context: Context, env: Env, name: Name, expr: Expr
) -> Expression | None:
    """Resolve what a name is bound to; a number has the widest type of the name's."""
    value = resolve_expression(context, env, expr)
    if value is None:
        _suggest_text(context, expr)
        return None
    type_ = wider(context, name.text, value.type, expr)
    if type_ is None:
        return value
    cast = Cast(expr, Name(type_, expr.span), expr.span)
    return resolve_expression(context, env, cast)


def _resolve_return(
    context: Context, env: Env, step: syntax.ReturnStep, head: ir.Head
) -> ir.ReturnStep | None:
    declared = context.returns
    if step.value is None:
        if declared is not None and not context.returns_nullable:
            help_ = "return a value"
            report_null(context, step.head.span, "no value", declared, help_)
        return ir.ReturnStep(head, None)
    value = resolve_value(context, env, step.value)
    if value is None:
        return None
    if declared is not None:
        check_value(context, step.value, value, declared, context.returns_nullable)
    return ir.ReturnStep(head, value)


def _resolve_fail(
    context: Context, env: Env, step: syntax.FailStep, head: ir.Head
) -> ir.FailStep | None:
    if step.message is not None:
        message = resolve_template(context, env, step.message)
        return ir.FailStep(head, message) if message else None
    if not context.errors:
        word = worded(step.head.span, "fail", "raise")
        text = (
            f"`{word}` without a message fails again with an error, and there is none"
        )
        help_ = worded(
            step.head.span,
            "give it a message, or put it below `catch`",
            'write raise Failure("..."), or put it below except',
        )
        context.report(error("WF234", step.head.span, text, help=help_))
        return None
    return ir.FailStep(head, None, context.errors[-1])


def _resolve_assert(
    context: Context, env: Env, step: syntax.AssertStep, head: ir.Head
) -> ir.AssertStep | None:
    condition = resolve_condition(context, env, step.condition)
    if step.message is None:
        shown = step.head.name.text if step.head.name else head.path
        message: Template | None = Template((f"assertion failed: {shown}",))
    else:
        message = resolve_template(context, env, step.message)
    if condition is None or message is None:
        return None
    return ir.AssertStep(head, condition, message)


def report_missing_return(
    context: Context, workflow: syntax.Workflow, end: Env
) -> None:
    """Report a path that ends without a value although one is declared."""
    returns = workflow.returns
    if returns is None or returns.nullable or not end.live:
        return
    context.report(
        error(
            "WF226",
            returns.span,
            worded(
                returns.span,
                "`returns` declares a value, and some path ends without `return`",
                "the annotation declares a result, and some path ends without `return`",
            ),
            "a workflow that ends without `return` has the result null",
            help="end every path with `return`, or declare "
            + worded(returns.span, "the type nullable with `?`", '"... | None"'),
        )
    )
