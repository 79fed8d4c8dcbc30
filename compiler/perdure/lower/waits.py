"""`sleep` and `wait_for_signal`."""

from __future__ import annotations

import json

from perdure.ir.tree import SleepStep, WaitForSignalStep
from perdure.lower.origin import origin
from perdure.lower.scope import Scope, place_of
from perdure.lower.shapes import shape_of
from perdure.lower.values import typed
from perdure.plan.query import Code, ResultRef, StringLiteral
from perdure.plan.tree import Node, Signal, Sleep, Sql


def lower_sleep(scope: Scope, step: SleepStep) -> list[Node]:
    """Lower a timer."""
    where = origin(step.head, "sleep")
    if isinstance(step.duration, int):
        return [Sleep(where, step.duration)]
    value = typed(scope, step.duration, "interval")
    query = (Code("select "), *value, Code(" as duration"))
    return [Sleep(where, Sql(origin(step.head, "duration"), query))]


def lower_signal(scope: Scope, step: WaitForSignalStep) -> list[Node]:
    """Lower a wait, and the check that what came has the form that is declared.

    The check is there too when nobody reads what came.
    """
    result = None
    if step.variable and scope.is_read(step.variable):
        result = place_of(scope, step.variable).result
    elif step.payload is not None:
        result = scope.names.fresh("signal")
    timeout = None if step.timeout is None else -(-step.timeout // 1000)
    wait = Signal(origin(step.head, "signal"), step.signal, timeout, result)
    if result is None or step.payload is None:
        return [wait]
    query = (
        Code("select perdure.check_signal(("),
        ResultRef(result),
        Code(")::jsonb, "),
        StringLiteral(json.dumps(shape_of(step.payload), ensure_ascii=False)),
        Code(") as ok"),
    )
    return [wait, Sql(origin(step.head, "payload"), query)]
