"""Results of runs as values of the types that a workflow's annotation declares.

PostgreSQL gives a result as JSON; what JSON has no type for is text in it. A value
that is not of the declared type raises WrongResult: another version of the workflow
may have returned it.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from perdure.application.errors import WrongResult


def returned(envelope: Any) -> Any:
    """Take the value of `return` out of the result of the node that made it."""
    match envelope:
        case {"rows": [{"result": value, **others}]} if not others:
            return value
    return envelope


def decode(value: Any, wanted: Any) -> Any:
    """Return a value of JSON as one of a type of Python. Raises WrongResult."""
    try:
        return _decode(value, wanted)
    except (ValueError, TypeError, ArithmeticError, KeyError) as error:
        if isinstance(error, WrongResult):
            raise
        raise _wrong(value, wanted) from error


def _decode(value: Any, wanted: Any) -> Any:
    if wanted is Any or wanted is object or isinstance(wanted, typing.TypeVar):
        return value
    if wanted is None or wanted is types.NoneType:
        return None
    if isinstance(wanted, typing.NewType):
        return _decode(value, wanted.__supertype__)
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is not None:
        return _generic(value, wanted, origin, arguments)
    if wanted in _SCALARS:
        return _SCALARS[wanted](value)
    if dataclasses.is_dataclass(wanted) or hasattr(wanted, "_fields"):
        return _record(value, wanted)
    if typing.is_typeddict(wanted):
        return _typed_dict(value, wanted)
    if isinstance(wanted, type) and issubclass(wanted, enum.Enum):
        return wanted(value)
    if wanted in (list, tuple, dict):
        return wanted(_of(value, dict if wanted is dict else list))
    return value


def _generic(value: Any, wanted: Any, origin: Any, arguments: Sequence[Any]) -> Any:
    if origin is typing.Annotated or origin in (typing.NotRequired, typing.Required):
        return _decode(value, arguments[0])
    if origin is typing.Literal:
        if value not in arguments:
            raise _wrong(value, wanted)
        return value
    if origin in (typing.Union, types.UnionType):
        return _union(value, wanted, arguments)
    if origin is tuple and arguments[-1] is not Ellipsis:
        pairs = zip(_of(value, list), arguments, strict=True)
        return tuple(_decode(each, type_) for each, type_ in pairs)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        items = _of(value, dict).items()
        return {key: _decode(each, arguments[1]) for key, each in items}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        decoded = [_decode(each, arguments[0]) for each in _of(value, list)]
        return tuple(decoded) if origin is tuple else decoded
    return value


def _union(value: Any, wanted: Any, arguments: Sequence[Any]) -> Any:
    if value is None and types.NoneType in arguments:
        return None
    for each in arguments:
        if each is types.NoneType:
            continue
        try:
            return decode(value, each)
        except WrongResult:
            continue
    raise _wrong(value, wanted)


def _record(value: Any, wanted: Any) -> Any:
    """Decode an object as a dataclass or a named tuple."""
    hints = typing.get_type_hints(wanted, include_extras=True)
    given = _of(value, dict)
    fields = getattr(wanted, "_fields", ())
    if dataclasses.is_dataclass(wanted):
        fields = [each.name for each in dataclasses.fields(wanted) if each.init]
    return wanted(**{n: decode(given[n], hints[n]) for n in fields if n in given})


def _typed_dict(value: Any, wanted: Any) -> dict[str, Any]:
    """Decode an object; a key that is not required is left out where it is null."""
    hints = typing.get_type_hints(wanted, include_extras=True)
    optional = {n for n in hints if typing.get_origin(hints[n]) is typing.NotRequired}
    optional |= wanted.__optional_keys__
    given = _of(value, dict)
    missing = set(hints) - optional - set(given)
    if missing:
        raise KeyError(*missing)
    present = {n: v for n, v in given.items() if v is not None or n not in optional}
    return {n: decode(each, hints.get(n, Any)) for n, each in present.items()}


# --- scalars -------------------------------------------------------------------------


def _of(value: Any, *kinds: type) -> Any:
    """Return a value if it is one of these types; true is no number."""
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise TypeError(value)
    return value


def _whole(value: Any) -> int:
    number = _of(value, int, Decimal)
    if number != int(number):
        raise ValueError(value)
    return int(number)


def _number(value: Any) -> Decimal:
    """Read a number; NaN and infinity are text in JSON."""
    return Decimal(_of(value, int, Decimal, str))


def _interval(value: Any) -> datetime.timedelta:
    """Read an interval as IntervalStyle postgres writes it; a month has 30 days."""
    text = _of(value, str)
    found = re.fullmatch(
        r"(?:([+-]?\d+) years? ?)?(?:([+-]?\d+) mons? ?)?(?:([+-]?\d+) days? ?)?"
        r"(?:([+-]?)(\d+):(\d+):(\d+(?:\.\d+)?))?",
        text,
    )
    if found is None or not text:
        raise ValueError(value)
    years, months, days = (int(each or 0) for each in found.groups()[:3])
    sign, hours, minutes, seconds = found.groups()[3:]
    clock = datetime.timedelta(
        hours=int(hours or 0), minutes=int(minutes or 0), seconds=float(seconds or 0)
    )
    whole = datetime.timedelta(days=years * 365 + months * 30 + days)
    return whole - clock if sign == "-" else whole + clock


def _bytes(value: Any) -> bytes:
    text = _of(value, str)
    if not text.startswith("\\x"):
        raise ValueError(value)
    return bytes.fromhex(text[2:])


_SCALARS: Mapping[Any, Callable[[Any], Any]] = {
    int: _whole,
    str: lambda value: _of(value, str),
    bool: lambda value: _of(value, bool),
    float: lambda value: float(_of(value, int, Decimal, str)),
    Decimal: _number,
    UUID: lambda value: UUID(_of(value, str)),
    bytes: _bytes,
    datetime.datetime: lambda value: datetime.datetime.fromisoformat(_of(value, str)),
    datetime.date: lambda value: datetime.date.fromisoformat(_of(value, str)),
    datetime.time: lambda value: datetime.time.fromisoformat(_of(value, str)),
    datetime.timedelta: _interval,
}


def _wrong(value: Any, wanted: Any) -> WrongResult:
    shown = repr(value)
    shown = shown if len(shown) <= 200 else shown[:200] + "..."
    name = getattr(wanted, "__name__", None) or str(wanted)
    return WrongResult(
        f"the run returned {shown}, which is not of the declared type {name}; "
        "perhaps another version of the workflow is deployed"
    )
