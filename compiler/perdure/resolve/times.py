"""Waits for a time: `sleep_until` and `wait_for_schedule`."""

from __future__ import annotations

from perdure.catalog.model import Rejected
from perdure.diagnostics import error
from perdure.ir.tree import Head, SleepUntilStep, WaitForScheduleStep
from perdure.ir.types import Scalar
from perdure.resolve.context import Context
from perdure.resolve.expressions import resolve_as
from perdure.resolve.returns import report_nullable
from perdure.resolve.scope import Env
from perdure.resolve.settled import holds
from perdure.syntax import tree as syntax
from perdure.syntax.expr import Name

TIME = Scalar("timestamp with time zone")
UTC = "UTC"


def resolve_sleep_until(
    context: Context, env: Env, step: syntax.SleepUntilStep, head: Head
) -> SleepUntilStep | None:
    """Resolve a wait until a time."""
    what = "`sleep_until` takes a"
    found = resolve_as(context, env, step.time, TIME, "WF224", what)
    if found is None:
        return None
    if found.nullable:
        report_nullable(context, step.time.span, found, TIME)
    if holds(context, found, "not isfinite(%)"):
        message = "this is no time that comes"
        help_ = "wait for a signal instead, or for a date"
        context.report(error("WF255", step.time.span, message, help=help_))
    return SleepUntilStep(head, found)


def resolve_schedule(
    context: Context, step: syntax.WaitForScheduleStep, head: Head
) -> WaitForScheduleStep | None:
    """Resolve a wait for the next time that fits."""
    zone = step.timezone
    if zone is not None and not check_zone(context, zone):
        return None
    cron = " ".join(step.cron.fields)
    named = zone.text if zone and zone.text != UTC else None
    return WaitForScheduleStep(head, cron, named)


def check_zone(context: Context, zone: Name) -> bool:
    """Check that PostgreSQL knows a time zone.

    A constant is read when the statement is parsed, so that asking runs nothing.
    """
    quoted = zone.text.replace("'", "''")
    asked = f"cast('2000-01-01 00:00 {quoted}' as timestamp with time zone)"
    answer = context.catalog.typeof(asked)
    if not isinstance(answer, Rejected):
        return True
    message = f'PostgreSQL knows no time zone "{zone.text}"'
    help_ = "for example UTC, Europe/Berlin or America/New_York"
    context.report(error("WF155", zone.span, message, help=help_))
    return False
