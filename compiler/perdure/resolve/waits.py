"""Requests and waits: `http`, `sleep`, `wait_for_signal`."""

from __future__ import annotations

from perdure.diagnostics import error
from perdure.ir.expr import Expression
from perdure.ir.tree import Head, SleepStep, WaitForSignalStep
from perdure.ir.types import BOOLEAN, JSONB, Field, Scalar, Variable
from perdure.resolve.binding import bind
from perdure.resolve.context import Context
from perdure.resolve.expressions import resolve_as
from perdure.resolve.returns import report_nullable
from perdure.resolve.scope import Env
from perdure.resolve.settled import holds
from perdure.resolve.types import resolve_type
from perdure.syntax import tree as syntax

INTERVAL = Scalar("interval")


def resolve_sleep(
    context: Context, env: Env, step: syntax.SleepStep, head: Head
) -> SleepStep | None:
    """Resolve a timer."""
    if isinstance(step.duration, syntax.Duration):
        return SleepStep(head, step.duration.milliseconds)
    duration = _interval(context, env, step)
    return None if duration is None else SleepStep(head, duration)


def _interval(context: Context, env: Env, step: syntax.SleepStep) -> Expression | None:
    assert not isinstance(step.duration, syntax.Duration)
    span = step.duration.span
    found = resolve_as(
        context, env, step.duration, INTERVAL, "WF224", "`sleep` takes an"
    )
    if found is not None and found.nullable:
        report_nullable(context, span, found, INTERVAL)
    if found is not None and holds(context, found, "not isfinite(%)"):
        message = "this sleep has no end"
        help_ = "wait for a signal instead, or for a date"
        context.report(error("WF255", span, message, help=help_))
    elif found is not None and holds(context, found, "% < interval '0'"):
        message = "this sleep ends before it begins"
        context.report(error("WF255", span, message, help="leave it out"))
    return found


def resolve_wait(
    context: Context, env: Env, step: syntax.WaitForSignalStep, head: Head
) -> tuple[WaitForSignalStep | None, Env]:
    """Resolve a wait and bind what the signal brings."""
    payload = resolve_type(context, step.payload) if step.payload else None
    failed = step.payload is not None and payload is None
    timeout = step.timeout.milliseconds if step.timeout else None
    variable = None
    if step.head.name is not None:
        name = step.head.name
        declared = step.payload is not None and step.payload.nullable
        data = Field("data", payload or JSONB, declared or timeout is not None)
        fields = (Field("timed_out", BOOLEAN, nullable=False), data)
        result = None if failed else Variable("", name.text, "signal", fields)
        trusted = frozenset() if declared else frozenset({"data"})
        env, variable = bind(context, env, name, result, trusted)
    if failed:
        return None, env
    return WaitForSignalStep(head, variable, step.signal.text, payload, timeout), env
