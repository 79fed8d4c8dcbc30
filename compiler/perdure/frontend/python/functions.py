"""Functions that are part of expressions: `cast`, `func.lower`, `expr` and others."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

import perdure.authoring as authoring
from perdure.frontend.expr import parse_expr
from perdure.frontend.python import calls, expressions, rounds, texts, types
from perdure.frontend.python.context import Context
from perdure.source import Span
from perdure.syntax.expr import Call, Cast, Expr, Literal, Name

_Reader = Callable[[Context, ast.Call], Expr | None]


def _cast(ctx: Context, node: ast.Call) -> Expr | None:
    args = calls.positional(ctx, node, "cast(value, type)", 2)
    if args is None:
        return None
    value, type_ = expressions.expression(ctx, args[0]), types.named(ctx, args[1])
    if value is None or type_ is None:
        return None
    if type_.nullable:
        message = "the type of a cast is not null or not null: a null stays null"
        ctx.report("WF140", type_.span, message)
        return None
    return Cast(value, Name(type_.name, type_.span), ctx.span(node))


def _interval_call(ctx: Context, node: ast.Call) -> Expr | None:
    args = calls.positional(ctx, node, 'interval("1 day")', 1)
    text = (
        texts.constant_text(ctx, args[0], "the text of an interval") if args else None
    )
    if text is None:
        return None
    literal = Literal("string", text.value, text.span())
    return Cast(literal, Name("interval", ctx.span(node.func)), ctx.span(node))


def _written(ctx: Context, node: ast.Call) -> Expr | None:
    args = calls.positional(ctx, node, "expr(text)", 1)
    text = texts.constant_text(ctx, args[0], "an expression as text") if args else None
    if text is None:
        return None
    read: Expr | None = rounds.substituted(ctx, ctx.take(parse_expr(text)))
    return read


def _function(name: str) -> _Reader:
    def read(ctx: Context, node: ast.Call) -> Expr | None:
        return called(ctx, node, Name(name, ctx.span(node.func)))

    return read


def called(ctx: Context, node: ast.Call, function: Name) -> Expr | None:
    """Read the call of a function of PostgreSQL."""
    for keyword in node.keywords:
        message = "arguments have no names in an expression"
        ctx.report("WF193", ctx.places.span(keyword), message)
    args = [expressions.expression(ctx, each) for each in node.args]
    complete = tuple(each for each in args if each is not None)
    if node.keywords or len(complete) < len(args):
        return None
    return Call(function, complete, ctx.span(node))


def in_postgres(ctx: Context, node: ast.Call, attribute: ast.Attribute) -> Expr | None:
    """Read `func.lower(x)`."""
    name = attribute.attr.rstrip("_").lower()
    if not re.fullmatch(r"[a-z_]\w*", name):
        message = f'"{attribute.attr}" is not the name of a function'
        ctx.report("WF193", ctx.span(attribute), message)
        return None
    if name == "extract":
        name = "pg_catalog.extract"
    span = ctx.span(attribute)
    start = span.end - len(attribute.attr)
    return called(ctx, node, Name(name, Span(span.path, start, span.end)))


FUNCTIONS: Mapping[Any, _Reader] = {
    authoring.cast: _cast,
    authoring.coalesce: _function("coalesce"),
    authoring.now: _function("now"),
    authoring.interval: _interval_call,
    authoring.expr: _written,
}
