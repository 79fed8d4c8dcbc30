"""Sleeps, schedules and signals."""

from __future__ import annotations

import re

from perdure.frontend.df.columns import shape_of, with_name
from perdure.frontend.df.context import Context, Goal
from perdure.frontend.df.literals import plain
from perdure.frontend.df.nodes import Node, Value
from perdure.frontend.df.scope import Binding, identifier
from perdure.frontend.expr import parse_cron
from perdure.frontend.python.write_expr import postgres
from perdure.source import Span, Text
from perdure.syntax.expr import Expr, Name
from perdure.syntax.tree import (
    Duration,
    Mapping,
    ReturnStep,
    SleepStep,
    SleepUntilStep,
    SqlStep,
    Step,
    Template,
    WaitForScheduleStep,
    WaitForSignalStep,
)

_UNITS = {
    "millisecond": 1,
    "ms": 1,
    "second": 1000,
    "sec": 1000,
    "s": 1000,
    "minute": 60_000,
    "min": 60_000,
    "m": 60_000,
    "hour": 3_600_000,
    "h": 3_600_000,
    "day": 86_400_000,
    "d": 86_400_000,
    "week": 604_800_000,
    "w": 604_800_000,
}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", re.I)
_CLOCK = re.compile(r"\s*(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?\s*")
_CONSTANT = re.compile(
    r"\s*select\s+(interval\s*'[^']*'(?:\s*\*\s*\d+)?|'[^']*'::interval)\s*;?\s*", re.I
)
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def sleep(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.sleep`."""
    seconds = node.values.get("seconds")
    if isinstance(seconds, Text) and seconds.value.isdigit():
        seconds = int(seconds.value)
    if isinstance(seconds, Text):
        expr = ctx.template(seconds).parts[0]
        shown = postgres(expr) if not isinstance(expr, Text) else expr.value
        given: Duration | Expr = ctx.expr(f"interval '1 second' * {shown}", node.span)
    elif isinstance(seconds, int | float) and seconds >= 0:
        given = Duration(round(seconds * 1000), node.span)
    else:
        raise ctx.refuse(
            node.span, "a run can't sleep for that", help="write a number of seconds"
        )
    if goal.name:
        reason = "a sleep has no result"
        ctx.bind(goal.name, Binding(goal.name, "lost", reason=reason))
    return [ctx.keep(SleepStep(ctx.head(node.span), given))]


def sleep_for(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.sleep_for`: a query whose value is an interval."""
    del goal
    steps, expr = _computed(ctx, node, "interval '0'")
    return [*steps, ctx.keep(SleepStep(ctx.head(node.span), expr))]


def sleep_until(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.sleep_until`: a query whose value is a timestamptz."""
    del goal
    steps, expr = _computed(ctx, node, "run.started_at")
    return [*steps, ctx.keep(SleepUntilStep(ctx.head(node.span), expr))]


def _computed(ctx: Context, node: Node, null: str) -> tuple[list[Step], Expr]:
    """Return the value of a query, and the step that computes it.

    `null` is what stands for NULL: no wait at all.
    """
    text = node.text("query")
    assert text is not None
    match = _CONSTANT.fullmatch(text.value)
    free = match and ctx.bare(text, match[1])
    if free:
        return [], free
    written = ctx.sql(text)
    shape = shape_of(written)
    first = shape.columns[0] if shape.columns else None
    if first is None:
        raise ctx.refuse(
            text.whole, "this query gives no value", help="select one column"
        )
    written = with_name(written, first, "at") if first.name is None else written
    name = ctx.names.fresh("time")
    expect = None if shape.single else "one"
    head = ctx.head(node.span, name)
    step = SqlStep(head, ctx.statement(written, text), expect)  # type: ignore[arg-type]
    return [ctx.keep(step)], ctx.expr(
        f"coalesce({name}.{first.name or 'at'}, {null})", text.whole
    )


def signal(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.wait_for_signal`."""
    given = node.text("name")
    assert given is not None
    signal_name = identifier(given.value)
    if signal_name != given.value:
        ctx.doubt(
            given.whole,
            f'signal "{given.value}" is called "{signal_name}" now',
            "its senders must use that name",
        )
    seconds = node.values.get("timeout_seconds")
    if seconds is not None and not (isinstance(seconds, int) and seconds >= 0):
        raise ctx.refuse(
            seconds.whole if isinstance(seconds, Text) else node.span,
            "the timeout of a wait is a constant number of seconds",
            help="write the number",
        )
    limit = None if seconds is None else Duration(seconds * 1000, node.span)
    wanted = goal if goal.name or not goal.last else Goal(signal_name, last=True)
    name = ctx.step_name(wanted)
    ctx.bind(wanted.name, Binding(name or "", "signal", signal=given.value))
    head = ctx.head(node.span, name)
    step = WaitForSignalStep(head, Name(signal_name, given.whole), None, limit)
    steps: list[Step] = [ctx.keep(step)]
    if goal.last and name:
        fields = _fields(ctx, name, ("timed_out", "data"), node.span)
        sent = Template((given,), given.whole)
        word = (Name("signal_name", node.span), sent)
        fields = Mapping((word, *fields.entries), node.span)
        steps.append(ctx.keep(ReturnStep(ctx.head(node.span), fields)))
    return steps


def _fields(ctx: Context, name: str, fields: tuple[str, ...], span: Span) -> Mapping:
    """Return an object with members of a result."""
    entries = (
        (Name(each, span), Template((ctx.expr(f"{name}.{each}", span),), span))
        for each in fields
    )
    return Mapping(tuple(entries), span)


fields_of = _fields


def schedule(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.wait_for_schedule`; pg_durable counts days of the week from 1."""
    text = node.text("cron_expr")
    assert text is not None
    zone = node.text("timezone")
    value = text.value
    if ctx.dialect == "pg_durable":
        value = _unix(ctx, text)
    cron, found = parse_cron(plain(value, text.whole))
    if cron is None:
        raise ctx.refuse(text.whole, found[0].message, help="write five fields of cron")
    ctx.bind(goal.name, Binding(goal.name or "", "schedule"))
    timezone = Name(zone.value, zone.whole) if zone else None
    step = WaitForScheduleStep(ctx.head(node.span), cron, timezone)
    return [ctx.keep(step)]


def _unix(ctx: Context, text: Text) -> str:
    """Return a schedule of pg_durable with the days of the week by name."""
    fields = text.value.split()
    if len(fields) != 5:
        return text.value
    if fields[4] not in ("*", "?") and fields[2] not in ("*", "?"):
        raise ctx.refuse(
            text.whole,
            "both fields of days are restricted",
            "pg_durable waits for a day that fits both, a workflow for either",
            help="restrict one, and ask for the other by if after the wait",
        )
    numbers = re.sub(r"/\d+", "", fields[4])
    if re.search(r"[1-7]", numbers):
        days = re.sub(r"(?<![/\d])[1-7]", lambda m: _DAYS[int(m[0]) - 1], fields[4])
        ctx.doubt(
            text.whole,
            f'day "{fields[4]}" of the week is {days}: pg_durable counts Sunday as 1',
            "see that this is the day that was meant",
        )
        fields[4] = days
    return " ".join("*" if each == "?" else each for each in fields)


def milliseconds(ctx: Context, value: Value, span: Span) -> int:
    """Return the length of a constant interval."""
    if not isinstance(value, Text):
        raise ctx.refuse(span, "this is no interval", help="write '10 minutes'")
    total, at = 0.0, 0
    while at < len(value.value):
        if match := _PART.match(value.value, at):
            unit = match[2].lower()
            length = _UNITS.get(unit) or _UNITS.get(unit.removesuffix("s"))
            if length is None:
                break
            total += float(match[1]) * length
        elif match := _CLOCK.match(value.value, at):
            total += int(match[1]) * 3_600_000 + int(match[2]) * 60_000
            total += float(match[3] or 0) * 1000
        else:
            break
        at = match.end()
    if at < len(value.value) or not value.value.strip():
        raise ctx.refuse(
            value.whole,
            f'"{value.value}" is no interval of a fixed length',
            help="write it in weeks, days, hours, minutes, seconds",
        )
    return round(total)
