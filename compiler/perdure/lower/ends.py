"""`return`, `fail`, `assert`, `break`, `continue`, and which steps never go on."""

from __future__ import annotations

from perdure.ir.expr import Value
from perdure.ir.tree import (
    AssertStep,
    BreakStep,
    ContinueStep,
    FailStep,
    GroupStep,
    IfStep,
    LoopStep,
    ParallelStep,
    RaceStep,
    ReturnStep,
    Step,
    SwitchStep,
    TransactionStep,
    TryStep,
)
from perdure.lower.conditions import truth
from perdure.lower.json import json_value, template
from perdure.lower.origin import origin
from perdure.lower.scope import Scope
from perdure.plan.query import Code
from perdure.plan.tree import Break, Continue, Node, Origin, Return, Sql


def lower_return(scope: Scope, step: ReturnStep) -> list[Node]:
    """Lower the end of the run."""
    value = result(scope, origin(step.head, "value"), step.value)
    return [Return(origin(step.head, "return"), value)]


def result(scope: Scope, where: Origin, value: Value | None) -> Sql:
    """Return the query that gives the result of the run."""
    query = (Code("select "), *json_value(scope, value), Code(" as result"))
    return Sql(where, query)


def lower_fail(scope: Scope, step: FailStep) -> list[Node]:
    """Lower a failure."""
    assert step.message is not None
    message = template(scope, step.message)
    query = (Code("select perdure.fail("), *message, Code(")"))
    return [Sql(origin(step.head, "fail"), query)]


def lower_assert(scope: Scope, step: AssertStep) -> list[Node]:
    """Lower a failure unless something holds."""
    query = (
        Code("select perdure.assert("),
        *truth(scope, step.condition),
        Code(", "),
        *template(scope, step.message),
        Code(") as ok"),
    )
    return [Sql(origin(step.head, "assert"), query)]


def lower_break(scope: Scope, step: BreakStep) -> list[Node]:
    """Lower the end of a loop."""
    return [Break(origin(step.head, "break"))]


def lower_continue(scope: Scope, step: ContinueStep) -> list[Node]:
    """Lower the end of a round."""
    return [Continue(origin(step.head, "continue"))]


def always_ends(steps: tuple[Step, ...]) -> bool:
    """Say whether control never goes on after the steps."""
    return any(_ends(step) for step in steps)


def _ends(step: Step) -> bool:
    if step.head.when is not None:
        return False
    match step:
        case ReturnStep() | FailStep() | BreakStep() | ContinueStep():
            return True
        case IfStep():
            return bool(step.otherwise) and all(
                always_ends(each) for each in (*_arms(step), step.otherwise)
            )
        case ParallelStep():
            return any(always_ends(branch.steps) for branch in step.branches)
        case RaceStep():
            return all(always_ends(branch.steps) for branch in step.branches)
        case SwitchStep():
            every = [case.steps for case in step.cases]
            return bool(step.default) and all(map(always_ends, (*every, step.default)))
        case TryStep():
            return always_ends(step.steps) and (
                step.handler is None or always_ends(step.handler)
            )
        case GroupStep() | TransactionStep():
            return always_ends(step.steps)
        case LoopStep():
            return step.while_ is None and step.until is None and not _leaves(step)
        case _:
            return False


def _arms(step: IfStep) -> list[tuple[Step, ...]]:
    return [arm.steps for arm in step.arms]


def _leaves(loop: LoopStep) -> bool:
    """Say whether a `break` of this loop, not of one in it, stands in its steps."""
    return any(_breaks(step) for step in loop.steps)


def _breaks(step: Step) -> bool:
    match step:
        case BreakStep():
            return True
        case IfStep():
            inner = [*_arms(step), step.otherwise]
        case ParallelStep() | RaceStep():
            inner = [branch.steps for branch in step.branches]
        case SwitchStep():
            inner = [*(case.steps for case in step.cases), step.default]
        case TryStep():
            inner = [step.steps, step.handler or (), step.finally_]
        case GroupStep():
            inner = [step.steps]
        case _:
            return False
    return any(_breaks(each) for steps in inner for each in steps)
