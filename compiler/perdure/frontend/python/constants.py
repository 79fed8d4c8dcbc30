"""What is known when a workflow is compiled: constants of its module.

A name that the function does not bind is looked up in the imported module. Nothing of
the user's is called here but properties, and what makes members of enums: `held` makes
of each value one that calls nothing. Attributes are read of modules, classes, records
and enum members only.
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import datetime
import decimal
import enum
import inspect
import operator
import os
import types
import typing
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from perdure.authoring import Retry
from perdure.frontend.python.context import Context, Given, Operand
from perdure.frontend.python.held import Opaque, Record, Row, held, plain

_PLAIN_TYPES = (
    decimal.Decimal,
    datetime.timedelta,
    datetime.datetime,
    datetime.date,
    datetime.time,
    uuid.UUID,
    Retry,
)
_OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
_LARGEST = 1_000_000
_NUMBERS = (int, float, decimal.Decimal, datetime.timedelta)
_FRACTIONS = (float, decimal.Decimal)
_EXACT = decimal.Context(prec=100, traps=[decimal.Inexact, decimal.InvalidOperation])


UNKNOWN: Final = object()
"""What `constant` returns for what is only known when the workflow runs."""


def constant(ctx: Context, operand: Operand) -> Any:
    """Return the value of an expression if it is known now, or `UNKNOWN`."""
    if isinstance(operand, Given):
        return operand.value
    try:
        return _constant(ctx, operand)
    except KeyboardInterrupt:
        raise
    except BaseException:  # of a constructor or a property: then it is no constant
        return UNKNOWN


def _constant(ctx: Context, node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return _named(ctx, name)
        case ast.Attribute(value=owner, attr=name):
            return _attribute(_constant(ctx, owner), name)
        case ast.Tuple(elts=items):
            return _all(tuple(_constant(ctx, item) for item in items))
        case ast.List(elts=items) | ast.Set(elts=items):
            return _all([_constant(ctx, item) for item in items])
        case ast.Dict(keys=keys, values=values) if None not in keys:
            each = [_constant(ctx, item) for item in [*filter(None, keys), *values]]
            count = len(values)
            pairs = dict(zip(each[:count], each[count:], strict=True))
            return UNKNOWN if _unknown(each) else pairs
        case ast.Subscript(value=owner, slice=index):
            whole, key = _constant(ctx, owner), _constant(ctx, index)
            container = isinstance(whole, (Mapping, list, tuple, enum.EnumMeta))
            known = container and whole is not os.environ and key is not UNKNOWN
            return held(whole[key]) if known else UNKNOWN
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = plain(_constant(ctx, operand))
            if isinstance(value, decimal.Decimal):
                return value.copy_negate()  # of which - keeps 28 digits
            return -value if isinstance(value, _NUMBERS) else UNKNOWN
        case ast.BinOp(left=left, op=op, right=right):
            return _computed(op, _operand(ctx, left), _operand(ctx, right))
        case ast.Call():
            return _call(ctx, node)
    return UNKNOWN


def _all(values: Any) -> Any:
    return UNKNOWN if _unknown(values) else values


def _unknown(values: Iterable[Any]) -> bool:
    return any(each is UNKNOWN for each in values)


def _named(ctx: Context, name: str) -> Any:
    if name in ctx.locals:
        return UNKNOWN
    if name in ctx.namespace:
        return _kept(ctx, ctx.namespace[name])
    value = getattr(builtins, name, UNKNOWN)
    return value if isinstance(value, type) else UNKNOWN


def _kept(ctx: Context, value: Any) -> Any:
    """Return what is held of a value; that of a container is made once."""
    if not isinstance(value, (dict, list, tuple)):
        return held(value)
    if id(value) not in ctx.held:
        ctx.held[id(value)] = (value, held(value))
    return ctx.held[id(value)][1]


def _attribute(owner: Any, name: str) -> Any:
    if isinstance(owner, Record):
        known = owner.fields.get(name, UNKNOWN)
        return known if known is not UNKNOWN else held(getattr(owner.itself, name))
    if isinstance(owner, Opaque) and owner.itself is not None:
        return held(inspect.getattr_static(owner.itself, name, UNKNOWN))
    if isinstance(owner, Row):
        return owner[owner.names.index(name)]
    if isinstance(owner, types.ModuleType | type | enum.Enum):
        return held(getattr(owner, name, UNKNOWN))
    return UNKNOWN


def _operand(ctx: Context, node: ast.expr) -> Any:
    """Return an operand; a literal has all of its digits, which no float may hold."""
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        span = ctx.span(node)
        return decimal.Decimal(ctx.places.text[span.start : span.end])
    return _constant(ctx, node)


def _computed(op: ast.operator, left: Any, right: Any) -> Any:
    """Compute with numbers and lengths of time; with text, only join it."""
    left, right = (plain(x) if isinstance(x, (int, str)) else x for x in (left, right))
    if isinstance(op, ast.Add) and isinstance(left, str) and isinstance(right, str):
        return left + right
    if not _is_number(left) or not _is_number(right):
        return UNKNOWN
    if _is_huge(left) or _is_huge(right):
        return UNKNOWN
    compute = _OPERATORS.get(type(op))
    if isinstance(op, ast.Div):
        return _divided(left, right)
    if compute is None:
        return UNKNOWN
    if isinstance(left, _FRACTIONS) or isinstance(right, _FRACTIONS):
        return _exactly(compute, left, right)
    return compute(left, right)


def _is_number(value: Any) -> bool:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def _exactly(compute: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """Compute as PostgreSQL does with the same digits: `0.1 * 3` is `0.3`.

    The rejected way, Python's own arithmetic, gives `0.30000000000000004`. A result
    with more digits than fit is left to PostgreSQL.
    """
    if isinstance(left, datetime.timedelta):
        return compute(left, float(right))
    if isinstance(right, datetime.timedelta):
        return compute(float(left), right)
    with decimal.localcontext(_EXACT):
        return compute(_digits(left), _digits(right))


def _digits(value: int | float | decimal.Decimal) -> decimal.Decimal:
    return decimal.Decimal(str(value) if isinstance(value, float) else value)


def _divided(left: Any, right: Any) -> Any:
    """Return the quotient as PostgreSQL gives it: of two integers it is an integer.

    That of other numbers has digits of PostgreSQL's choice, which is known later.
    """
    if isinstance(left, datetime.timedelta):
        return left / (float(right) if isinstance(right, _FRACTIONS) else right)
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    return UNKNOWN


def _is_huge(value: Any) -> bool:
    return isinstance(value, int) and abs(value) > _LARGEST**3


def _call(ctx: Context, node: ast.Call) -> Any:
    function = _constant(ctx, node.func)
    if not isinstance(function, type) or not is_plain(function):
        return UNKNOWN
    args = [_constant(ctx, each) for each in node.args]
    options = {each.arg: _constant(ctx, each.value) for each in node.keywords}
    if _unknown([*args, *options.values()]) or None in options:
        return UNKNOWN
    return function(*args, **{str(name): each for name, each in options.items()})


def is_plain(function: type) -> bool:
    """Say whether calling a class only makes a plain value."""
    return any(function is each for each in _PLAIN_TYPES) or issubclass(
        function, enum.Enum
    )


def is_shape(value: Any) -> bool:
    """Say whether this is a class whose fields describe an object."""
    return isinstance(value, type) and (
        dataclasses.is_dataclass(value)
        or typing.is_typeddict(value)
        or is_named_tuple(value)
    )


def is_named_tuple(value: Any) -> bool:
    """Say whether this is a class of tuples whose items have names and types."""
    tuples = isinstance(value, type) and issubclass(value, tuple)
    return tuples and type(inspect.getattr_static(value, "_fields", None)) is tuple


def defaults_of(shape: type) -> dict[str, Any]:
    """Return the defaults of the fields of a dataclass or named tuple that have one."""
    if is_named_tuple(shape):
        given = inspect.getattr_static(shape, "_field_defaults", {})
        return {name: held(each) for name, each in given.items()}
    if not dataclasses.is_dataclass(shape):
        return {}
    found = {}
    for each in dataclasses.fields(shape):
        if each.default is not dataclasses.MISSING:
            found[each.name] = held(each.default)
        elif each.default_factory is list or each.default_factory is dict:
            found[each.name] = each.default_factory()
    return found


def required_of(shape: type) -> list[str]:
    """Return the fields that a constructor needs a value for."""
    if is_named_tuple(shape):
        return [each for each in fields_of(shape) if each not in defaults_of(shape)]
    if not dataclasses.is_dataclass(shape):
        return sorted(set(fields_of(shape)) - optional_of(shape))
    missing = dataclasses.MISSING
    return [
        each.name
        for each in dataclasses.fields(shape)
        if each.init and each.default is missing and each.default_factory is missing
    ]


def fields_of(shape: type) -> list[str]:
    """Return the names of the fields of such a class, in order."""
    if dataclasses.is_dataclass(shape):
        return [each.name for each in dataclasses.fields(shape)]
    if is_named_tuple(shape):
        return list(inspect.getattr_static(shape, "_fields"))
    return list(typing.get_type_hints(shape))


def optional_of(shape: type) -> set[str]:
    """Return the members that a TypedDict need not have.

    Where annotations are text, as `from __future__ import annotations` makes them,
    the class itself does not know which of them are `NotRequired`.
    """
    if not typing.is_typeddict(shape):
        return set()
    marked = {typing.NotRequired: True, typing.Required: False}
    hints = typing.get_type_hints(shape, include_extras=True)
    found: set[str] = set(getattr(shape, "__optional_keys__", ()))
    for name, hint in hints.items():
        mark = marked.get(typing.get_origin(hint))
        if mark is not None:
            found = found | {name} if mark else found - {name}
    return found
