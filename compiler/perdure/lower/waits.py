"""`sleep` and `wait_for_signal`."""

from __future__ import annotations

from perdure.ir.tree import SleepStep, WaitForSignalStep
from perdure.lower.origin import origin
from perdure.lower.scope import Scope, place_of
from perdure.lower.values import typed
from perdure.plan.query import Code
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
    """Lower a wait."""
    result = None
    if step.variable and scope.is_read(step.variable):
        result = place_of(scope, step.variable).result
    timeout = None if step.timeout is None else -(-step.timeout // 1000)
    return [Signal(origin(step.head, "signal"), step.signal, timeout, result)]
