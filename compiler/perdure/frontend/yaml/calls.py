"""Readers and builders of calls, of a workflow's options, and of rich requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from perdure.frontend.yaml.context import (
    Context,
    Fields,
    entries,
    items,
    name_of,
    scalar,
    word_of,
    wrong_kind,
)
from perdure.frontend.yaml.nodes import MappingNode, Node, ScalarNode
from perdure.frontend.yaml.records import read_record
from perdure.frontend.yaml.rows_calls import CONCURRENCY, OPTIONS, OVERLAPS, PART
from perdure.frontend.yaml.table import Key, Kind
from perdure.frontend.yaml.values import read_count, read_result, read_template
from perdure.syntax.expr import Name
from perdure.syntax.tree import (
    CallStep,
    Concurrency,
    FormPart,
    Head,
    Options,
    Schedule,
    SendStep,
    StartStep,
    Step,
    Template,
    Value,
)

STATUS = re.compile(r"[1-4]\d\d|[1-4]xx", re.A)
SERVER_ERROR = re.compile(r"5\d\d|5xx", re.A)
_FIELD = Key("form", Kind.TEMPLATE, "The text of a field.")
_VALUE = Key("with", Kind.RESULT, "The value of an input.")


# --- values ---------------------------------------------------------------------


def read_arguments(
    ctx: Context, node: Node, key: Key
) -> tuple[tuple[Name, Value], ...] | None:
    """Read the values for the inputs of a workflow."""
    help_ = 'write with: {order_id: "${order.id}"}'
    found = entries(ctx, node, key, help_)
    pairs = []
    for name, child in found:
        bound, value = name_of(ctx, name), read_result(ctx, child, _VALUE)
        if bound and value is not None:
            pairs.append((bound, value))
    return tuple(pairs) if found and len(pairs) == len(found) else None


def read_form(
    ctx: Context, node: Node, key: Key
) -> tuple[tuple[Name, Template], ...] | None:
    """Read the fields of a form; their names are any text."""
    found = entries(ctx, node, key, "write form: {field: text}")
    pairs = []
    for name, child in found:
        value = read_template(ctx, child, _FIELD)
        if value is not None:
            pairs.append((Name(name.value, name.span), value))
    return tuple(pairs) if found and len(pairs) == len(found) else None


def read_parts(ctx: Context, node: Node, key: Key) -> tuple[FormPart, ...] | None:
    """Read the parts of a request."""
    help_ = "write multipart: {note: text, file: {from: download}}"
    found = entries(ctx, node, key, help_)
    parts = [_part(ctx, name, child) for name, child in found]
    kept = tuple(part for part in parts if part is not None)
    return kept if found and len(kept) == len(found) else None


def _part(ctx: Context, name: ScalarNode, node: Node) -> FormPart | None:
    bound = Name(name.value, name.span)
    if isinstance(node, ScalarNode):
        text = read_template(ctx, node, _FIELD)
        return FormPart(bound, text) if text else None
    if not isinstance(node, MappingNode):
        wrong_kind(ctx, node, "text or a mapping")
        return None
    record = read_record(ctx, node, PART, f'part "{name.value}"')
    if record is None:
        return None
    fields = record.values
    if record.sound and ("body" in fields) == ("from" in fields):
        message = f'part "{name.value}" has either "body" or "from"'
        ctx.report("WF132", name.span, message)
        return None
    return FormPart(
        bound,
        fields.get("body"),
        fields.get("from"),
        fields.get("filename"),
        fields.get("content_type"),
    )


def read_statuses(ctx: Context, node: Node, key: Key) -> tuple[Name, ...] | None:
    """Read the statuses that are no failure: one, or a list."""
    help_ = "write expect_status: [200, 404], or 2xx"
    nodes = [node] if isinstance(node, ScalarNode) else []
    names = []
    for item in nodes or items(ctx, node, key, help_):
        found = scalar(ctx, item, "an HTTP status", help_)
        if found is None:
            continue
        word = found.value.lower()
        if STATUS.fullmatch(word):
            names.append(Name(word, found.span))
        elif SERVER_ERROR.fullmatch(word):
            message = f'"{found.value}" is a failure of the server in any case'
            help_ = "leave it out; to go on after it, put the step in a try"
            ctx.report("WF133", found.span, message, help=help_)
        else:
            message = f'"{found.value}" is not an HTTP status'
            ctx.report("WF133", found.span, message, help=help_)
    return tuple(names) or None


def read_overlap(ctx: Context, node: Node, key: Key) -> Name | None:
    """Read `skip`, `queue` or `allow`."""
    return word_of(ctx, node, key, OVERLAPS, "WF134", "a way to overlap")


def read_concurrency(ctx: Context, node: Node, key: Key) -> Concurrency | None:
    """Read how many runs go on at a time: a number, or a mapping."""
    if isinstance(node, ScalarNode) and not node.nothing:
        limit = read_count(ctx, node, Key(key.name, Kind.COUNT, ""))
        return Concurrency(limit, None, node.span) if limit else None
    if not isinstance(node, MappingNode):
        wrong_kind(ctx, node, key.kind.value, "write concurrency: {limit: 1}")
        return None
    record = read_record(ctx, node, CONCURRENCY, '"concurrency"')
    if record is None:
        return None
    return Concurrency(record.values["limit"], record.values.get("key"), node.span)


def _is_number(node: Node) -> bool:
    """Say whether a value is a number that stands there without quotes."""
    if not isinstance(node, ScalarNode) or not node.plain:
        return False
    return re.fullmatch(r"[-+]?\d+(\.\d*)?", node.value, re.A) is not None


def read_identifier(ctx: Context, node: Node, key: Key) -> Name | None:
    """Read a name of the database's; it may have any letters."""
    found = scalar(ctx, node, key.kind.value)
    if found is None:
        return None
    if _is_number(node):
        message = f"a name of the database's was expected, found {found.value}"
        help_ = f'a name that is a number is written "{found.value}", in quotes'
        ctx.report("WF135", found.span, message, help=help_)
        return None
    if not 0 < len(found.value.encode()) <= 63 or "\0" in found.value:
        message = f'"{found.value[:40]}" is not a name that PostgreSQL can have'
        ctx.report("WF135", found.span, message)
        return None
    return Name(found.value, found.span)


def read_schemas(ctx: Context, node: Node, key: Key) -> tuple[Name, ...] | None:
    """Read the schemas of a search path: one, or a list."""
    if isinstance(node, ScalarNode) and not node.nothing:
        found = read_identifier(ctx, node, key)
        return (found,) if found else None
    help_ = "write search_path: [shop, public]"
    names = [
        read_identifier(ctx, item, Key(key.name, Kind.IDENTIFIER, ""))
        for item in items(ctx, node, key, help_)
    ]
    kept = tuple(name for name in names if name is not None)
    return kept if kept and len(kept) == len(names) else None


# --- options of a workflow ------------------------------------------------------


def options_of(ctx: Context, fields: Fields, given: set[str]) -> Options | None:
    """Return the options among the values of a workflow; None when it has none.

    `given` are the keys of the workflow, those with a wrong value included.
    """
    for name in ("timezone", "overlap"):
        if name in fields and "schedule" not in given:
            span = fields[name].span
            ctx.report("WF136", span, f'"{name}" without "schedule" means nothing')
    if not any(key.name in fields for key in OPTIONS):
        return None
    schedule = None
    if "schedule" in fields:
        overlap = fields.get("overlap")
        schedule = Schedule(
            fields["schedule"],
            fields.get("timezone"),
            cast("Any", overlap.text if overlap else "skip"),
        )
    return Options(
        fields.get("timeout"),
        fields.get("idempotency_key"),
        fields.get("concurrency"),
        fields.get("on_failure"),
        schedule,
        fields.get("role"),
        fields.get("database"),
        fields.get("search_path"),
    )


# --- builders, by kind ----------------------------------------------------------


def _call(ctx: Context, head: Head, fields: Fields) -> Step:
    return CallStep(head, fields["call"], fields.get("with", ()), fields.get("retry"))


def _start(ctx: Context, head: Head, fields: Fields) -> Step:
    return StartStep(
        head,
        fields["start"],
        fields.get("with", ()),
        fields.get("key"),
        fields.get("retry"),
    )


def _send(ctx: Context, head: Head, fields: Fields) -> Step:
    return SendStep(
        head, fields["signal"], fields["to"], fields.get("data"), fields.get("retry")
    )


CALL_BUILDERS: Mapping[str, Callable[[Context, Head, Fields], Step]] = {
    "call": _call,
    "start": _start,
    "signal": _send,
}

CALL_READERS: Mapping[Kind, Callable[[Context, Node, Key], Any]] = {
    Kind.ARGUMENTS: read_arguments,
    Kind.FORM: read_form,
    Kind.PARTS: read_parts,
    Kind.STATUSES: read_statuses,
    Kind.OVERLAP: read_overlap,
    Kind.CONCURRENCY: read_concurrency,
    Kind.IDENTIFIER: read_identifier,
    Kind.SCHEMAS: read_schemas,
}
