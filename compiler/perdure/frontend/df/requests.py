"""Requests."""

from __future__ import annotations

import base64
import re

from perdure.frontend.df.context import Context, Goal
from perdure.frontend.df.fold import NotConstant, json_of
from perdure.frontend.df.literals import plain
from perdure.frontend.df.nodes import Node, Value
from perdure.frontend.df.scope import Binding
from perdure.frontend.df.sending import json_value
from perdure.frontend.df.times import fields_of
from perdure.source import Text
from perdure.syntax import tree
from perdure.syntax.expr import Name
from perdure.syntax.tree import (
    Duration,
    FormPart,
    HttpStep,
    ReturnStep,
    Step,
    Template,
)

_EATEN = re.compile(r"\$\w+(?:\.\w+)?\?(?=\w+=)")


def http(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.http` and `df.http_multipart`."""
    wanted = goal if goal.name or not goal.last else Goal("response", last=True)
    name = ctx.step_name(wanted)
    url = node.text("url")
    if url is None:
        raise ctx.refuse(node.span, "a request needs a URL", help="write it")
    body = node.text("body")
    method = node.text("method")
    verb = method.value.upper() if method else "POST"
    step = HttpStep(
        ctx.head(node.span, name),
        Name(verb, method.whole if method else node.span),
        _url(ctx, url),
        _headers(ctx, node),
        json=_json_body(ctx, node),
        body=ctx.template(body, "a body") if body and body.value else None,
        timeout=_limit(node),
        multipart=_parts(ctx, node) if node.kind == "http_multipart" else None,
    )
    ctx.bind(wanted.name, Binding(name or "", "http"))
    steps: list[Step] = [ctx.keep(step)]
    if goal.last and name:
        fields = fields_of(ctx, name, ("status", "ok", "body"), node.span)
        steps.append(ctx.keep(ReturnStep(ctx.head(node.span), fields)))
    return steps


def _url(ctx: Context, url: Text) -> Template:
    template = ctx.template(url, "a URL")
    inside = [each for each in template.parts[1:] if not isinstance(each, Text)]
    if inside:
        ctx.doubt(
            url.whole,
            "values inside of the URL are percent-encoded now",
            "remove encoding that was done by hand",
        )
    if match := _EATEN.search(url.value):
        ctx.doubt(
            url.span(*match.span()),
            f'the ? belongs to the reference "{match.group()[:-1]}", not to the URL',
            "add ? if parameters follow",
        )
    return template


def _json_body(ctx: Context, node: Node) -> tree.Value | None:
    """Return a body that is built as JSON, by jsonb_build_object for example."""
    body = node.values.get("body")
    return _json_value(ctx, body, node) if isinstance(body, dict | list) else None


def _json_value(ctx: Context, value: Value, node: Node) -> tree.Value:
    match value:
        case dict():
            entries = (
                (Name(key, node.span), _json_value(ctx, each, node))
                for key, each in value.items()
            )
            return tree.Mapping(tuple(entries), node.span)
        case list():
            items = (_json_value(ctx, each, node) for each in value)
            return tree.Listing(tuple(items), node.span)
        case Text() if value.value:
            return ctx.template(value, "a body")
    return json_value(value, node.span)


def _headers(ctx: Context, node: Node) -> tuple[tuple[Name, Template], ...]:
    given = node.values.get("headers")
    if isinstance(given, Text):
        try:
            given = json_of(given)
        except NotConstant as problem:
            raise ctx.refuse(
                node.span, problem.finding.message, help="write an object of headers"
            ) from None
    if not isinstance(given, dict):
        return ()
    found = []
    for name, value in given.items():
        text = value if isinstance(value, Text) else plain(_shown(value), node.span)
        found.append((Name(name, node.span), ctx.template(text, "a header")))
    return tuple(found)


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _limit(node: Node) -> Duration | None:
    seconds = node.values.get("timeout_seconds")
    if not isinstance(seconds, int) or seconds == 30:
        return None
    return Duration(seconds * 1000, node.span)


def _parts(ctx: Context, node: Node) -> tuple[FormPart, ...]:
    given = node.values.get("parts")
    if not isinstance(given, list) or not all(isinstance(p, dict) for p in given):
        raise ctx.refuse(node.span, "the parts are no array of objects", help="see df")
    return tuple(_part(ctx, node, part) for part in given if isinstance(part, dict))


def _part(ctx: Context, node: Node, part: dict[str, Value]) -> FormPart:
    def text(key: str) -> Text | None:
        value = part.get(key)
        return value if isinstance(value, Text) else None

    name, data, kind = text("name"), text("data_b64"), text("content_type")
    filename = text("filename")
    whole = re.fullmatch(r"\$(\w+)\.body", data.value) if data else None
    source = ctx.env.get(whole[1]) if whole else None
    body = None
    if source is None:
        body = _decoded(ctx, node, data)
    return FormPart(
        Name(name.value if name else "part", node.span),
        body,
        Name(source.name, node.span) if source else None,
        ctx.template(filename) if filename else None,
        kind.value if kind else None,
    )


def _decoded(ctx: Context, node: Node, data: Text | None) -> Template:
    """Return the text that a part holds in base64."""
    try:
        text = base64.b64decode(data.value if data else "", validate=False).decode()
    except ValueError:
        raise ctx.refuse(
            node.span,
            "this part is no text, and no body of a response",
            help="fetch it by an earlier request, and write $name.body",
        ) from None
    return Template((plain(text.replace("${", "$${"), node.span),), node.span)
