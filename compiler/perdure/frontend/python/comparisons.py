"""Comparisons of Python: `==` and its like, chained ones, `is`, and `in`.

What Python and PostgreSQL answer differently is refused: null equals nothing, and no
value of PostgreSQL is an object.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Mapping
from typing import Literal as OneOf

from perdure.frontend.python import expressions, refused
from perdure.frontend.python.constants import constant
from perdure.frontend.python.context import Context, Given
from perdure.frontend.python.held import shown
from perdure.source import Span
from perdure.syntax.expr import Binary, Expr, InList, IsTest, Literal

_COMPARISONS: Mapping[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: ("==", "="),
    ast.NotEq: ("!=", "<>"),
    ast.Lt: ("<", "<"),
    ast.LtE: ("<=", "<="),
    ast.Gt: (">", ">"),
    ast.GtE: (">=", ">="),
}


def compare(ctx: Context, node: ast.Compare) -> Expr | None:
    """Read a comparison; a chained one is several, joined by `and`."""
    operands = [node.left, *node.comparators]
    if len(operands) > expressions.DEPTH:
        expressions.report_depth(ctx, node)
        return None
    whole: Expr | None = None
    complete = True
    for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
        each = _comparison(ctx, left, op, right)
        complete = complete and each is not None
        if each is None or whole is None:
            whole = each or whole
        else:
            whole = Binary("and", whole, each, whole.span.to(each.span), each.span)
    return whole if complete else None


def _comparison(
    ctx: Context, left: ast.expr, op: ast.cmpop, right: ast.expr
) -> Expr | None:
    span = ctx.span(left).to(ctx.span(right))
    if isinstance(op, (ast.In, ast.NotIn)):
        return _membership(ctx, left, right, isinstance(op, ast.NotIn), span)
    if isinstance(op, (ast.Is, ast.IsNot)):
        return _identity(ctx, left, right, isinstance(op, ast.IsNot), span)
    written, name = _COMPARISONS[type(op)]
    between = ctx.places.find(written, ctx.span(left).end, ctx.span(right).start)
    if is_none(left) or is_none(right):
        word = "is not" if isinstance(op, ast.NotEq) else "is"
        message = f'"{written} None" is never true: null equals nothing'
        ctx.report("WF198", between.to(span), message, help=f'write "{word} None"')
        return None
    first, second = (
        expressions.expression(ctx, left),
        expressions.expression(ctx, right),
    )
    return Binary(name, first, second, span, between) if first and second else None


def is_none(node: ast.expr) -> bool:
    """Say whether this is `None`, as it is written."""
    return isinstance(node, ast.Constant) and node.value is None


def _identity(
    ctx: Context, left: ast.expr, right: ast.expr, negated: bool, span: Span
) -> Expr | None:
    tests: dict[object, OneOf["null", "true", "false"]] = {
        None: "null",
        True: "true",
        False: "false",
    }
    if not isinstance(right, ast.Constant) or not (
        right.value is None or isinstance(right.value, bool)
    ):
        message = '"is" compares objects, and values of PostgreSQL are none'
        help_ = 'write "==", or "is None"'
        ctx.report("WF198", span, message, help=help_)
        return None
    operand = expressions.expression(ctx, left)
    return IsTest(operand, tests[right.value], negated, span) if operand else None


def _membership(
    ctx: Context, left: ast.expr, right: ast.expr, negated: bool, span: Span
) -> Expr | None:
    operand = expressions.expression(ctx, left)
    items: list[Expr | None]
    if isinstance(right, (ast.Tuple, ast.List, ast.Set)):
        items = [expressions.expression(ctx, each) for each in right.elts]
    else:
        value = constant(ctx, right)
        if isinstance(value, type) and issubclass(value, enum.Enum):
            value = list(value)
        if not isinstance(value, (tuple, list, set, frozenset)):
            refused.refuse_container(ctx, right)
            return None
        ordered = (
            sorted(value, key=shown) if isinstance(value, (set, frozenset)) else value
        )
        where = ctx.span(right)
        items = [expressions.from_value(ctx, Given(each, where)) for each in ordered]
    if not items:
        help_ = "write at least one value, or leave the condition out"
        message = '"in" needs at least one value'
        ctx.report("WF173", ctx.span(right), message, help=help_)
        return None
    for each in items:
        if isinstance(each, Literal) and each.kind == "null":
            _null_member(ctx, each.span, negated)
            return None
    complete = tuple(each for each in items if each is not None)
    if operand is None or len(complete) < len(items):
        return None
    return InList(operand, complete, negated, span)


def _null_member(ctx: Context, span: Span, negated: bool) -> None:
    """Report `x in (1, None)`, which PostgreSQL answers otherwise than Python."""
    word = (
        '"not in" a list with None is never true' if negated else '"in" finds no None'
    )
    help_ = "leave None out, and write x is None or x in (...)"
    if negated:
        help_ = "leave None out, and write x is not None and x not in (...)"
    ctx.report("WF198", span, f"{word}: null equals nothing", help=help_)
