"""Readers of what requests and schedules have beside text: forms, parts, statuses."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from perdure.authoring import Part
from perdure.frontend.expr import parse_cron, parse_expr
from perdure.frontend.python import texts, values
from perdure.frontend.python.constants import UNKNOWN, constant
from perdure.frontend.python.context import Context, Given, Operand, name_of
from perdure.frontend.yaml.blocks import ZONE
from perdure.frontend.yaml.calls import SERVER_ERROR, STATUS
from perdure.frontend.yaml.language import Key
from perdure.frontend.yaml.rows_calls import PART
from perdure.source import Span
from perdure.syntax.expr import Expr, Name
from perdure.syntax.tree import Cron, FormPart, Template

BODIES = ("json", "body", "form", "multipart")
_WITH_PARTS = ("POST", "PUT", "PATCH")


def read_form(
    ctx: Context, operand: Operand, key: Key
) -> tuple[tuple[Name, Template], ...] | None:
    """Read the fields of a form; their names are any text."""
    pairs = values.pairs_of(ctx, operand, "a field")
    if pairs is None or _is_empty(ctx, operand, pairs, "fields"):
        return None
    read = [(name, texts.template(ctx, item)) for name, item in pairs]
    return tuple((name, text) for name, text in read if text is not None)


def _is_empty(
    ctx: Context, operand: Operand, found: Sequence[object], what: str
) -> bool:
    if not found:
        message = f"expected {what}, found an empty dict"
        ctx.report("WF118", ctx.span(operand), message)
    return not found


def read_parts(ctx: Context, operand: Operand, key: Key) -> tuple[FormPart, ...] | None:
    """Read the parts of a request: text, or `Part(...)`."""
    pairs = values.pairs_of(ctx, operand, "a part")
    if pairs is None or _is_empty(ctx, operand, pairs, "parts"):
        return None
    parts = [_part(ctx, name, item) for name, item in pairs]
    return tuple(each for each in parts if each is not None)


def _part(ctx: Context, name: Name, operand: Operand) -> FormPart | None:
    made = isinstance(operand, ast.Call) and constant(ctx, operand.func)
    if not isinstance(operand, ast.Call) or made is not Part:
        text = texts.template(ctx, operand)
        return FormPart(name, text) if text is not None else None
    known = {"source" if key.name == "from" else key.name: key for key in PART}
    given: dict[str, ast.expr] = {}
    for arg in operand.args:
        ctx.report("WF193", ctx.span(arg), "Part takes its options by name")
    for keyword in operand.keywords:
        if keyword.arg in known:
            given[keyword.arg] = keyword.value
        else:
            span = ctx.places.span(keyword)
            message = f'unknown option "{keyword.arg or "**"}" of Part'
            listed = "known options are " + ", ".join(known)
            ctx.report("WF111", span, message, listed)
    if ("body" in given) == ("source" in given):
        message = f'part "{name.text}" has either "body" or "source"'
        ctx.report("WF132", ctx.span(operand), message)
        return None
    return _made(ctx, name, given)


def _made(ctx: Context, name: Name, given: Mapping[str, ast.expr]) -> FormPart | None:
    def text(option: str) -> Template | None:
        return texts.template(ctx, given[option]) if option in given else None

    kind = None
    if "content_type" in given:
        found = texts.constant_text(ctx, given["content_type"], "a media type")
        kind = found.value if found is not None else None
    body, filename = text("body"), text("filename")
    return FormPart(name, body, _source(ctx, given), filename, kind)


def _source(ctx: Context, given: Mapping[str, ast.expr]) -> Name | None:
    node = given.get("source")
    if node is None:
        return None
    if isinstance(node, ast.Name):
        return name_of(ctx, node.id, ctx.span(node))
    message = "the source of a part is the result of an earlier request"
    ctx.report("WF193", ctx.span(node), message, help="write Part(source=download)")
    return None


def read_statuses(ctx: Context, operand: Operand, key: Key) -> tuple[Name, ...] | None:
    """Read the statuses that are no failure: one, or a list."""
    items: Sequence[Operand] = [operand]
    known = constant(ctx, operand)
    if isinstance(operand, (ast.List, ast.Tuple)):
        items = operand.elts
    elif isinstance(known, (list, tuple, range)):
        items = [Given(each, ctx.span(operand)) for each in known]
    names = [_status(ctx, item) for item in items]
    return tuple(name for name in names if name is not None) or None


def _status(ctx: Context, operand: Operand) -> Name | None:
    value, span = constant(ctx, operand), ctx.span(operand)
    word = str(value).lower() if isinstance(value, (str, int)) else ctx.shown(operand)
    if STATUS.fullmatch(word):
        return Name(word, span)
    if SERVER_ERROR.fullmatch(word):
        message = f'"{value}" is a failure of the server in any case'
        help_ = "leave it out; to go on after it, put the step in a try"
    else:
        message = f'"{word}" is not an HTTP status'
        help_ = 'write expect_status=[200, 404], or "2xx"'
    ctx.report("WF133", span, message, help=help_)
    return None


def check_request(ctx: Context, fields: Mapping[str, Any], place: Span) -> None:
    """Report a request with two bodies, or with parts that its method has not."""
    bodies = [each for each in BODIES if each in fields]
    if len(bodies) > 1:
        listed = " or ".join(f'"{each}"' for each in bodies)
        ctx.report("WF124", place, f"a request has {listed}, not both")
    method = fields.get("method")
    if "multipart" in fields and method and method.text not in _WITH_PARTS:
        message = f"a {method.text} request has no parts"
        help_ = f"it is {', '.join(_WITH_PARTS)}"
        ctx.report("WF123", method.span, message, help=help_)


# --- schedules ------------------------------------------------------------------


def read_cron(ctx: Context, operand: Operand, key: Key) -> Cron | None:
    """Read a cron expression."""
    text = texts.constant_text(ctx, operand, "a cron expression")
    return ctx.take(parse_cron(text)) if text is not None else None


def read_zone(ctx: Context, operand: Operand, key: Key) -> Name | None:
    """Read the name of a time zone, as text or as a `ZoneInfo`."""
    value = constant(ctx, operand)
    zone = getattr(value, "key", None) if value is not UNKNOWN else None
    given = Given(zone, ctx.span(operand)) if isinstance(zone, str) else operand
    text = texts.constant_text(ctx, given, "a time zone")
    if text is None:
        return None
    if not ZONE.fullmatch(text.value):
        message = f'"{text.value}" is not the name of a time zone'
        ctx.report("WF155", text.span(), message, help="for example Europe/Berlin")
        return None
    return Name(text.value, text.span())


def read_written(ctx: Context, operand: Operand, key: Key) -> Expr | None:
    """Read an expression over the inputs, which is text: a decorator sees no inputs."""
    text = texts.constant_text(ctx, operand, "an expression over the inputs, as text")
    if text is not None and re.match(r"[frb]{1,2}[\"']", text.value):
        message = "an expression over the inputs is PostgreSQL's, not Python's"
        help_ = "text is joined so: 'order ' || order_id"
        ctx.report("WF140", text.span(), message, help=help_)
        return None
    return ctx.take(parse_expr(text)) if text is not None else None
