"""Text: constant, as SQL and names are, and templates, as f-strings are."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from perdure.frontend.python import expressions, formats, meant, printed
from perdure.frontend.python.constants import UNKNOWN, constant
from perdure.frontend.python.context import Context, Given, Operand
from perdure.frontend.python.held import kind_of, plain
from perdure.frontend.python.strings import Field, Piece, TextBuilder, pieces
from perdure.source import Span, Text
from perdure.syntax.expr import Cast, Expr, Name
from perdure.syntax.tree import Template

T = TypeVar("T")
_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")
_MARK = re.compile(r"\$\{[^}]*\}")
_SQL_HELP = (
    'values reach SQL as references: write ":order.id" in the text, without quotes '
    "around it"
)


def constant_text(
    ctx: Context, operand: Operand, what: str, *, sql: bool = False
) -> Text | None:
    """Return text that is known when the workflow is compiled."""
    found = flatten(ctx, operand)
    if found is None:
        if not sql or not _is_built(ctx, operand):
            _not_constant(ctx, operand, what)
        return None
    found = [_printed(ctx, each) for each in found]
    wrong = [each for each in found if not isinstance(each, Text)]
    for each in wrong:
        _not_fixed(ctx, each, what, sql)
    return None if wrong else _joined(ctx, found, ctx.span(operand))


def _printed(ctx: Context, piece: Piece) -> Piece:
    """Return the text of a constant in an f-string that is no template, if it is one.

    In a template, a number or a boolean is a value, whose text PostgreSQL makes.
    """
    if not isinstance(piece, Field):
        return piece
    text = printed.number(ctx, piece)
    return _elsewhere(ctx, text, piece.span) if text else piece


def template(ctx: Context, operand: Operand, *, text: bool = True) -> Template | None:
    """Return text with expressions in it.

    `text` says that the place takes text only; elsewhere an f-string of one
    expression is made text, lest it keep the expression's type.
    """
    found = flatten(ctx, operand)
    if found is None:
        if isinstance(operand, Given):
            value = expressions.from_value(ctx, operand)
        else:
            value = expressions.expression(ctx, operand)
        return Template((value,), ctx.span(operand)) if value else None
    parts: list[Text | Expr] = []
    complete = True
    for each in found:
        part = each if isinstance(each, Text) else field_value(ctx, each)
        complete = complete and part is not None
        parts += [part] if part is not None and part != _EMPTY else []
        if isinstance(part, Text):
            _warn_of_marks(ctx, part)
    if not complete:
        return None
    if len(parts) == 1 and not isinstance(parts[0], Text) and not text:
        parts = [as_text(parts[0])]
    return Template(tuple(merged(ctx, parts)), ctx.span(operand))


def field_value(ctx: Context, each: Field) -> Expr | None:
    """Return the expression of a field of an f-string."""
    if each.form:
        ctx.report(
            "WF196",
            each.span,
            f'"{each.form}" in an f-string formats in Python, not in PostgreSQL',
            help=formats.instead_of_form(ast.unparse(each.expr), each.form),
        )
        return None
    if not each.added and not printed.check_member(ctx, each):
        return None
    if isinstance(each.expr, ast.Name) and each.expr.id in ctx.errors:
        message = f'"{each.expr.id}" is an error, a value was expected'
        help_ = f"write {each.expr.id}.message"
        ctx.report("WF204", ctx.span(each.expr), message, help=help_)
        return None
    return expressions.expression(ctx, each.expr)


def as_text(value: Expr) -> Expr:
    """Return a value converted to text."""
    return Cast(value, Name("text", value.span), value.span)


def flatten(ctx: Context, operand: Operand) -> list[Piece] | None:
    """Return the pieces of an expression that is text for certain, or None."""
    if isinstance(operand, Given):
        value = plain(operand.value)
        if not isinstance(value, str):
            return None
        _check_place(ctx, value, operand.span)
        return [_elsewhere(ctx, value, operand.span)]
    match operand:
        case ast.Constant(value=str()) | ast.JoinedStr():
            found = pieces(ctx.places, operand)
            checked = [
                check_characters(ctx, each) if isinstance(each, Text) else each
                for each in found
            ]
            return _inlined(ctx, checked)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _sum(ctx, left, right)
        case ast.Name(id=name) if name in ctx.literals and name not in ctx.locals:
            known, written = ctx.namespace.get(name), constant(ctx, ctx.literals[name])
            if type(known) is type(written) is str and known == written:
                return flatten(ctx, ctx.literals[name])
    value = constant(ctx, operand)
    return (
        flatten(ctx, Given(value, ctx.span(operand))) if value is not UNKNOWN else None
    )


def _sum(ctx: Context, left: ast.expr, right: ast.expr) -> list[Piece] | None:
    """Return the pieces of `a + b`, if one of the two is text for certain."""
    first, second = flatten(ctx, left), flatten(ctx, right)
    if first is None and second is None:
        return None
    first = first or [Field(left, ctx.span(left), added=True)]
    second = second or [Field(right, ctx.span(right), added=True)]
    return [*first, *second]


def _inlined(ctx: Context, found: Sequence[Piece]) -> list[Piece]:
    """Put the text of constants in place of the fields that name them."""
    inlined: list[Piece] = []
    for each in found:
        inlined += _in_place(ctx, each) if isinstance(each, Field) else [each]
    return inlined


def _in_place(ctx: Context, each: Field) -> Sequence[Piece]:
    """Return the text of a constant in the place of the field that names it."""
    text = printed.formatted(ctx, each)
    if text is not None:
        return [_elsewhere(ctx, text, each.span)]
    if each.form or not printed.is_its_value(ctx, each):
        return [each]
    value = plain(constant(ctx, each.expr))
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return [each]
    written = flatten(ctx, each.expr) if isinstance(value, str) else None
    return written or [_elsewhere(ctx, str(value), each.span)]


def _elsewhere(ctx: Context, value: str, span: Span) -> Text:
    """Return text that another module holds: it stands where it is named."""
    builder = TextBuilder(span.path)
    builder.at(value, span.start)
    return check_characters(ctx, builder.done(span.start, span.end))


def _check_place(ctx: Context, value: str, span: Span) -> None:
    """Report text that says where the module is, which is not the same everywhere."""
    if "__file__" not in ctx.namespace:
        return
    folder = str(Path(str(ctx.namespace["__file__"])).parent)
    name = str(ctx.namespace["__name__"])
    if name in value or (len(folder) > 1 and folder in value):
        message = "this text has the place of the module in it"
        note = "it would make another version of the workflow on each machine"
        help_ = "write it as a literal, or make it an input"
        ctx.report("WF195", span, message, note, help=help_)


def check_characters(ctx: Context, text: Text) -> Text:
    """Report characters that PostgreSQL can't store; return the text without them.

    What reads it later, such as the database that is asked for its type, would find
    the same mistake again, or fail at it.
    """
    for match in _NO_CHARACTER.finditer(text.value):
        code = ord(match.group())
        message = f"character U+{code:04X} can't be part of a text"
        ctx.report("WF104", text.span(match.start(), match.end()), message)
    return replace(text, value=_NO_CHARACTER.sub("\ufffd", text.value))


def _joined(ctx: Context, found: Sequence[Piece], span: Span) -> Text:
    texts = [each for each in found if isinstance(each, Text)]
    if len(texts) == 1:
        return texts[0]
    builder = TextBuilder(span.path)
    for text in texts:
        builder.text(text)
    return builder.done(span.start, span.end)


_EMPTY = Text("", Span("", 0, 0), ())


def merged(ctx: Context, parts: Sequence[Text | T]) -> list[Text | T]:
    """Join texts that stand side by side."""
    found: list[Text | T] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, Text) and isinstance(last, Text):
            found[-1] = _joined(ctx, [last, part], last.whole)
        else:
            found.append(part)
    return found


def _warn_of_marks(ctx: Context, text: Text) -> None:
    for mark in _MARK.finditer(text.value):
        inner = mark.group()[1:]
        ctx.warn(
            "WF197",
            text.span(mark.start(), mark.end()),
            f'"{mark.group()}" is plain text in Python',
            help=f'for the value, write an f-string with "{inner}"',
        )


def _is_built(ctx: Context, operand: Operand) -> bool:
    """Report SQL that is put together by a method or by `%`."""
    match operand:
        case ast.Call(func=ast.Attribute(value=text, attr="format" | "join")):
            pass
        case ast.BinOp(left=text, op=ast.Mod()):
            pass
        case _:
            return False
    if flatten(ctx, text) is None:
        return False
    message = "SQL is put together from text that is not known when it is compiled"
    help_ = meant.instead_of_built(ctx, operand) or _SQL_HELP
    ctx.report("WF177", ctx.span(operand), message, help=help_)
    return True


def _not_fixed(ctx: Context, piece: Piece, what: str, sql: bool) -> None:
    assert isinstance(piece, Field)
    if not piece.added and not printed.check_member(ctx, piece):
        return
    if sql:
        shown = ctx.shown(piece.expr)
        message = f'"{shown}" is put into SQL as text'
        help_ = printed.instead_in_sql(ctx, piece) or _SQL_HELP
        ctx.report("WF177", piece.span, message, help=help_)
    else:
        _not_constant(ctx, piece.expr, what)


def _not_constant(ctx: Context, operand: Operand, what: str) -> None:
    value = constant(ctx, operand)
    if value is not UNKNOWN:
        kind = kind_of(value)
        ctx.report("WF193", ctx.span(operand), f"expected {what}, found {kind}")
        return
    ctx.report(
        "WF179",
        ctx.span(operand),
        f'"{ctx.shown(operand)}" is not known when the workflow is compiled',
        f"{what} was expected",
        help="write it as a literal, or as a constant of the module",
    )
