"""From a workflow to its plan: one function per construct, put together here."""

from __future__ import annotations

from dataclasses import replace

from perdure.ir.expr import Expression
from perdure.ir.tree import (
    AssertStep,
    BreakStep,
    CallStep,
    ContinueStep,
    FailStep,
    ForeachStep,
    GroupStep,
    HttpStep,
    IfStep,
    Input,
    LetStep,
    LoopStep,
    ParallelStep,
    RaceStep,
    ReturnStep,
    Schedule,
    SendStep,
    SleepStep,
    SleepUntilStep,
    SqlStep,
    StartStep,
    Step,
    SwitchStep,
    TransactionStep,
    TryStep,
    WaitForScheduleStep,
    WaitForSignalStep,
    Workflow,
)
from perdure.ir.types import Scalar
from perdure.lower.blocks import (
    lower_fail_again,
    lower_group,
    lower_schedule,
    lower_sleep_until,
    lower_switch,
    lower_transaction,
    lower_try,
)
from perdure.lower.branches import lower_if, lower_parallel, lower_race
from perdure.lower.calls import lower_call, lower_send, lower_start
from perdure.lower.each import lower_foreach
from perdure.lower.ends import (
    always_ends,
    lower_assert,
    lower_break,
    lower_continue,
    lower_fail,
    lower_return,
    result,
)
from perdure.lower.guarded import guarded, ran_name, undoable
from perdure.lower.http import lower_http
from perdure.lower.inline import inline
from perdure.lower.let import lower_let
from perdure.lower.loop import lower_loop
from perdure.lower.origin import origin, sequence
from perdure.lower.scope import Scope, scope_of
from perdure.lower.sql import lower_sql
from perdure.lower.values import expression
from perdure.lower.waits import lower_signal, lower_sleep
from perdure.plan.query import Code, Query
from perdure.plan.tree import (
    Node,
    Origin,
    Parameter,
    Plan,
    PlanOptions,
    PlanSchedule,
    Return,
)


def lower(workflow: Workflow) -> Plan:
    """Lower a workflow without errors to a plan of df nodes, for any target."""
    workflow = inline(workflow)
    scope = scope_of(workflow)
    whole = Origin("steps", "workflow")
    nodes = lower_steps(scope, workflow.steps)
    if not always_ends(workflow.steps):
        nodes.append(result(scope, Origin("steps", "result"), None))
    elif isinstance(nodes[-1], Return):
        nodes[-1] = replace(nodes[-1].value, origin=nodes[-1].origin)
    return Plan(
        workflow.name,
        tuple(_parameter(each) for each in workflow.inputs),
        sequence(whole, nodes),
        workflow.description,
        _search_path(workflow),
        _options(scope, workflow),
        tuple(origin(head, "call") for head in workflow.taken_in),
    )


def _search_path(workflow: Workflow) -> str:
    options = workflow.options
    if options is None or options.search_path is None:
        return "public"
    quoted = [name.replace('"', '""') for name in options.search_path]
    return ", ".join(f'"{name}"' for name in quoted)


def _options(scope: Scope, workflow: Workflow) -> PlanOptions:
    """Return the options of a workflow; its keys read inputs only."""
    options = workflow.options
    if options is None:
        return PlanOptions()
    bound, schedule = options.concurrency, options.schedule
    limit = bound.limit if bound else None
    if schedule is not None and schedule.overlap == "queue":
        limit = 1
    return PlanOptions(
        _key(scope, options.idempotency_key),
        limit,
        _key(scope, bound.key if bound else None),
        options.timeout,
        _schedule(schedule),
        options.role,
        options.database,
        options.span("role"),
        options.span("search_path"),
        options.limit_span,
    )


def _schedule(schedule: Schedule | None) -> PlanSchedule | None:
    if schedule is None:
        return None
    return PlanSchedule(schedule.cron, schedule.timezone, schedule.overlap)


_JSON = ("pg_catalog.btrim(pg_catalog.to_json(", ")::text, '\"')")
_EQUAL = {
    "numeric": ("pg_catalog.trim_scale(", ")"),
    "interval": ("extract(epoch from ", ")"),
    "date": _JSON,
    "timestamp without time zone": _JSON,
    "timestamp with time zone": (
        _JSON[0] + "pg_catalog.timezone('UTC', ",
        ")" + _JSON[1],
    ),
}
"""What makes equal values of a type equal texts, whatever the session's settings."""


def _key(scope: Scope, value: Expression | None) -> Query | None:
    """Return a key, which is compared as text, so that equal values are one key."""
    if value is None:
        return None
    key = expression(scope, value)
    wrap = _EQUAL.get(value.type.base) if isinstance(value.type, Scalar) else None
    return (Code(wrap[0]), *key, Code(wrap[1])) if wrap else key


def lower_steps(scope: Scope, steps: tuple[Step, ...]) -> list[Node]:
    """Lower steps in order; what can never be reached is left out."""
    nodes: list[Node] = []
    for at, step in enumerate(steps):
        ran = ran_name(scope, step)
        nodes += guarded(scope, step.head, _lower(scope, step), ran)
        if always_ends((step,)):
            break
        if step.head.undo is not None:
            nodes += undoable(scope, step, steps[at + 1 :], ran, lower_steps)
            break
    return nodes


def _lower(scope: Scope, step: Step) -> list[Node]:
    match step:
        case SqlStep():
            return lower_sql(scope, step)
        case HttpStep():
            return lower_http(scope, step)
        case CallStep():
            return lower_call(scope, step)
        case StartStep():
            return lower_start(scope, step)
        case SendStep():
            return lower_send(scope, step)
        case SleepStep():
            return lower_sleep(scope, step)
        case WaitForSignalStep():
            return lower_signal(scope, step)
        case LetStep():
            return lower_let(scope, step)
        case IfStep():
            return lower_if(scope, step, lower_steps)
        case ParallelStep():
            return lower_parallel(scope, step, lower_steps)
        case RaceStep():
            return lower_race(scope, step, lower_steps)
        case LoopStep():
            return lower_loop(scope, step, lower_steps)
        case BreakStep():
            return lower_break(scope, step)
        case ContinueStep():
            return lower_continue(scope, step)
        case ReturnStep():
            return lower_return(scope, step)
        case FailStep(message=None):
            return lower_fail_again(scope, step)
        case FailStep():
            return lower_fail(scope, step)
        case SwitchStep():
            return lower_switch(scope, step, lower_steps)
        case TryStep():
            return lower_try(scope, step, lower_steps)
        case ForeachStep():
            return lower_foreach(scope, step, lower_steps)
        case TransactionStep():
            return lower_transaction(scope, step, lower_steps)
        case GroupStep():
            return lower_group(scope, step, lower_steps)
        case SleepUntilStep():
            return lower_sleep_until(scope, step)
        case WaitForScheduleStep():
            return lower_schedule(step)
        case AssertStep():
            return lower_assert(scope, step)


def _parameter(each: Input) -> Parameter:
    """Return an input as a parameter; a nullable one without a default has null."""
    default = None
    if each.default is not None:
        default = "".join(part for part in each.default.parts if isinstance(part, str))
    elif each.nullable:
        default = "null"
    return Parameter(each.name, each.type.name, each.nullable, default)
