"""`call`, `start` and `signal`: statements that start runs or write to them.

Which function starts a run is told by emission, which knows the versions.
"""

from __future__ import annotations

from perdure.ir.tree import Argument, CallStep, SendStep, StartStep
from perdure.lower.json import json_value, template
from perdure.lower.origin import origin
from perdure.lower.retry import retried
from perdure.lower.scope import Scope, place_of
from perdure.lower.values import carried, cast, member, typed
from perdure.plan.query import (
    Code,
    Identifier,
    Piece,
    Query,
    ResultRef,
    StringLiteral,
    WorkflowRef,
)
from perdure.plan.tree import Call, Node, Sql


def lower_call(scope: Scope, step: CallStep) -> list[Node]:
    """Lower a call that is a run of its own, and what reads its result."""
    query = _start(scope, step.workflow, step.arguments)
    start = Sql(origin(step.head, "start"), query)
    if step.variable is None or not scope.is_read(step.variable):
        return [retried(step, Call(origin(step.head, "call"), start))]
    name = scope.names.fresh("run")
    call = retried(step, Call(origin(step.head, "call"), start, name))
    envelope = (
        *cast((ResultRef(name),), "jsonb"),
        Code(" -> 'result' -> 'rows' -> 0"),
    )
    value = member((Code("("), *envelope, Code(")")), ("result",), step.result)
    read = (Code("select "), *carried(value, step.result), Code(" as value"))
    result = place_of(scope, step.variable).result
    return [call, Sql(origin(step.head, "result"), read, result)]


def lower_start(scope: Scope, step: StartStep) -> list[Node]:
    """Lower a start; one with a key looks for the run that has it first."""
    query = _start(scope, step.workflow, step.arguments, column="run_id")
    if step.key is not None:
        query = _once(scope, step)
    result = None
    if step.variable and scope.is_read(step.variable):
        result = place_of(scope, step.variable).result
    made = Sql(origin(step.head, "start"), query, result, once=step.head.once)
    return [retried(step, made)]


def _once(scope: Scope, step: StartStep) -> Query:
    assert step.key is not None
    key = template(scope, step.key, strict=True)
    return (
        Code("select coalesce(perdure.started(k.workflow, k.key), "),
        Code("perdure.keep_start(k.workflow, k.key, "),
        *_function(scope, step.workflow, step.arguments),
        Code(")) as run_id\nfrom (select "),
        StringLiteral(step.workflow),
        Code("::text as workflow, "),
        *cast(key, "text"),
        Code(" as key) as k"),
    )


def lower_send(scope: Scope, step: SendStep) -> list[Node]:
    """Lower a signal."""
    data: Query = (StringLiteral("{}"),)
    if step.data is not None:
        data = cast(json_value(scope, step.data), "text")
    query = (
        Code("select df.signal("),
        *cast(template(scope, step.to, strict=True), "text"),
        Code(", "),
        StringLiteral(step.signal),
        Code(", "),
        *data,
        Code(")"),
    )
    made = Sql(origin(step.head, "send"), query, once=step.head.once)
    return [retried(step, made)]


def _start(
    scope: Scope,
    workflow: str,
    arguments: tuple[Argument, ...],
    column: str = "run_id",
) -> Query:
    call = _function(scope, workflow, arguments)
    return (Code("select "), *call, Code(f" as {column}"))


def _function(scope: Scope, workflow: str, arguments: tuple[Argument, ...]) -> Query:
    """Return the call of a workflow's function, its arguments by name."""
    pieces: list[Piece] = [WorkflowRef(workflow), Code("(")]
    for at, argument in enumerate(arguments):
        pieces += [Code(", ")] if at else []
        pieces += [Identifier(argument.name), Code(" => ")]
        pieces += typed(scope, argument.value, argument.value.type)
    return (*pieces, Code(")"))
