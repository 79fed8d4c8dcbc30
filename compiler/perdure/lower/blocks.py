"""`switch`, `try`, and steps as one: `transaction` and `do`."""

from __future__ import annotations

from perdure.ir.tree import (
    Case,
    FailStep,
    GroupStep,
    SleepUntilStep,
    SwitchStep,
    TransactionStep,
    TryStep,
    WaitForScheduleStep,
)
from perdure.lower.branches import Lower
from perdure.lower.guarded import both_failed
from perdure.lower.origin import origin, sequence
from perdure.lower.retry import retried
from perdure.lower.scope import Scope, place_of
from perdure.lower.types import sql_type
from perdure.lower.values import carried, cast, typed
from perdure.plan.query import Code, Query, ResultRef, StringLiteral
from perdure.plan.tree import (
    If,
    Node,
    Raise,
    Schedule,
    SleepUntil,
    Sql,
    Transaction,
    Try,
)

# --- switch ---------------------------------------------------------------------


def lower_switch(scope: Scope, step: SwitchStep, steps: Lower) -> list[Node]:
    """Lower cases to nested conditions; a subject that may change is computed once."""
    before: list[Node] = []
    type_ = step.subject.type
    subject = typed(scope, step.subject, type_)
    if not step.subject.immutable:
        name = scope.names.fresh("switch")
        query = (Code("select "), *carried(subject, type_), Code(" as value"))
        before.append(Sql(origin(step.head, "subject"), query, name))
        found = ResultRef(name, "value", optional=True)
        subject = cast((Code("("), found, Code(")")), type_)
    otherwise: Node | None = None
    if step.default:
        otherwise = sequence(origin(step.head, "default"), steps(scope, step.default))
    for case in reversed(step.cases):
        otherwise = _case(scope, step, case, subject, otherwise, steps)
    return [*before, otherwise] if otherwise else before


def _case(
    scope: Scope,
    step: SwitchStep,
    case: Case,
    subject: Query,
    otherwise: Node | None,
    steps: Lower,
) -> Node:
    query = (
        Code("select coalesce("),
        *subject,
        Code(" = "),
        StringLiteral(case.value),
        Code(f"::{sql_type(step.subject.type)}, false) as ok"),
    )
    test = Sql(origin(step.head, "case"), query)
    then = sequence(origin(step.head, "then"), steps(scope, case.steps))
    return If(origin(step.head, "case"), test, then, otherwise)


# --- try ------------------------------------------------------------------------

ON_FAILURE = "on_failure"
"""Where the `try` around all steps of a workflow stands."""


def lower_try(scope: Scope, step: TryStep, steps: Lower) -> list[Node]:
    """Lower steps, the handler of their failure, and what always runs."""
    head = step.head
    body = sequence(origin(head, "try"), steps(scope, step.steps))
    name = place_of(scope, step.error).result if step.error else ""
    handler = finally_ = None
    if step.handler is not None:
        if head.path == ON_FAILURE:
            nodes = _first_error_stays(scope, step, name, steps)
        else:
            nodes = steps(scope, step.handler)
        handler = sequence(origin(head, "catch"), nodes)
    if step.finally_:
        finally_ = sequence(origin(head, "finally"), steps(scope, step.finally_))
    return [Try(origin(head, "try"), body, name, handler, finally_)]


def _first_error_stays(
    scope: Scope, step: TryStep, failed: str, steps: Lower
) -> list[Node]:
    """Return the steps of `on_failure`, after which the run has its own error.

    When they fail, too, the error tells so in its detail.
    """
    assert step.handler is not None
    head, second = step.head, scope.names.fresh("error")
    handled = sequence(origin(head, "steps"), steps(scope, step.handler[:-1]))
    both = both_failed(scope, origin(head, "catch"), failed, second, ON_FAILURE)
    tried = Try(origin(head, "steps"), handled, second, both, None)
    return [tried, *steps(scope, step.handler[-1:])]


def lower_fail_again(scope: Scope, step: FailStep) -> list[Node]:
    """Lower a failure with an error that was caught."""
    assert step.error is not None
    return [Raise(origin(step.head, "fail"), place_of(scope, step.error).result)]


# --- steps as one ---------------------------------------------------------------


def lower_transaction(scope: Scope, step: TransactionStep, steps: Lower) -> list[Node]:
    """Lower statements that commit together."""
    nodes = steps(scope, step.steps)
    if not nodes:
        return []
    head = step.head
    whole = Transaction(origin(head, "transaction"), tuple(nodes), head.once)
    return [retried(step, whole)]


def lower_group(scope: Scope, step: GroupStep, steps: Lower) -> list[Node]:
    """Lower a group: nothing but its steps, unless they are tried again together."""
    nodes: list[Node] = steps(scope, step.steps)
    if step.retry is None or step.retry.max_attempts <= 1:
        return nodes
    return [retried(step, sequence(origin(step.head, "do"), nodes))]


# --- times ----------------------------------------------------------------------


def lower_sleep_until(scope: Scope, step: SleepUntilStep) -> list[Node]:
    """Lower a wait until a time."""
    value = typed(scope, step.time, "timestamp with time zone")
    query = (Code("select "), *value, Code(" as at"))
    head = step.head
    return [SleepUntil(origin(head, "sleep_until"), Sql(origin(head, "at"), query))]


def lower_schedule(step: WaitForScheduleStep) -> list[Node]:
    """Lower a wait for a schedule."""
    return [Schedule(origin(step.head, "schedule"), step.cron, step.timezone)]
