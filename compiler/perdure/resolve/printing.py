"""Expressions printed as SQL: one canonical, fully parenthesised spelling.

References stay open, because how a value is read depends on the target. Each piece
of the print knows which characters of the file it stands for, so that a position in
the printed text leads back to the exact place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from perdure.ir.expr import Reference
from perdure.resolve.context import Context
from perdure.resolve.references import resolve_reference
from perdure.resolve.scope import Env
from perdure.resolve.types import resolve_scalar
from perdure.source import Span
from perdure.syntax.expr import (
    Between,
    Binary,
    Call,
    Case,
    Cast,
    Expr,
    InList,
    IsTest,
    Literal,
    Ref,
    Unary,
)

_WITHOUT_PARENTHESES = frozenset(
    [
        "current_catalog",
        "current_date",
        "current_role",
        "current_schema",
        "current_time",
        "current_timestamp",
        "current_user",
        "localtime",
        "localtimestamp",
        "session_user",
    ]
)
"""Functions that PostgreSQL's grammar calls by their bare name."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the print and the place that it stands for; no content is an error.

    `ref` is what a reference was written as.
    """

    content: str | Reference | None
    span: Span
    ref: Ref | None = None


def print_expr(context: Context, env: Env, expr: Expr) -> list[Piece] | None:
    """Print an expression; None when a name or a type in it was found wrong."""
    pieces = list(_print(context, env, expr))
    return None if any(piece.content is None for piece in pieces) else pieces


def _print(context: Context, env: Env, expr: Expr) -> Iterator[Piece]:
    match expr:
        case Literal():
            yield Piece(_literal(expr), expr.span)
        case Ref():
            found = resolve_reference(context, env, expr.parts, expr.span)
            yield Piece(found, expr.span, expr)
        case Unary():
            op = "not " if expr.op == "not" else expr.op
            yield Piece(f"({op}", expr.span)
            yield from _print(context, env, expr.operand)
            yield Piece(")", expr.span)
        case Binary():
            yield Piece("(", expr.span)
            yield from _print(context, env, expr.left)
            yield Piece(" ", expr.op_span)
            yield Piece(expr.op, expr.op_span)
            yield Piece(" ", expr.op_span)
            yield from _print(context, env, expr.right)
            yield Piece(")", expr.span)
        case IsTest():
            yield Piece("(", expr.span)
            yield from _print(context, env, expr.operand)
            yield Piece(f" is {_not(expr.negated)}{expr.test})", expr.span)
        case InList():
            yield from _print_in(context, env, expr)
        case Between():
            yield from _print_between(context, env, expr)
        case Case():
            yield from _print_case(context, env, expr)
        case Cast():
            yield from _print_cast(context, env, expr)
        case Call():
            yield from _print_call(context, env, expr)


def _print_in(context: Context, env: Env, expr: InList) -> Iterator[Piece]:
    yield Piece("(", expr.span)
    yield from _print(context, env, expr.operand)
    yield Piece(f" {_not(expr.negated)}in (", expr.span)
    yield from _print_list(context, env, expr.items, expr.span)
    yield Piece("))", expr.span)


def _print_between(context: Context, env: Env, expr: Between) -> Iterator[Piece]:
    yield Piece("(", expr.span)
    yield from _print(context, env, expr.operand)
    yield Piece(f" {_not(expr.negated)}between ", expr.span)
    yield from _print(context, env, expr.low)
    yield Piece(" and ", expr.span)
    yield from _print(context, env, expr.high)
    yield Piece(")", expr.span)


def _print_case(context: Context, env: Env, expr: Case) -> Iterator[Piece]:
    yield Piece("(case", expr.span)
    if expr.operand is not None:
        yield Piece(" ", expr.span)
        yield from _print(context, env, expr.operand)
    for when in expr.whens:
        yield Piece(" when ", expr.span)
        yield from _print(context, env, when.condition)
        yield Piece(" then ", expr.span)
        yield from _print(context, env, when.result)
    if expr.otherwise is not None:
        yield Piece(" else ", expr.span)
        yield from _print(context, env, expr.otherwise)
    yield Piece(" end)", expr.span)


def _print_cast(context: Context, env: Env, expr: Cast) -> Iterator[Piece]:
    type_ = resolve_scalar(context, expr.type.text, expr.type.span)
    yield Piece("cast(", expr.span)
    yield from _print(context, env, expr.operand)
    yield Piece(" as ", expr.span)
    yield Piece(type_.name if type_ else None, expr.type.span)
    yield Piece(")", expr.span)


def _print_call(context: Context, env: Env, expr: Call) -> Iterator[Piece]:
    name = expr.function.text
    yield Piece(name, expr.function.span)
    if name in _WITHOUT_PARENTHESES and not expr.args:
        return
    yield Piece("(", expr.span)
    yield from _print_list(context, env, expr.args, expr.span)
    yield Piece(")", expr.span)


def _print_list(
    context: Context, env: Env, exprs: Iterable[Expr], span: Span
) -> Iterator[Piece]:
    for index, expr in enumerate(exprs):
        if index:
            yield Piece(", ", span)
        yield from _print(context, env, expr)


def _literal(literal: Literal) -> str:
    if literal.kind != "string":
        return literal.text
    return "'" + literal.text.replace("'", "''") + "'"


def _not(negated: bool) -> str:
    return "not " if negated else ""
