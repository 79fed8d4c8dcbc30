"""What expressions and texts of a drawn workflow are worth; null is None."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.property import tree
from tests.property.tree import Call, Const, Expr, Ref, Scalar

Env = Mapping[str, Any]


class Ambiguous(Exception):
    """The language does not say what happens."""


def evaluate(expr: Expr, env: Env) -> Any:
    """Return the value of an expression; null is None."""
    match expr:
        case Const():
            return expr.value
        case Ref(_, name):
            value: Any = env
            for part in name.split("."):
                value = None if value is None else value[part]
            return value
        case Call(_, text, args):
            return checked(OPERATORS[text](*[evaluate(arg, env) for arg in args]))


def checked(value: Any) -> Any:
    """Refuse numbers that would come near the limits of PostgreSQL's types."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int) and abs(value) > 2**60:
        raise Ambiguous
    if isinstance(value, Decimal):
        if len(value.as_tuple().digits) > 25:
            raise Ambiguous
        return value.copy_abs() if value == 0 else value
    if isinstance(value, str) and len(value) > 10_000:
        raise Ambiguous
    return value


def strict(function: Any) -> Any:
    """Return a function that is null when an argument is."""

    def called(*args: Any) -> Any:
        return None if None in args else function(*args)

    return called


def divided(a: int, b: int | None) -> int | None:
    """Divide as PostgreSQL does: towards zero."""
    if b is None:
        return None
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def rest(a: int, b: int) -> int:
    return abs(a) % abs(b) * (-1 if a < 0 else 1)


def both(a: Any, b: Any) -> Any:
    if a is False or b is False:
        return False
    return None if None in (a, b) else True


def negated(a: Any) -> Any:
    return None if a is None else not a


def in_list(a: Any, *items: Any) -> Any:
    if a is None:
        return None
    if any(item is not None and a == item for item in items):
        return True
    return None if None in items else False


def chosen(*args: Any) -> Any:
    return args[1] if args[0] is True else args[2]


OPERATORS: dict[str, Any] = {
    "{} + {}": strict(lambda a, b: a + b),
    "{} - {}": strict(lambda a, b: a - b),
    "{} * {}": strict(lambda a, b: a * b),
    "{} * {} % 1009": strict(lambda a, b: rest(a * b, 1009)),
    "abs({}) % 7": strict(lambda a: abs(a) % 7),
    "-{}": strict(lambda a: -a),
    "{} || {}": strict(lambda a, b: a + b),
    "left({}, 3)": strict(lambda a: a[:3]),
    "length({})::bigint": strict(len),
    "{}::text": strict(lambda a: as_text(a)),
    "{} = {}": strict(lambda a, b: a == b),
    "{} <> {}": strict(lambda a, b: a != b),
    "{} < {}": strict(lambda a, b: a < b),
    "{} >= {}": strict(lambda a, b: a >= b),
    "{} between {} and {}": lambda a, b, c: both(
        strict(lambda x, y: x >= y)(a, b), strict(lambda x, y: x <= y)(a, c)
    ),
    "{} in ({}, {})": in_list,
    "{} is null": lambda a: a is None,
    "{} is not null": lambda a: a is not None,
    "{} is distinct from {}": lambda a, b: a != b,
    "{} and {}": both,
    "{} or {}": lambda a, b: negated(both(negated(a), negated(b))),
    "not {}": negated,
    "coalesce({}, {})": lambda a, b: b if a is None else a,
    "case when {} then {} else {} end": chosen,
}
"""The forms of expressions that are drawn, and what they mean."""


def plain(value: Any) -> str:
    """Return a numeric as PostgreSQL prints it."""
    return format(value, "f")


def as_text(value: Scalar) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return plain(value)
        case _:
            return str(value)


def fill(template: tree.Template, env: Env) -> str:
    """Return a text with its expression in it; null reads as nothing."""
    value = as_text(evaluate(template.expr, env))
    return template.before + value + template.after


def result(value: Any, env: Env) -> Any:
    """Return what `return` gives, as JSON."""
    match value:
        case None:
            return None
        case tuple():
            return {name: result(item, env) for name, item in value}
        case tree.Template():
            return fill(value, env)
        case _:
            return evaluate(value, env)
