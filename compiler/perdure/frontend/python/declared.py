"""What `@workflow(...)` says of the runs of a workflow.

Expressions over the inputs stand there as text, in PostgreSQL's syntax, as in YAML: a
decorator does not see the parameters of the function below it. The rejected way, a
lambda with the same parameters, says every name twice.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, cast

from perdure.authoring import Concurrency as ConcurrencyOptions
from perdure.frontend.python import options, requests, texts, values
from perdure.frontend.python.constants import UNKNOWN, constant
from perdure.frontend.python.context import (
    Context,
    Given,
    Operand,
    nearest,
    short,
    suggestion,
)
from perdure.frontend.python.held import held
from perdure.frontend.yaml.language import Key, Kind
from perdure.frontend.yaml.rows_calls import CONCURRENCY, OPTIONS, OVERLAPS
from perdure.source import Span
from perdure.syntax.expr import Expr, Name
from perdure.syntax.tree import Concurrency, Options, Schedule, Step

KEYS: Mapping[str, Key] = {key.name: key for key in OPTIONS if key.name != "on_failure"}
"""The keywords of `@workflow(...)` beside `name`."""


def read_declared(
    ctx: Context, decorator: ast.expr | None, failure: tuple[Step, ...] | None
) -> Options | None:
    """Return the options of a workflow; None when it has none."""
    given = decorator.keywords if isinstance(decorator, ast.Call) else []
    fields: dict[str, Any] = {}
    for keyword in given:
        span = ctx.places.span(keyword)
        word = Span(span.path, span.start, span.start + len(keyword.arg or "**"))
        key = KEYS.get(keyword.arg or "")
        if keyword.arg == "name":
            continue
        if key is None:
            _unknown(ctx, keyword.arg, word)
        elif not isinstance(keyword.value, ast.Constant) or keyword.value.value:
            value = _READERS[key.kind](ctx, keyword.value, key)
            if value is not None:
                fields[key.name] = value
    for name in ("timezone", "overlap"):
        if name in fields and "schedule" not in {each.arg for each in given}:
            message = f'"{name}" without "schedule" means nothing'
            ctx.report("WF136", fields[name].span, message)
    if not fields and failure is None:
        return None
    return Options(
        fields.get("timeout"),
        fields.get("idempotency_key"),
        fields.get("concurrency"),
        failure,
        _schedule(fields),
        fields.get("role"),
        fields.get("database"),
        fields.get("search_path"),
    )


def _schedule(fields: Mapping[str, Any]) -> Schedule | None:
    if "schedule" not in fields:
        return None
    overlap = fields.get("overlap")
    how = cast("Any", overlap.text if overlap else "skip")
    return Schedule(fields["schedule"], fields.get("timezone"), how)


def _unknown(ctx: Context, name: str | None, word: Span) -> None:
    if name is None:
        message = "options can't be unpacked from a dict"
        ctx.report("WF193", word, message, help="give each option by name")
        return
    if name == "on_failure":
        message = "the steps of on_failure stand inside of the workflow"
        help_ = "write @on_failure on a function in it: def failed(err: Failure):"
        ctx.report("WF111", word, message, help=help_)
        return
    known = ["name", *KEYS]
    meant = nearest(name, known)
    note = () if meant else ("known options are " + ", ".join(known),)
    message = f'unknown option "{name}" of a workflow'
    ctx.report("WF111", word, message, *note, **suggestion(word, meant))


# --- values ---------------------------------------------------------------------


def _identifier(ctx: Context, operand: Operand, key: Key) -> Name | None:
    """Read a name of the database's; it may have any letters."""
    text = texts.constant_text(ctx, operand, key.kind.value)
    if text is None:
        return None
    if not 0 < len(text.value.encode()) <= 63:
        message = f'"{short(text.value)}" is not a name that PostgreSQL can have'
        ctx.report("WF135", text.span(), message)
        return None
    return Name(text.value, text.span())


def _schemas(ctx: Context, operand: Operand, key: Key) -> tuple[Name, ...] | None:
    """Read the schemas of a search path: one, or a list."""
    known = constant(ctx, operand)
    items: list[Operand] = [operand]
    if isinstance(operand, (ast.List, ast.Tuple)):
        items = [*operand.elts]
    elif isinstance(known, (list, tuple)):
        items = [Given(each, ctx.span(operand)) for each in known]
    if not items:
        message = "expected a schema or a list of them, found an empty list"
        ctx.report("WF118", ctx.span(operand), message)
    names = [_identifier(ctx, item, key) for item in items]
    kept = tuple(name for name in names if name is not None)
    return kept if kept and len(kept) == len(names) else None


def _overlap(ctx: Context, operand: Operand, key: Key) -> Name | None:
    text = texts.constant_text(ctx, operand, key.kind.value)
    if text is None or text.value in OVERLAPS:
        return Name(text.value, text.span()) if text is not None else None
    message = f'expected a way to overlap, found "{short(text.value)}"'
    known = "it can be " + ", ".join(OVERLAPS)
    meant = nearest(text.value, OVERLAPS)
    ctx.report("WF134", text.span(), message, known, **suggestion(text.span(), meant))
    return None


def _concurrency(ctx: Context, operand: Operand, key: Key) -> Concurrency | None:
    """Read how many runs go on at a time: a number, or `Concurrency(...)`."""
    span = ctx.span(operand)
    made = isinstance(operand, ast.Call) and constant(ctx, operand.func)
    if isinstance(operand, ast.Call) and made is ConcurrencyOptions:
        given: dict[str, Operand] = dict(
            zip(("limit", "key"), operand.args, strict=False)
        )
        given |= {each.arg or "**": each.value for each in operand.keywords}
        return _made_concurrency(ctx, given, span)
    known = constant(ctx, operand)
    if isinstance(known, ConcurrencyOptions):
        given = {"limit": Given(held(known.limit), span)}
        given |= {"key": Given(held(known.key), span)} if known.key is not None else {}
        return _made_concurrency(ctx, given, span)
    if known is not UNKNOWN and not isinstance(known, int):
        found = ctx.shown(operand)
        message = f'expected a number of runs or Concurrency(...), found "{found}"'
        help_ = 'write concurrency=Concurrency(limit=1, key="email")'
        ctx.report("WF193", span, message, help=help_)
        return None
    return _made_concurrency(ctx, {"limit": operand}, span)


def _made_concurrency(
    ctx: Context, given: Mapping[str, Operand], span: Span
) -> Concurrency | None:
    known = {key.name: key for key in CONCURRENCY}
    for name in given.keys() - known.keys():
        message = f'unknown option "{name}" of Concurrency'
        ctx.report("WF111", span, message, "known options are limit, key")
        return None
    if "limit" not in given:
        ctx.report("WF193", span, 'Concurrency has no "limit"', help="add limit=1")
        return None
    limit = options.read_count(ctx, given["limit"], known["limit"])
    key: Expr | None = None
    if "key" in given:
        key = requests.read_written(ctx, given["key"], known["key"])
        if key is None:
            return None
    return Concurrency(limit, key, span) if limit is not None else None


_READERS: Mapping[Kind, Callable[[Context, Operand, Key], Any]] = {
    Kind.CRON: requests.read_cron,
    Kind.ZONE: requests.read_zone,
    Kind.OVERLAP: _overlap,
    Kind.LIMIT: values.read_limit,
    Kind.EXPRESSION: requests.read_written,
    Kind.CONCURRENCY: _concurrency,
    Kind.IDENTIFIER: _identifier,
    Kind.SCHEMAS: _schemas,
}
