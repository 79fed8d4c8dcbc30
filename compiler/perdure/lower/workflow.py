"""From a workflow to its plan: one function per construct, put together here."""

from __future__ import annotations

from dataclasses import replace

from perdure.ir.tree import (
    AssertStep,
    BreakStep,
    ContinueStep,
    FailStep,
    HttpStep,
    IfStep,
    Input,
    LetStep,
    LoopStep,
    ParallelStep,
    RaceStep,
    ReturnStep,
    SleepStep,
    SqlStep,
    Step,
    WaitForSignalStep,
    Workflow,
)
from perdure.lower.branches import lower_if, lower_parallel, lower_race
from perdure.lower.ends import (
    always_ends,
    lower_assert,
    lower_break,
    lower_continue,
    lower_fail,
    lower_return,
    result,
)
from perdure.lower.http import lower_http
from perdure.lower.let import lower_let
from perdure.lower.loop import lower_loop
from perdure.lower.origin import sequence
from perdure.lower.scope import Scope, scope_of
from perdure.lower.sql import lower_sql
from perdure.lower.waits import lower_signal, lower_sleep
from perdure.plan.tree import Node, Origin, Parameter, Plan, Return


def lower(workflow: Workflow) -> Plan:
    """Lower a workflow without errors to a plan of df nodes, for any target."""
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
    )


def lower_steps(scope: Scope, steps: tuple[Step, ...]) -> list[Node]:
    """Lower steps in order; what can never be reached is left out."""
    nodes: list[Node] = []
    for step in steps:
        nodes += _lower(scope, step)
        if always_ends((step,)):
            break
    return nodes


def _lower(scope: Scope, step: Step) -> list[Node]:
    match step:
        case SqlStep():
            return lower_sql(scope, step)
        case HttpStep():
            return lower_http(scope, step)
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
        case FailStep():
            return lower_fail(scope, step)
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
