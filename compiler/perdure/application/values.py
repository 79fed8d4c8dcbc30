"""Values of Python as text that PostgreSQL reads as a type.

All parameters travel as text and are cast to the type that the deployed function
declares, so that each driver sends the same. What is no value of that type is refused
here where it can be told, before the database makes it an error of the transaction.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from perdure.application.errors import WrongInput

_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")
_WHOLE = {"smallint": 15, "integer": 31, "bigint": 63}
_FRACTIONS = ("numeric", "double precision", "real")
_TEXTS = ("text", "character", "name", "citext")
_STRINGS = ("text", "character", "character varying")
_ZONED = "timestamp with time zone"
_UNZONED = "timestamp without time zone"
_KINDS: Mapping[str, tuple[type, ...]] = {
    _ZONED: (datetime.datetime, str),
    _UNZONED: (datetime.datetime, str),
    "date": (datetime.date, str),
    "time with time zone": (datetime.time, str),
    "time without time zone": (datetime.time, str),
    "interval": (datetime.timedelta, str),
    "uuid": (UUID, str),
    "bytea": (bytes, bytearray, memoryview),
}
"""What may stand for a type; text that it can be read from, where that is clear."""

_ZONES: Mapping[str, tuple[type, bool]] = {
    _ZONED: (datetime.datetime, True),
    _UNZONED: (datetime.datetime, False),
    "time with time zone": (datetime.time, True),
    "time without time zone": (datetime.time, False),
}
"""Of which class times are, and whether they have a time zone."""

_DAY = r"\d{4}-\d\d-\d\d"
_TIME = r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?"
_ZONE = r"(Z|[+-]\d\d(:?\d\d)?)"
_ISO: Mapping[str, tuple[str, Callable[[str], object], str]] = {
    _ZONED: (
        f"{_DAY}[T ]{_TIME}{_ZONE}",
        datetime.datetime.fromisoformat,
        "2030-01-31T12:00:00+00:00",
    ),
    _UNZONED: (
        f"{_DAY}[T ]{_TIME}",
        datetime.datetime.fromisoformat,
        "2030-01-31T12:00:00",
    ),
    "date": (_DAY, datetime.date.fromisoformat, "2030-01-31"),
    "time with time zone": (
        _TIME + _ZONE,
        datetime.time.fromisoformat,
        "12:00:00+00:00",
    ),
    "time without time zone": (_TIME, datetime.time.fromisoformat, "12:00:00"),
    "uuid": (".*", UUID, "00000000-0000-0000-0000-000000000001"),
}
"""How a type is written as text: its form, what reads it, and an example."""

_ROOM = 100
"""How many characters of a value a message shows."""


def as_text(value: object, type_: str, name: str) -> str | None:
    """Return a value of a type as text. Raises WrongInput.

    `type_` is a type's name as format_type gives it, `name` the input's.
    """
    return _as_text(value, type_, name, f'input "{name}"')


def _as_text(value: object, type_: str, name: str, what: str) -> str | None:
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None:
        return None
    if isinstance(value, str):
        check_text(value, what)
    if type_ in ("json", "jsonb"):
        return as_json(value, name)
    if type_.endswith("[]"):
        return _array(value, type_[:-2], name)
    text = _checked(value, _base(type_))
    if text is None:
        raise WrongInput(_unlike(value, type_, what))
    return text


def unlike(value: object, type_: str, what: str) -> str | None:
    """Return how a value in data is none of a type, if the type is one known here."""
    base = _base(type_)
    known = base == "boolean" or base in {*_WHOLE, *_FRACTIONS, *_STRINGS, *_KINDS}
    wrong = known and _checked(value, base) is None
    return _unlike(value, type_, what) if wrong else None


def _unlike(value: object, type_: str, what: str) -> str:
    return f"{what} is {type_}, not {shown(value)}{_hint(value, _base(type_))}"


def _base(type_: str) -> str:
    return re.sub(r"\(.*?\)", "", type_)


def shown(value: object) -> str:
    """Return the type of a value, and the value as far as a message has room."""
    try:
        text = repr(value)
    except Exception:  # of an integer with too many digits, or of a class's own
        return type(value).__name__
    text = text if len(text) <= _ROOM else f"{text[:_ROOM]}..."
    return f"{type(value).__name__} {text}"


def check_text(text: object, what: str) -> None:
    """Raise WrongInput for what is no text, or has characters PostgreSQL has not."""
    if not isinstance(text, str):
        raise WrongInput(f"{what} is {type(text).__name__}, not text")
    found = _NO_CHARACTER.search(text)
    if found:
        code = f"U+{ord(found.group()):04X}"
        raise WrongInput(f"{what} has the character {code}, which PostgreSQL has not")


def _checked(value: object, type_: str) -> str | None:
    """Return a value as text, None when it is none of the type."""
    if type_ == "boolean" or isinstance(value, bool):
        right = type_ == "boolean" and isinstance(value, bool)
        return str(value).lower() if right else None
    if type_ in _WHOLE:
        fits = (
            isinstance(value, int) and -(limit := 1 << _WHOLE[type_]) <= value < limit
        )
        return str(value) if fits else None
    if type_ in _FRACTIONS:
        number = Decimal(value) if isinstance(value, int) else value
        return str(number) if isinstance(number, (float, Decimal)) else None
    if type_.startswith(_TEXTS):
        return value if isinstance(value, str) else None
    if isinstance(value, (datetime.datetime, datetime.time)):
        if type_ in _ZONES:
            kind, zoned = _ZONES[type_]
            right = isinstance(value, kind) and (value.tzinfo is not None) is zoned
        else:
            right = type_ not in _KINDS
        return value.isoformat() if right else None
    if isinstance(value, str) and type_ in _ISO:
        return value if _is_iso(value, type_) else None
    kinds = _KINDS.get(type_)
    return _text_of(value) if kinds is None or isinstance(value, kinds) else None


def _is_iso(text: str, type_: str) -> bool:
    """Say whether text is of the one form that all settings of PostgreSQL read alike.

    "yesterday" is another day in each run, and 01/02 depends on DateStyle.
    """
    form, read, _ = _ISO[type_]
    try:
        return re.fullmatch(form, text, re.A) is not None and bool(read(text) or True)
    except ValueError:
        return False


def _text_of(value: object) -> str | None:
    match value:
        case str():
            return value
        case int() | float() | Decimal() | UUID():
            return str(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta(days=days, seconds=seconds, microseconds=micro):
            # Signs stand everywhere: the server may read by another IntervalStyle.
            return f"{days:+d} days {seconds:+d} seconds {micro:+d} microseconds"
        case bytes() | bytearray() | memoryview():
            return "\\x" + bytes(value).hex()
        case dict() | list() | tuple():
            return as_json(value, "value")
    return None


_NO_ZONE = "; it may not have a time zone"


def _hint(value: object, type_: str) -> str:
    if type_ in _ZONES and isinstance(value, _ZONES[type_][0]):
        example = ", as in datetime.now(UTC)" if type_ == _ZONED else ""
        wants = _ZONES[type_][1]
        return f"; it needs a time zone{example}" if wants else _NO_ZONE
    if isinstance(value, datetime.date) and type_.startswith("timestamp"):
        return "; a date has no time of day, a datetime has"
    if isinstance(value, str) and type_ in _ISO:
        return f"; as text it is written {_ISO[type_][2]}"
    if isinstance(value, str) and type_ == "bytea":
        return "; text has bytes in an encoding, as in text.encode()"
    return ""


def _array(value: object, item: str, name: str) -> str:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise WrongInput(f'input "{name}" is {item}[], not {type(value).__name__}')
    return "{" + ",".join(_element(each, item, name) for each in value) + "}"


def _element(value: object, item: str, name: str) -> str:
    if isinstance(value, (list, tuple)) and item not in ("json", "jsonb"):
        return _array(value, item, name)
    text = _as_text(value, item, name, f'an item of input "{name}"')
    if text is None:
        return "NULL"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# --- JSON ----------------------------------------------------------------------------


def as_json(value: object, name: str) -> str:
    """Return a value as JSON text, numbers with all of their digits.

    Dataclasses and named tuples are objects; dates, times, UUIDs and bytes are their
    text. Raises WrongInput.
    """
    match value:
        case enum.Enum():
            return as_json(value.value, name)
        case None | bool() | int():
            return json.dumps(value)
        case str():
            check_text(value, f'"{name}"')
            return json.dumps(value, ensure_ascii=False)
        case float() | Decimal():
            return _number(value, name)
        case tuple() if hasattr(value, "_asdict"):
            return as_json(value._asdict(), name)
        case list() | tuple():
            return "[" + ",".join(as_json(each, name) for each in value) + "]"
        case Mapping():
            pairs = [_pair(key, each, name) for key, each in value.items()]
            return "{" + ",".join(pairs) + "}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return as_json(_fields(value), name)
    text = _text_of(value)
    if text is None:
        raise WrongInput(f'"{name}" holds {type(value).__name__}, which JSON has not')
    return json.dumps(text, ensure_ascii=False)


def as_plain(value: Any) -> object:
    """Return a value without its class: a dataclass or a named tuple as a mapping."""
    if isinstance(value, enum.Enum):
        return as_plain(value.value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    return value


def _fields(value: Any) -> dict[str, object]:
    return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}


def _pair(key: object, value: object, name: str) -> str:
    if not isinstance(key, str):
        raise WrongInput(f'"{name}" has a key that is no text: {key!r}')
    check_text(key, f'a key of "{name}"')
    return f"{json.dumps(key, ensure_ascii=False)}:{as_json(value, name)}"


def _number(value: float | Decimal, name: str) -> str:
    if not math.isfinite(value):
        raise WrongInput(f'"{name}" holds {value}, which JSON has not')
    return format(value, "f") if isinstance(value, Decimal) else repr(value)
