"""Python's expressions to the syntax tree of expressions.

Operators mean what PostgreSQL's of the same look mean; `==` is `=`, `is None` is
`is null`. Text that is added to, and f-strings, are `||`.
"""

from __future__ import annotations

import ast
import datetime
import decimal
import enum
import uuid
from collections.abc import Sequence
from typing import Any
from typing import Literal as OneOf

import perdure.authoring as authoring
from perdure.authoring.expressions import Written
from perdure.frontend.expr.literals import number
from perdure.frontend.python import calls, comparisons, meant, refused, rounds, texts
from perdure.frontend.python.constants import UNKNOWN, constant
from perdure.frontend.python.context import Context, Given
from perdure.frontend.python.held import LONG_INTEGER, has_digits, kind_of, plain
from perdure.frontend.python.strings import Piece
from perdure.source import Span, Text
from perdure.syntax.expr import (
    Binary,
    Case,
    Cast,
    Expr,
    Literal,
    Name,
    Ref,
    Unary,
    When,
)

DEPTH = 100
"""How deep an expression may nest: passes walk the tree by recursion."""

_OF_TEXT = {
    "%": ('"%" puts values into text in Python, not in PostgreSQL', "use an f-string"),
    "*": ('"*" repeats text in Python, not in PostgreSQL', "func.repeat(text, 3) does"),
}
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}


def expression(ctx: Context, node: ast.expr) -> Expr | None:
    """Read an expression; None when a finding says why it is none."""
    if ctx.depth > DEPTH:
        report_depth(ctx, node)
        return None
    ctx.depth += 1
    try:
        return _expression(ctx, node)
    finally:
        ctx.depth -= 1


def _expression(ctx: Context, node: ast.expr) -> Expr | None:
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return _text(ctx, texts.flatten(ctx, node) or (), ctx.span(node))
        case ast.Constant():
            return _literal(ctx, node)
        case ast.Name() | ast.Attribute() | ast.Subscript():
            return _reference(ctx, node)
        case ast.UnaryOp():
            return _unary(ctx, node)
        case ast.BoolOp():
            return _logic(ctx, node)
        case ast.BinOp():
            return _arithmetic(ctx, node)
        case ast.Compare():
            return comparisons.compare(ctx, node)
        case ast.IfExp():
            return _choice(ctx, node)
        case ast.Call():
            return calls.value_call(ctx, node)
    refused.refuse_expression(ctx, node)
    return None


def report_depth(ctx: Context, node: ast.expr) -> None:
    """Report an expression that is too deep, once for all of its operands."""
    if any(each.code == "WF152" for each in ctx.found):
        return  # the other operand is as deep
    ctx.report(
        "WF152",
        ctx.span(node),
        f"the expression nests deeper than {DEPTH} levels",
        help="assign parts of it to names, or write x in (...) instead of many or",
    )


# --- constants ------------------------------------------------------------------


def _literal(ctx: Context, node: ast.Constant) -> Expr | None:
    span, value = ctx.span(node), node.value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        written = ctx.places.text[span.start : span.end]
        return Literal("number", number(written), span)
    return from_value(ctx, Given(value, span))


def from_value(ctx: Context, given: Given) -> Expr | None:
    """Return a constant of the module as a constant of the workflow."""
    value, span = plain(given.value), given.span
    match value:
        case None:
            return Literal("null", "null", span)
        case bool():
            return Literal("boolean", "true" if value else "false", span)
        case str():
            checked = texts.flatten(ctx, Given(value, span)) or ()
            text = "".join(each.value for each in checked if isinstance(each, Text))
            return Literal("string", text, span)
        case int() | float() | decimal.Decimal() if has_digits(value):
            return _number(value, span)
    typed = _typed(value)
    if typed is None:
        kind = LONG_INTEGER if isinstance(value, int) else f'"{kind_of(value)}"'
        message = f"{kind} has no value in PostgreSQL"
        note = "numbers, text, booleans, dates, times, UUIDs and enums have one"
        ctx.report("WF195", span, message, note, help=refused.instead_of(value))
        return None
    type_, text = typed
    return Cast(Literal("string", text, span), Name(type_, span), span)


def _number(value: int | float | decimal.Decimal, span: Span) -> Expr:
    """Return a number; one without a fraction that is no integer is cast."""
    literal = plain_number(value, span)
    whole = isinstance(value, decimal.Decimal) and str(value).lstrip("-").isdecimal()
    return Cast(literal, Name("numeric", span), span) if whole else literal


def plain_number(value: int | float | decimal.Decimal, span: Span) -> Expr:
    """Return a number with the digits that Python shows, of the type they have."""
    literal = Literal("number", str(value).lower().removeprefix("-"), span)
    return Unary("-", literal, span) if value < 0 else literal


def _typed(value: Any) -> tuple[str, str] | None:
    """Return the type and the text of a value that PostgreSQL writes as text."""
    match value:
        case datetime.datetime():
            return "timestamptz" if value.tzinfo else "timestamp", value.isoformat(" ")
        case datetime.date():
            return "date", value.isoformat()
        case datetime.time():
            return "timetz" if value.tzinfo else "time", value.isoformat()
        case datetime.timedelta():
            return "interval", _interval(value)
        case uuid.UUID():
            return "uuid", str(value)
        case bytes():
            return "bytea", "\\x" + value.hex()
        case float() | decimal.Decimal():
            name = "numeric" if isinstance(value, decimal.Decimal) else "float8"
            return name, _not_finite(str(value).lower())
    return None


def _not_finite(shown: str) -> str:
    """Return how PostgreSQL writes `inf`, `-Infinity`, `nan` and `sNaN`."""
    if "nan" in shown:
        return "NaN"
    return "-Infinity" if shown.startswith("-") else "Infinity"


def _interval(value: datetime.timedelta) -> str:
    parts = [(value.days, "day"), (value.seconds, "second")]
    parts += [(value.microseconds, "microsecond")]
    shown = [f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in parts if n]
    return " ".join(shown) or "0 seconds"


def _text(ctx: Context, found: Sequence[Piece], span: Span) -> Expr | None:
    """Return pieces of text joined by `||`; the first is text for certain."""
    joined: Expr | None = None
    for each in texts.merged(ctx, found):
        part = _piece(ctx, each, first=joined is None)
        if part is None:
            return None
        if joined is None:
            joined = part
        else:
            joined = Binary("||", joined, part, joined.span.to(part.span), part.span)
    return joined


def _piece(ctx: Context, each: Piece, first: bool) -> Expr | None:
    if isinstance(each, Text):
        return Literal("string", each.value, each.span())
    value = texts.field_value(ctx, each)
    converted = first and not each.added
    return texts.as_text(value) if value and converted else value


# --- references -----------------------------------------------------------------


def _reference(
    ctx: Context, node: ast.Name | ast.Attribute | ast.Subscript
) -> Expr | None:
    """Read a dotted name: of this workflow, or of the module."""
    root: ast.expr = node
    while isinstance(root, (ast.Attribute, ast.Subscript)):
        root = root.value
    if isinstance(root, ast.Name) and not ctx.known(root.id):
        if rounds.report_ended(ctx, root.id, ctx.span(root)):
            return None
        return _dotted(ctx, node)
    value = constant(ctx, node)
    if isinstance(value, Written) and isinstance(node, ast.Name):
        literal = ctx.literals.get(node.id)
        if isinstance(literal, ast.Call):
            return expression(ctx, literal)
    if value is not UNKNOWN:
        return from_value(ctx, Given(value, ctx.span(node)))
    of = _context(ctx, node)
    if of is not None:
        return _of_run(ctx, node, of)
    if isinstance(root, (ast.Name, ast.Attribute)):
        refused.unreadable_constant(ctx, node)
        return None
    if isinstance(node, ast.Subscript):
        return _member(ctx, node)
    refused.refuse_attribute(ctx, node)
    return None


def _context(ctx: Context, node: ast.expr) -> str | None:
    """Return `run` or `secrets` for it or its members: `perdure.run.id`."""
    owner = node.value if isinstance(node, ast.Attribute) else node
    for name, value in (("run", authoring.run), ("secrets", authoring.secrets)):
        if value in (constant(ctx, owner), constant(ctx, node)):
            return name
    return None


def _of_run(ctx: Context, node: ast.expr, name: str) -> Expr | None:
    span = ctx.span(node)
    if not isinstance(node, ast.Attribute) or constant(ctx, node) is not UNKNOWN:
        return Ref((Name(name, span),), span)
    owner = ctx.span(node.value)
    return Ref((Name(name, owner), _last(ctx, node)), span)


def _last(ctx: Context, node: ast.Attribute) -> Name:
    span = ctx.span(node)
    return Name(node.attr, Span(span.path, span.end - len(node.attr), span.end))


def _dotted(ctx: Context, node: ast.expr) -> Expr | None:
    match node:
        case ast.Attribute(value=ast.Name(id=name) as owner, attr="value" | "name"):
            if isinstance(ctx.members.get(name), enum.Enum):
                return _of_member(ctx, node, owner)
    parts = _parts(ctx, node)
    if parts is not None:
        return Ref(parts, ctx.span(node))
    if isinstance(node, ast.Subscript):
        return _member(ctx, node)
    refused.refuse_attribute(ctx, node)
    return None


def _of_member(ctx: Context, node: ast.Attribute, owner: ast.Name) -> Expr | None:
    """Read `status.value` of an input that is an enum: a run has its values."""
    if node.attr == "value":
        return Ref((Name(owner.id, ctx.span(owner)),), ctx.span(node))
    message = f'a run has the value of the enum "{owner.id}", not its name'
    help_ = f"write match {owner.id}: with a case for each member"
    ctx.report("WF173", ctx.span(node), message, help=help_)
    return None


def _parts(ctx: Context, node: ast.expr) -> tuple[Name, ...] | None:
    """Return the parts of `order.total` and of `approval.data["note"]`."""
    match node:
        case ast.Name(id=name):
            return (Name(name, ctx.span(node)),)
        case ast.Attribute(value=owner):
            before = _parts(ctx, owner)
            return (*before, _last(ctx, node)) if before else None
        case ast.Subscript(value=owner, slice=ast.Constant(value=str(name)) as key):
            before = _parts(ctx, owner)
            if before and _is_typed(ctx, before):
                return (*before, Name(name, ctx.span(key)))
    return None


def _is_typed(ctx: Context, parts: tuple[Name, ...]) -> bool:
    """Say whether the members of a result, or of a member of it, are declared."""
    member = ctx.payloads.get(parts[0].text)
    return member == "" or (
        member is not None and len(parts) > 1 and parts[1].text == member
    )


def _member(ctx: Context, node: ast.Subscript) -> Expr | None:
    """Read `poll.json["state"]`, which is text, as what JSON holds may be anything."""
    return _arrow(ctx, node, "->>")


def _arrow(ctx: Context, node: ast.expr, op: str) -> Expr | None:
    if not isinstance(node, ast.Subscript):
        return expression(ctx, node)
    key = node.slice
    index = constant(ctx, key)
    if not isinstance(index, (str, int)) or isinstance(index, bool):
        refused.refuse_subscript(ctx, node)
        return None
    owner = node.value
    if isinstance(index, str) and meant.report_column(ctx, owner, index):
        return None
    parts = _parts(ctx, owner)
    left: Expr | None
    if parts is not None and isinstance(owner, ast.Subscript):
        left = Ref(parts, ctx.span(owner))
    else:
        left = _arrow(ctx, owner, "->")
    right = expression(ctx, key)
    span = ctx.span(key)
    return Binary(op, left, right, ctx.span(node), span) if left and right else None


# --- operators ------------------------------------------------------------------


def _unary(ctx: Context, node: ast.UnaryOp) -> Expr | None:
    names: dict[type[ast.unaryop], OneOf["not", "-", "+"]] = {
        ast.Not: "not",
        ast.USub: "-",
        ast.UAdd: "+",
    }
    op = names.get(type(node.op))
    if op is None:
        refused.refuse_expression(ctx, node)
        return None
    operand = expression(ctx, node.operand)
    return Unary(op, operand, ctx.span(node)) if operand else None


def _logic(ctx: Context, node: ast.BoolOp) -> Expr | None:
    word = "and" if isinstance(node.op, ast.And) else "or"
    if len(node.values) > DEPTH:
        report_depth(ctx, node)
        return None
    for each in node.values:
        if _is_no_condition(each):
            message = f'"{word}" joins conditions, {ctx.shown(each)} is none'
            help_ = "for a default write coalesce(a, b)"
            ctx.report("WF173", ctx.span(each), message, help=help_)
            return None
    values = [expression(ctx, each) for each in node.values]
    spans = [ctx.span(each) for each in node.values]
    joined, whole = values[0], spans[0]
    for value, span in zip(values[1:], spans[1:], strict=True):
        op = ctx.places.find(word, whole.end, span.start)
        whole = whole.to(span)
        joined = Binary(word, joined, value, whole, op) if joined and value else None
    return joined if all(values) else None


def _is_no_condition(node: ast.expr) -> bool:
    """Say whether this is a literal that is not true or false."""
    plain = isinstance(node, ast.Constant) and isinstance(node.value, (str, int, float))
    known = plain and not isinstance(getattr(node, "value", None), bool)
    return known or isinstance(node, (ast.JoinedStr, ast.List, ast.Dict, ast.Tuple))


def _arithmetic(ctx: Context, node: ast.BinOp) -> Expr | None:
    if isinstance(node.op, ast.Add):
        found = texts.flatten(ctx, node)
        if found is not None:
            return _text(ctx, found, ctx.span(node))
    op = _ARITHMETIC.get(type(node.op))
    if op is None:
        refused.refuse_expression(ctx, node)
        return None
    if op in _OF_TEXT and isinstance(plain(constant(ctx, node.left)), str):
        message, help_ = _OF_TEXT[op]
        ctx.report("WF173", ctx.span(node), message, help=help_)
        return None
    left, right = expression(ctx, node.left), expression(ctx, node.right)
    first, second = ctx.span(node.left), ctx.span(node.right)
    op_span = ctx.places.find(op, first.end, second.start)
    if left is None or right is None:
        return None
    return Binary(op, left, right, ctx.span(node), op_span)


def _choice(ctx: Context, node: ast.IfExp) -> Expr | None:
    """Read `a if condition else b`; what follows `else` may be another."""
    whens: list[When] = []
    complete = True
    rest: ast.expr = node
    while isinstance(rest, ast.IfExp) and len(whens) < DEPTH:
        condition, result = expression(ctx, rest.test), expression(ctx, rest.body)
        if condition is None or result is None:
            complete = False
        else:
            whens.append(When(condition, result))
        rest = rest.orelse
    otherwise = None if comparisons.is_none(rest) else expression(ctx, rest)
    if not complete or (otherwise is None and not comparisons.is_none(rest)):
        return None
    return Case(None, tuple(whens), otherwise, ctx.span(node))
