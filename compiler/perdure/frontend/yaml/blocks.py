"""Readers and builders of control flow beyond `if`, `loop` and branches."""

from __future__ import annotations

import re
from collections.abc import Callable

from perdure.frontend.expr import parse_cron
from perdure.frontend.yaml.context import Context, Fields, entries, name_of, scalar
from perdure.frontend.yaml.language import NAME_PATTERN
from perdure.frontend.yaml.nodes import MappingNode, Node, ScalarNode
from perdure.frontend.yaml.records import bound_names
from perdure.frontend.yaml.table import Key, Kind
from perdure.frontend.yaml.values import read_value
from perdure.source import Text
from perdure.syntax.expr import Name
from perdure.syntax.tree import (
    Case,
    Cron,
    ForeachStep,
    GroupStep,
    Head,
    Mapping,
    SleepUntilStep,
    Step,
    SwitchStep,
    TransactionStep,
    TryStep,
    WaitForScheduleStep,
)

_STEPS_OF_CASE = Key("steps", Kind.STEPS, "The steps of a case.", required=True)
_COLUMN = Key("collect", Kind.VALUE, "The value of a column.")
_EACH = re.compile(r"\s*(\S+)\s+in\s+(\S+)\s*")
_PATH = re.compile(rf"{NAME_PATTERN}(\.{NAME_PATTERN})*(\.{NAME_PATTERN}|\.\*)")
ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", re.A)


# --- values ---------------------------------------------------------------------


NO_CASES = ("default", "else")
"""Words that are a case only in quotes: who writes them means what no case fits."""
NULL_CASES = ("null", "Null", "NULL", "~")


def read_cases(ctx: Context, node: Node, key: Key) -> tuple[Case, ...] | None:
    """Read the cases of a `switch`: a constant for each list of steps."""
    cases = []
    help_ = "write cases: {new: [...], shipped: [...]}"
    for value, child in entries(ctx, node, key, help_):
        steps = ctx.read(child, _STEPS_OF_CASE)
        if value.plain and value.value in NO_CASES:
            message = f'"{value.value}" stands among the cases of a "switch"'
            quoted = f"for the text, put it in quotes: '{value.value}'"
            help_ = "write `default:` beside `cases:`, below `switch:`"
            ctx.report("WF115", value.span, message, quoted, help=help_)
            ctx.unread.update(bound_names(child))
        elif value.plain and value.value in NULL_CASES:
            message = f'"{value.value}" is no case, null equals no value'
            quoted = f"for the text, put it in quotes: '{value.value}'"
            help_ = "null goes to `default`; to tell it from other values, use "
            help_ += "`if` with `is null`"
            ctx.report("WF236", value.span, message, quoted, help=help_)
            ctx.unread.update(bound_names(child))
        elif steps is not None:
            cases.append(Case(value.text, steps))
        else:
            ctx.unread.update(bound_names(child))
    return tuple(cases) or None


def read_each(ctx: Context, node: Node, key: Key) -> tuple[Name, Name] | None:
    """Read `item in step`."""
    help_ = "write foreach: item in step"
    found = scalar(ctx, node, key.kind.value, help_)
    if found is None:
        return None
    match = _EACH.fullmatch(found.value)
    if match is None:
        message = f'expected a name, "in" and a step, found "{found.value}"'
        ctx.report("WF231", found.span, message, help=help_)
        return None
    item = _word(ctx, found, *match.span(1))
    if _PATH.fullmatch(match[2]):
        _no_step(ctx, found.text.slice(*match.span(2)))
        return None
    source = _word(ctx, found, *match.span(2))
    return (item, source) if item and source else None


def _no_step(ctx: Context, text: Text) -> None:
    """Report a part of a result in the place of a step, before it is known what."""
    message = f'"{text.value}" is no step, `foreach` takes the result of an sql step'
    help_ = (
        f"select its parts in a step of its own: unnest(:{text.value}) of an array, "
        f"jsonb_array_elements(:{text.value}) of json"
    )
    if text.value.endswith(".*"):
        help_ = f'write the name alone, "{text.value.removesuffix(".*")}"'
    ctx.report("WF233", text.span(), message, help=help_)


def _word(ctx: Context, node: ScalarNode, start: int, end: int) -> Name | None:
    """Return a name that stands inside of a scalar."""
    part = node.text.slice(start, end)
    return name_of(ctx, ScalarNode(part, node.plain))


def read_columns(ctx: Context, node: Node, key: Key) -> Mapping | None:
    """Read the columns of `collect`: names and values."""
    columns = []
    help_ = 'write collect: {id: "${item.id}"}'
    found = entries(ctx, node, key, help_)
    for name, child in found:
        bound, value = name_of(ctx, name), read_value(ctx, child, _COLUMN)
        if bound and value is not None:
            columns.append((bound, value))
    complete = found and len(columns) == len(found)
    return Mapping(tuple(columns), node.span) if complete else None


def read_cron(ctx: Context, node: Node, key: Key) -> Cron | None:
    """Read a cron expression."""
    help_ = "put an expression that begins with * in quotes"
    if isinstance(node, MappingNode):
        help_ = f'write {key.name}: "0 9 * * 1-5", and other keys beside `{key.name}`'
    found = scalar(ctx, node, key.kind.value, help_)
    return ctx.take(parse_cron(found.text)) if found else None


def read_zone(ctx: Context, node: Node, key: Key) -> Name | None:
    """Read the name of a time zone; whether there is such a one is asked later."""
    found = scalar(ctx, node, key.kind.value)
    if found is None:
        return None
    if not ZONE.fullmatch(found.value):
        message = f'"{found.value}" is not the name of a time zone'
        ctx.report("WF155", found.span, message, help="for example Europe/Berlin")
        return None
    return Name(found.value, found.span)


# --- builders, by kind ----------------------------------------------------------


def _switch(ctx: Context, head: Head, fields: Fields) -> Step:
    return SwitchStep(head, fields["switch"], fields["cases"], fields.get("default"))


def _try(ctx: Context, head: Head, fields: Fields) -> Step:
    error, handler = fields.get("catch"), fields.get("do")
    last = fields.get("finally")
    if (error is None) != (handler is None):
        if _has_mistakes(ctx, head):
            return TryStep(head, fields["try"], None, None, last)
        there, missing = ("catch", "do") if error else ("do", "catch")
        message = f'a `try` with "{there}" needs "{missing}"'
        help_ = "write catch: err, and the steps that handle it below do:"
        ctx.report("WF232", head.span, message, help=help_)
        error = handler = None
    elif error is None and last is None and not _has_mistakes(ctx, head):
        message = "a `try` needs `catch` or `finally`"
        help_ = "add catch: err with do:, or finally:"
        ctx.report("WF232", head.span, message, help=help_)
    return TryStep(head, fields["try"], error, handler, last)


def _has_mistakes(ctx: Context, head: Head) -> bool:
    """Say whether something in a step was found wrong, so that parts are missing."""
    spans = (each.span for each in ctx.found)
    return any(
        span and head.whole.start <= span.start < head.whole.end for span in spans
    )


def _foreach(ctx: Context, head: Head, fields: Fields) -> Step:
    item, source = fields["foreach"]
    bound, columns = fields.get("max_parallel"), fields.get("collect")
    return ForeachStep(head, item, source, fields["do"], bound, columns)


def _transaction(ctx: Context, head: Head, fields: Fields) -> Step:
    return TransactionStep(head, fields["transaction"], fields.get("retry"))


def _group(ctx: Context, head: Head, fields: Fields) -> Step:
    return GroupStep(head, fields["do"], fields.get("retry"))


def _sleep_until(ctx: Context, head: Head, fields: Fields) -> Step:
    return SleepUntilStep(head, fields["sleep_until"])


def _schedule(ctx: Context, head: Head, fields: Fields) -> Step:
    return WaitForScheduleStep(
        head, fields["wait_for_schedule"], fields.get("timezone")
    )


BUILDERS: dict[str, Callable[[Context, Head, Fields], Step]] = {
    "switch": _switch,
    "try": _try,
    "foreach": _foreach,
    "transaction": _transaction,
    "do": _group,
    "sleep_until": _sleep_until,
    "wait_for_schedule": _schedule,
}
