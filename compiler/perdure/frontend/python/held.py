"""Values of a user's module in a form that the compiler can hold.

Looking at a value may call the user's code: `==`, `repr`, `hash`, `len` and even
`isinstance` do, where a class defines `__eq__`, `__repr__` or `__class__`. So each
value is looked at by its type first, and becomes one that calls nothing: plain values
and containers of them stay, subclasses of those lose what is special of them, records
such as dataclasses become `Record`, and all other objects `Opaque`. The rejected way,
to catch what each look raises, forgets one place, and takes what numpy's `==` answers.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import inspect
import math
import sys
import types
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_PLAIN = (
    type(None),
    bool,
    int,
    float,
    str,
    bytes,
    decimal.Decimal,
    datetime.date,
    datetime.timedelta,
    uuid.UUID,
    range,
)
_OWN_ZONES = (type(None), datetime.timezone)


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """An object of a class that says nothing to the compiler.

    `itself` is a class whose own class is the user's, as those of models are.
    """

    kind: str
    itself: type | None = None

    def __repr__(self) -> str:
        """Return the name of its class, as messages show it."""
        return f"<{self.kind}>"


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A dataclass, or a namespace: its fields by name, and itself for properties."""

    kind: str
    fields: Mapping[str, Any]
    itself: object

    def __repr__(self) -> str:
        """Return the name of its class, as messages show it."""
        return f"{self.kind}(...)"


class Row(tuple[Any, ...]):
    """A named tuple: a tuple whose items have names."""

    names: tuple[str, ...] = ()


def held(value: Any) -> Any:
    """Return a value of a module as the compiler may hold it."""
    return _held(value, {})


def plain(value: Any) -> Any:
    """Return the value of a member of an enum, any other as it is."""
    if isinstance(value, enum.Enum):
        return held(object.__getattribute__(value, "_value_"))
    return value


def shown(value: Any, depth: int = 0) -> str:
    """Return a held value as messages show it."""
    if isinstance(value, enum.Enum):
        return f"{kind_of(value)}.{object.__getattribute__(value, '_name_')}"
    if type(value) in (list, tuple, dict, set, frozenset, Row):
        return _shown_container(value, depth + 1) if depth < _DEPTH else "..."
    if isinstance(value, type):
        return _name(value)
    if isinstance(value, int) and not has_digits(value):
        return LONG_INTEGER
    return repr(value)


def kind_of(value: Any) -> str:
    """Return the name of a value's class."""
    if isinstance(value, (Opaque, Record)):
        return value.kind
    return _name(type(value))


def has_digits(value: int | float | decimal.Decimal) -> bool:
    """Say whether a number is finite, and short enough for Python to write."""
    if isinstance(value, int):
        return value.bit_length() <= _LONGEST
    if isinstance(value, decimal.Decimal):
        return value.is_finite()  # where isfinite raises for a signaling NaN
    return math.isfinite(value)


LONG_INTEGER = "an integer that long"
"""How messages name an integer that Python can't write."""

_LONGEST = 13_000
"""Bits of the longest integer: of more than 4,300 digits Python makes no text."""

_DEPTH = 3
_FEW = 5


def _shown_container(value: Any, depth: int) -> str:
    few = list(value)[:_FEW]
    first, last = "()"
    if isinstance(value, (list, dict, set)):
        first, last = "[]" if isinstance(value, list) else "{}"
    if isinstance(value, dict):
        items = [f"{shown(key)}: {shown(value[key], depth)}" for key in few]
    else:
        items = [shown(each, depth) for each in few]
    return first + ", ".join(items) + last


def _name(kind: type) -> str:
    name: str = type.__dict__["__name__"].__get__(kind)
    return name


def _held(value: Any, seen: dict[int, Any]) -> Any:
    kind = type(value)
    if kind in (datetime.datetime, datetime.time):
        return _zoned(kind, value)
    if _is(kind, _PLAIN) or _is_known(kind, "perdure"):
        return value
    if id(value) in seen:
        return seen[id(value)]
    if issubclass(type(value), type):
        known = _is_known(kind) or issubclass(kind, enum.EnumMeta)
        return value if known else Opaque(_name(value), value)
    if issubclass(type(kind), enum.EnumMeta):
        return value
    if issubclass(kind, (tuple, list, dict, set, frozenset)):
        return _container(value, kind, seen)
    fields = _fields(value, kind)
    if fields is not None:
        made: dict[str, Any] = {}
        record = seen[id(value)] = Record(_name(kind), made, value)
        made |= {name: _held(each, seen) for name, each in fields.items()}
        return record
    for base, simple in _SIMPLE:
        if issubclass(kind, base):
            return simple(value)
    if issubclass(kind, types.ModuleType) or _is_known(kind):
        return value
    return Opaque(_name(kind))


def _is(kind: type, kinds: Iterable[type]) -> bool:
    return any(kind is each for each in kinds)


def _is_known(kind: type, *packages: str) -> bool:
    """Say whether a class is one of a package: of Python's own or of perdure."""
    module = type.__dict__["__module__"].__get__(kind)
    top = module.split(".")[0] if type(module) is str else ""
    return top in (packages or ("perdure", *sys.stdlib_module_names))


def _container(value: Any, kind: type, seen: dict[int, Any]) -> Any:
    """Return a container of held values; a list or dict may be inside of itself."""
    if issubclass(kind, dict):
        entries: dict[Any, Any] = {}
        seen[id(value)] = entries
        for key, each in dict.items(value):
            entries[_held(key, seen)] = _held(each, seen)
        return entries
    if issubclass(kind, list):
        items: list[Any] = []
        seen[id(value)] = items
        items += [_held(each, seen) for each in list.__iter__(value)]
        return items
    if issubclass(kind, tuple):
        return _row(value, kind, seen)
    if issubclass(kind, set):
        return {_held(each, seen) for each in set.__iter__(value)}
    return frozenset(_held(each, seen) for each in frozenset.__iter__(value))


def _row(value: Any, kind: type, seen: dict[int, Any]) -> tuple[Any, ...]:
    items = [_held(each, seen) for each in tuple.__iter__(value)]
    names = None if kind is tuple else inspect.getattr_static(kind, "_fields", None)
    if type(names) is not tuple or len(names) != len(items):
        return tuple(items)
    row = Row(items)
    row.names = tuple(map(str, names))
    return row


def _fields(value: Any, kind: type) -> Mapping[str, Any] | None:
    """Return the fields of a dataclass or a namespace, none for any other object."""
    if issubclass(kind, types.SimpleNamespace):
        return dict(types.SimpleNamespace.__dict__["__dict__"].__get__(value))
    declared = inspect.getattr_static(kind, "__dataclass_fields__", None)
    if type(declared) is not dict:
        return None
    found: dict[str, Any] = {}
    for name in declared:
        there = inspect.getattr_static(value, name, None)
        if isinstance(there, types.MemberDescriptorType):  # of a class with slots
            there = there.__get__(value)
        found[name] = there
    return found


def _zoned(kind: type, value: Any) -> Any:
    """Return a time whose zone is no object of the user's."""
    zone = kind.__dict__["tzinfo"].__get__(value)
    if _is(type(zone), _OWN_ZONES):
        return value
    return _again(kind, value)


def _again(kind: Any, value: Any) -> Any:
    return kind.fromisoformat(kind.isoformat(value))


_SIMPLE: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (int, int.__int__),
    (float, float.__float__),
    (str, str.__str__),
    (bytes, lambda value: bytes.__getitem__(value, slice(None))),
    (decimal.Decimal, decimal.Decimal),
    (datetime.datetime, lambda value: _again(datetime.datetime, value)),
    (datetime.date, lambda value: _again(datetime.date, value)),
    (datetime.time, lambda value: _again(datetime.time, value)),
    (datetime.timedelta, lambda v: datetime.timedelta.__add__(v, datetime.timedelta())),
    (uuid.UUID, lambda v: uuid.UUID(int=object.__getattribute__(v, "int"))),
)
"""How a subclass of a plain type becomes one of it, without a call of its methods."""
