"""Options of steps: the reader of every kind of value, and `retry`."""

from __future__ import annotations

import ast
import decimal
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from perdure.authoring import Retry as RetryOptions
from perdure.frontend.python import branches, requests, values
from perdure.frontend.python.constants import UNKNOWN, constant
from perdure.frontend.python.context import (
    Context,
    Given,
    Operand,
    nearest,
    short,
    suggestion,
)
from perdure.frontend.python.held import held, shown
from perdure.frontend.yaml.language import RETRY, Key, Kind
from perdure.source import Span
from perdure.syntax.expr import Name
from perdure.syntax.tree import Retry

_CONDITION = re.compile(r"[0-9A-Z]{2}|[0-9A-Z]{5}|[1-5]\d\d|transport")
DEFAULT_ATTEMPTS = 3


def read_retry(ctx: Context, operand: Operand, key: Key) -> Retry | None:
    """Read `retry`: a number of attempts, or `Retry(...)`."""
    span = ctx.span(operand)
    if isinstance(operand, ast.Name) and operand.id in ctx.literals:
        literal = ctx.literals[operand.id]
        if operand.id not in ctx.locals and isinstance(literal, ast.Call):
            operand = literal
    made = isinstance(operand, ast.Call) and constant(ctx, operand.func)
    if isinstance(operand, ast.Call) and made is RetryOptions:
        return _retry(ctx, _options(ctx, operand), span)
    known = constant(ctx, operand)
    if isinstance(known, RetryOptions):
        given = {each.name: held(getattr(known, each.name)) for each in RETRY}
        options = {
            name: Given(value, span)
            for name, value in given.items()
            if value is not None
        }
        return _retry(ctx, options, span)
    if isinstance(known, str) and re.fullmatch(r"[a-z_]\w*", known, re.A):
        return _shared_retry(ctx, known, span)
    if known is UNKNOWN or isinstance(known, (int, float, str)):
        count = read_count(ctx, operand, RETRY[0])
        return _retry(ctx, {"max_attempts": operand}, span) if count else None
    message = (
        f'expected a number of attempts or Retry(...), found "{ctx.shown(operand)}"'
    )
    ctx.report("WF193", span, message, help="write retry=Retry(max_attempts=5)")
    return None


def _shared_retry(ctx: Context, name: str, span: Span) -> Retry | None:
    """Return a policy of the project's shared definitions, by its name."""
    policy = ctx.shared.retries.get(name)
    if policy is None:
        meant = nearest(name, ctx.shared.retries)
        message = f'there is no shared retry policy "{name}"'
        help_ = "write retry=Retry(max_attempts=5)"
        if meant:
            help_ = f'did you mean "{meant}"?'
        ctx.report("WF137", span, message, help=help_)
    return policy


def _options(ctx: Context, node: ast.Call) -> dict[str, Operand]:
    known = [key.name for key in RETRY]
    options: dict[str, Operand] = dict(zip(known, node.args[:1], strict=False))
    for extra in node.args[1:]:
        help_ = 'write Retry(5, backoff="1s")'
        message = "Retry takes its options by name"
        ctx.report("WF193", ctx.span(extra), message, help=help_)
    for keyword in node.keywords:
        span = ctx.places.span(keyword)
        if keyword.arg in known:
            options[keyword.arg] = keyword.value
            continue
        word = Span(span.path, span.start, span.start + len(keyword.arg or "**"))
        meant = nearest(keyword.arg or "", known)
        note = () if meant else ("known options are " + ", ".join(known),)
        message = f'unknown option "{keyword.arg or "**"}" of Retry'
        ctx.report("WF111", word, message, *note, **suggestion(word, meant))
    return options


def _retry(ctx: Context, options: Mapping[str, Operand], span: Span) -> Retry | None:
    fields = {
        key.name: READERS[key.kind](ctx, options[key.name], key)
        for key in RETRY
        if key.name in options
    }
    return Retry(
        max_attempts=fields.get("max_attempts") or DEFAULT_ATTEMPTS,
        backoff=fields.get("backoff"),
        factor=fields.get("factor"),
        max_backoff=fields.get("max_backoff"),
        jitter=fields.get("jitter"),
        on=fields.get("on"),
        span=span,
    )


def read_count(ctx: Context, operand: Operand, key: Key) -> int | None:
    """Read a whole number from 1."""
    value = _known(ctx, operand, key)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**6:
        return value
    _wrong_number(ctx, operand, key, value)
    return None


def read_factor(ctx: Context, operand: Operand, key: Key) -> float | None:
    """Read a number from 1."""
    value = _known(ctx, operand, key)
    numbers = (int, float, decimal.Decimal)
    plain = isinstance(value, numbers) and not isinstance(value, bool)
    if plain and 1 <= value < 10**6:
        return float(value)
    _wrong_number(ctx, operand, key, value)
    return None


def read_flag(ctx: Context, operand: Operand, key: Key) -> bool | None:
    """Read True or False."""
    value = _known(ctx, operand, key)
    if isinstance(value, bool):
        return value
    _wrong_number(ctx, operand, key, value)
    return None


def _known(ctx: Context, operand: Operand, key: Key) -> Any:
    value = constant(ctx, operand)
    if value is UNKNOWN:
        ctx.report(
            "WF179",
            ctx.span(operand),
            f'"{ctx.shown(operand)}" is not known when the workflow is compiled',
            f"{key.kind.value} was expected",
            help="write it as a literal, or as a constant of the module",
        )
    return value


def _wrong_number(ctx: Context, operand: Operand, key: Key, value: Any) -> None:
    if value is UNKNOWN:
        return
    found = short(shown(value))
    expected = "True or False" if key.kind is Kind.FLAG else key.kind.value
    message = f'expected {expected} for "{key.name}", found {found}'
    ctx.report("WF122", ctx.span(operand), message)


def read_conditions(
    ctx: Context, operand: Operand, key: Key
) -> tuple[Name, ...] | None:
    """Read what is worth another attempt."""
    items: Sequence[Operand]
    if isinstance(operand, (ast.List, ast.Tuple)):
        items = operand.elts
    else:
        value = _known(ctx, operand, key)
        if not isinstance(value, (list, tuple)):
            _wrong_number(ctx, operand, key, value)
            return None
        items = [Given(each, ctx.span(operand)) for each in value]
    names = []
    for item in items:
        value, span = constant(ctx, item), ctx.span(item)
        if isinstance(value, (str, int)) and _CONDITION.fullmatch(str(value)):
            names.append(Name(str(value), span))
        else:
            shown = ctx.shown(item)
            message = f"{shown} is not an SQLSTATE, an HTTP status or transport"
            help_ = 'write on=["08", "40001", 503, "transport"]'
            ctx.report("WF130", span, message, help=help_)
    return tuple(names) or None


READERS: Mapping[Kind, Callable[[Context, Operand, Key], Any]] = {
    Kind.NAME: values.read_name,
    Kind.TEXT: values.read_text,
    Kind.TEMPLATE: values.read_template,
    Kind.SQL: values.read_sql_text,
    Kind.FILE: values.read_sql_file,
    Kind.DURATION: values.read_duration,
    Kind.TIMEOUT: values.read_timeout,
    Kind.DELAY: values.read_delay,
    Kind.TYPE: values.read_type,
    Kind.VALUE: values.read_value,
    Kind.HEADERS: values.read_headers,
    Kind.EXPECT: values.read_expect,
    Kind.EFFECTS: values.read_effects,
    Kind.RETRY: read_retry,
    Kind.COUNT: read_count,
    Kind.FACTOR: read_factor,
    Kind.FLAG: read_flag,
    Kind.CONDITIONS: read_conditions,
    Kind.LIMIT: values.read_limit,
    Kind.EXPRESSION: values.read_expression,
    Kind.STEPS: lambda ctx, operand, key: branches.read_undo(ctx, operand),
    Kind.CRON: requests.read_cron,
    Kind.ZONE: requests.read_zone,
    Kind.FORM: requests.read_form,
    Kind.PARTS: requests.read_parts,
    Kind.STATUSES: requests.read_statuses,
}
