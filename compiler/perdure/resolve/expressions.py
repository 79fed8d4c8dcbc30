"""Expressions: printed, typed by PostgreSQL, and told apart by what may be null."""

from __future__ import annotations

from perdure.catalog.model import Rejected, Typed
from perdure.diagnostics import error
from perdure.ir.expr import Expression, Reference
from perdure.ir.types import BOOLEAN, Scalar, Type
from perdure.resolve.assign import is_number, is_text
from perdure.resolve.context import Context
from perdure.resolve.described import Asked
from perdure.resolve.nullability import is_nullable
from perdure.resolve.printing import Piece, print_expr
from perdure.resolve.rejections import report_rejection
from perdure.resolve.scope import Env
from perdure.resolve.types import show_type, without_modifier
from perdure.source import Span
from perdure.syntax.expr import Expr


def resolve_expression(context: Context, env: Env, expr: Expr) -> Expression | None:
    """Bind and type an expression; None when something in it was found wrong."""
    pieces = print_expr(context, env, expr)
    if pieces is None:
        return None
    first = pieces[0].content
    if len(pieces) == 1 and isinstance(first, Reference):
        return Expression((first,), first.type, first.nullable, True, expr.span)
    typed = _typeof(context, env, pieces, expr.span)
    if typed is None:
        return None
    return Expression(
        _joined(pieces),
        Scalar(typed.type),
        is_nullable(expr, pieces),
        typed.immutable,
        expr.span,
    )


def resolve_condition(context: Context, env: Env, expr: Expr) -> Expression | None:
    """Resolve an expression that must be a boolean."""
    return resolve_as(context, env, expr, BOOLEAN, "WF223", "a condition must be")


def resolve_as(
    context: Context, env: Env, expr: Expr, expected: Type, code: str, what: str
) -> Expression | None:
    """Resolve an expression that must be of one type."""
    found = resolve_expression(context, env, expr)
    if found is None or without_modifier(found.type) == expected:
        return found
    context.report(
        error(
            code,
            expr.span,
            f"{what} {show_type(expected)}, this is {show_type(found.type)}",
            help=_conversion(found.type, expected),
        )
    )
    return None


def _conversion(found: Type, expected: Type) -> str | None:
    """Return how the one type is usually made the other."""
    if expected == BOOLEAN:
        return (
            'compare it: "... <> 0"' if is_number(found) else 'compare it: "... = ..."'
        )
    if show_type(expected) == "timestamp with time zone":
        return _time(found)
    if is_number(found):
        return "multiply it: \"(...) * interval '1 second'\""
    return 'cast it: "(...)::interval"' if is_text(found) else None


def _time(found: Type) -> str | None:
    if is_number(found):
        return 'seconds since 1970 become one with "to_timestamp(...)"'
    local = show_type(found) in ("date", "timestamp without time zone")
    zone = ", in the time zone of whoever starts the run" if local else ""
    known = local or is_text(found)
    return f'cast it: "(...)::timestamptz"{zone}' if known else None


def _typeof(
    context: Context, env: Env, pieces: list[Piece], whole: Span
) -> Typed | None:
    asked: Asked[Span] = Asked()
    for piece in pieces:
        assert piece.content is not None
        asked.add(piece.content, piece.span)
    answer = context.catalog.typeof(asked.sql)
    if isinstance(answer, Rejected):
        report_rejection(context, env, answer, asked.place(answer.position) or whole)
        return None
    return answer


def _joined(pieces: list[Piece]) -> tuple[str | Reference, ...]:
    parts: list[str | Reference] = []
    for piece in pieces:
        content = piece.content
        assert content is not None
        if isinstance(content, str) and parts and isinstance(parts[-1], str):
            parts[-1] += content
        else:
            parts.append(content)
    return tuple(parts)
