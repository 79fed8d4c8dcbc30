"""Expressions: printed, typed by PostgreSQL, and told apart by what may be null."""

from __future__ import annotations

from perdure.catalog.model import Rejected, Typed
from perdure.diagnostics import error
from perdure.diagnostics.wording import cast_to, worded
from perdure.ir.expr import Expression, Reference
from perdure.ir.types import BOOLEAN, Scalar, Type
from perdure.resolve.assign import is_number, is_text
from perdure.resolve.chosen import report_null_choices
from perdure.resolve.context import Context
from perdure.resolve.dates import report_dates
from perdure.resolve.described import Asked
from perdure.resolve.joined import report_null_texts
from perdure.resolve.nullability import causes_of, is_nullable
from perdure.resolve.printing import Piece, print_expr
from perdure.resolve.rejections import report_rejection
from perdure.resolve.scope import Env
from perdure.resolve.settled import fails
from perdure.resolve.types import show_type, without_modifier
from perdure.source import Span
from perdure.syntax.expr import Binary, Expr, Literal


def resolve_expression(context: Context, env: Env, expr: Expr) -> Expression | None:
    """Bind and type an expression; None when something in it was found wrong."""
    found = resolve_undated(context, env, expr)
    if found is not None:
        report_dates(context, expr)
    return found


def resolve_undated(context: Context, env: Env, expr: Expr) -> Expression | None:
    """Resolve an expression whose caller looks for dates without quotes in it."""
    pieces = print_expr(context, env, expr)
    if pieces is None:
        return None
    first = pieces[0].content
    if len(pieces) == 1 and isinstance(first, Reference):
        causes = causes_of(expr, pieces)
        return Expression((first,), first.type, first.nullable, True, expr.span, causes)
    typed = _typeof(context, env, pieces, expr.span)
    if typed is None:
        return None
    texts = [each.content for each in pieces if isinstance(each.content, str)]
    if len(texts) == len(pieces) and fails(context, "".join(texts), expr.span):
        return None
    report_null_texts(context, expr, pieces)
    report_null_choices(context, expr, pieces)
    return Expression(
        _joined(pieces),
        Scalar(typed.type),
        is_nullable(expr, pieces),
        typed.immutable,
        expr.span,
        causes_of(expr, pieces),
    )


def resolve_condition(context: Context, env: Env, expr: Expr) -> Expression | None:
    """Resolve an expression that must be a boolean."""
    return resolve_as(context, env, expr, BOOLEAN, "WF223", "a condition must be")


def resolve_as(
    context: Context, env: Env, expr: Expr, expected: Type, code: str, what: str
) -> Expression | None:
    """Resolve an expression that must be of one type."""
    found = resolve_undated(context, env, expr)
    if found is None:
        return None
    if without_modifier(found.type) == expected:
        report_dates(context, expr)
        return found
    null = isinstance(expr, Literal) and expr.kind == "null"
    shown = "null" if null else show_type(found.type)
    context.report(
        error(
            code,
            expr.span,
            f"{what} {show_type(expected)}, this is {shown}",
            help=None
            if null
            else _date_as_sum(expr, expected)
            or _conversion(expr.span, found.type, expected),
        )
    )
    return None


def _date_as_sum(expr: Expr, expected: Type) -> str | None:
    """Return what is meant by `2030-01-01`, which reads as a subtraction."""
    numbers: list[str] = []
    left: Expr = expr
    while isinstance(left, Binary) and left.op == "-" and len(numbers) < 3:
        if not isinstance(left.right, Literal):
            return None
        numbers.insert(0, left.right.text)
        left = left.left
    if not isinstance(left, Literal) or len(numbers) != 2 or len(left.text) != 4:
        return None
    if show_type(expected) != "timestamp with time zone":
        return None
    date = "-".join((left.text, *numbers))
    made = worded(expr.span, f"'{date} 00:00+00'::timestamptz", "")
    return f'this is a subtraction; a date is written "{made}"' if made else None


def _conversion(span: Span, found: Type, expected: Type) -> str | None:
    """Return how the one type is usually made the other."""
    if expected == BOOLEAN and show_type(found).endswith("[]"):
        return f'count its items: "{worded(span, "", "func.")}cardinality(...) > 0"'
    if expected == BOOLEAN:
        return (
            f'compare it: "... {worded(span, "<>", "!=")} 0"'
            if is_number(found)
            else f'compare it: "... {worded(span, "=", "==")} ..."'
            + (f', or "{cast_to(span, "boolean")}"' if is_text(found) else "")
        )
    if show_type(expected) == "timestamp with time zone":
        return _time(span, found)
    if show_type(found).startswith(("timestamp", "date")):
        until = worded(span, "sleep_until: ...", "sleep_until(...)")
        return f'until a point in time is "{until}"'
    if is_number(found):
        second = worded(span, "interval '1 second'", "interval('1 second')")
        return f'multiply it: "(...) * {second}"'
    return f'cast it: "{cast_to(span, "interval")}"' if is_text(found) else None


def _time(span: Span, found: Type) -> str | None:
    if is_number(found):
        return 'seconds since 1970 become one with "' + (
            worded(span, "", "func.") + 'to_timestamp(...)"'
        )
    local = show_type(found) in ("date", "timestamp without time zone")
    zone = ", in the time zone of whoever starts the run" if local else ""
    known = local or is_text(found)
    return f'cast it: "{cast_to(span, "timestamptz")}"{zone}' if known else None


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
