"""Requests and waits: `http`, `sleep`, `wait_for_signal`."""

from __future__ import annotations

from perdure.ir.expr import Expression, Template
from perdure.ir.tree import Head, HttpStep, SleepStep, WaitForSignalStep
from perdure.ir.types import BOOLEAN, JSONB, TEXT, Field, Scalar, Variable
from perdure.resolve.binding import bind
from perdure.resolve.context import Context
from perdure.resolve.expressions import resolve_as
from perdure.resolve.policies import resolve_retry
from perdure.resolve.returns import missing_rows, report_null
from perdure.resolve.scope import Env
from perdure.resolve.types import resolve_type
from perdure.resolve.values import resolve_template, resolve_value
from perdure.syntax import tree as syntax

HTTP_TIMEOUT = 30_000
INTERVAL = Scalar("interval")

HTTP_FIELDS = (
    Field("status", Scalar("integer"), nullable=False),
    Field("ok", BOOLEAN, nullable=False),
    Field("headers", JSONB, nullable=False),
    Field("body", TEXT, nullable=False),
    Field("json", JSONB, nullable=True),
)


def resolve_http(
    context: Context, env: Env, step: syntax.HttpStep, head: Head
) -> tuple[HttpStep | None, Env]:
    """Resolve a request and bind its response."""
    url = resolve_template(context, env, step.url)
    headers = _headers(context, env, step)
    json = resolve_value(context, env, step.json) if step.json else None
    body = resolve_template(context, env, step.body) if step.body else None
    complete = (json is None) == (step.json is None) and (body is None) == (
        step.body is None
    )
    variable = None
    if step.head.name is not None:
        name = step.head.name
        result = Variable("", name.text, "http", HTTP_FIELDS)
        env, variable = bind(context, env, name, result)
    if url is None or headers is None or not complete:
        return None, env
    timeout = step.timeout.milliseconds if step.timeout else HTTP_TIMEOUT
    retry = resolve_retry(step.retry)
    method = step.method.text
    return (
        HttpStep(head, variable, method, url, headers, json, body, timeout, retry),
        env,
    )


def _headers(
    context: Context, env: Env, step: syntax.HttpStep
) -> tuple[tuple[str, Template], ...] | None:
    resolved = [(n.text, resolve_template(context, env, v)) for n, v in step.headers]
    found = tuple((name, value) for name, value in resolved if value is not None)
    return found if len(found) == len(resolved) else None


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
        help_ = "give it a value with coalesce(..., ...)"
        notes = missing_rows(context, found)
        what = "a value that may be null"
        report_null(context, span, what, INTERVAL, help_, *notes)
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
