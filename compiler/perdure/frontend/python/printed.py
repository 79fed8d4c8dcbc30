"""Constants in f-strings: as Python prints them, or with what to write instead.

A constant that is text or a whole number is its text, and one with a format, such as
`{RATE:.0%}`, is what Python makes of it. A member of an enum is its value everywhere
else, but Python prints `State.NEW` of one, so in an f-string it is refused unless its
class prints the value. The rejected way, to print what Python does, puts `State.NEW`
into statements and messages, where nobody wants it.
"""

from __future__ import annotations

import ast
import datetime
import decimal
import enum
import re
from typing import Any

from perdure.frontend.python import refused
from perdure.frontend.python.constants import UNKNOWN, constant
from perdure.frontend.python.context import Context
from perdure.frontend.python.held import has_digits, plain
from perdure.frontend.python.strings import Field

_NUMBERS = (int, float, decimal.Decimal)
_TIMES = (datetime.date, datetime.time, datetime.datetime)
_FORMATTED = (str, bool, *_NUMBERS, *_TIMES)
_REFERENCE = re.compile(r"[a-z_][\w.]*")


def formatted(ctx: Context, field: Field) -> str | None:
    """Return the text of a constant with a format or a conversion, if it is one."""
    form = field.form
    if not form or "{" in form or form.startswith("="):
        return None
    value: Any = constant(ctx, field.expr)
    if type(value) not in _FORMATTED or not _is_finite(value):
        return None
    conversion, _, spec = form.partition(":")
    if conversion.strip() not in ("", "!r"):
        return None
    try:
        return format(repr(value) if conversion.strip() else value, spec)
    except ValueError:  # a format that such a value has not
        return None


def _is_finite(value: Any) -> bool:
    return not isinstance(value, _NUMBERS) or has_digits(value)


def number(ctx: Context, field: Field) -> str | None:
    """Return how Python prints a constant that is a number or a boolean."""
    value: Any = UNKNOWN
    if not field.form and not field.added:
        value = constant(ctx, field.expr)
    if type(value) is bool:
        return str(value)
    known = type(value) in (float, decimal.Decimal) and has_digits(value)
    return str(value) if known else None


def is_its_value(ctx: Context, field: Field) -> bool:
    """Say whether Python prints the value of a constant: not that of most enums."""
    return not _prints_its_name(type(constant(ctx, field.expr)))


def check_member(ctx: Context, field: Field) -> bool:
    """Report a member of an enum whose name Python would print; say if it is none."""
    value, shown = constant(ctx, field.expr), ast.unparse(field.expr)
    if isinstance(field.expr, ast.Name) and value is UNKNOWN:
        value = ctx.members.get(field.expr.id, UNKNOWN)
    if not _prints_its_name(type(value)):
        return True
    name = f"{type(value).__name__}.{value.name}"
    message = f'in an f-string, Python prints a member of an enum as "{name}"'
    whole = isinstance(plain(value), int)
    base = "an IntEnum" if whole else "a StrEnum"
    help_ = f"for its value write {shown}.value, or make the class {base}"
    ctx.report("WF196", field.span, message, help=help_)
    return False


def _prints_its_name(kind: type[Any]) -> bool:
    return issubclass(kind, enum.Enum) and kind.__str__ is enum.Enum.__str__


def instead_in_sql(ctx: Context, field: Field) -> str | None:
    """Return how a value that was put into a statement is given to it."""
    value, shown = constant(ctx, field.expr), ast.unparse(field.expr)
    if value is UNKNOWN:
        shown += ".message" if shown in ctx.errors else ""
        if _REFERENCE.fullmatch(shown):
            return f'write ":{shown}", without quotes around it'
        if refused.reads_constants(ctx, field.expr):
            return f"write NAME = {shown} in the module, and {{NAME}} here"
        return f'write value = {ctx.shown(field.expr)} before it, and ":value" in it'
    if field.added and type(value) in (float, decimal.Decimal, int, bool):
        return f'write an f-string: f"... {{{shown}}} ..."'
    if value is None:
        return "write null in the statement"
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta, bytes)):
        return f'write value = {ctx.shown(field.expr)} before it, and ":value" in it'
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        return f'make text of it in the module: LISTED = ", ".join({shown})'
    return None
