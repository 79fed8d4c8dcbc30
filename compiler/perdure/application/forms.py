"""Whether what an application gives has the form that is declared for it.

PostgreSQL is more generous than a declaration in Python: an array has nulls and any
number of dimensions, JSON is anything, text becomes a number. What went in that way
comes out as a result of another type, or as a null; so it is refused where it is given.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from perdure.application.errors import WrongInput
from perdure.application.meant import meant
from perdure.application.values import as_plain, shown, unlike

_NOT_TEXT = {
    *("smallint", "integer", "bigint", "int2", "int4", "int8", "int"),
    *("numeric", "decimal", "real", "double precision", "float4", "float8"),
    *("boolean", "bool"),
}


def check_input(value: object, wanted: Any, what: str) -> None:
    """Raise WrongInput unless lists and objects are what a type of Python says.

    Single values are not looked at: those are compared with the deployed types.
    """
    wanted, _ = _plain(wanted)
    if value is None:
        return
    origin = typing.get_origin(wanted) or wanted
    if not isinstance(origin, type) or isinstance(value, enum.Enum):
        return
    if _is_object(origin) and not _is_object(type(value)):
        raise WrongInput(f"{what} is an object, not {shown(value)}")
    if origin in (list, tuple) and isinstance(value, (list, tuple)):
        of = (*typing.get_args(wanted), Any)[0]
        for each in value:
            _check_item(each, of, f"an item of {what}")


def _check_item(value: object, of: Any, what: str) -> None:
    plain, nullable = _plain(of)
    if value is None and not nullable:
        raise WrongInput(f"{what} may not be None")
    if isinstance(value, (list, tuple)) and plain in _SCALARS:
        raise WrongInput(f"{what} is {plain.__name__}, not {type(value).__name__}")
    check_input(value, of, what)


_SCALARS = (str, int, float, bool, bytes)


def _plain(wanted: Any) -> tuple[Any, bool]:
    """Return a type without what stands around it, and whether it may be None."""
    while True:
        arguments = typing.get_args(wanted)
        origin = typing.get_origin(wanted)
        if isinstance(wanted, typing.NewType):
            wanted = wanted.__supertype__
        elif origin is typing.Annotated:
            wanted = arguments[0]
        elif origin in (typing.Union, types.UnionType):
            rest = [each for each in arguments if each is not types.NoneType]
            nullable = len(rest) < len(arguments)
            return (_plain(rest[0])[0] if len(rest) == 1 else Any), nullable
        else:
            return wanted, wanted is Any or wanted is object


def _is_object(type_: type) -> bool:
    return (
        issubclass(type_, Mapping)
        or dataclasses.is_dataclass(type_)
        or typing.is_typeddict(type_)
    )


# --- data of signals ------------------------------------------------------------------


def surplus(value: Any, shape: Any, place: str) -> Iterator[str]:
    """Yield what a value has that a shape has not: other members, text for a number.

    The shape is that of `perdure.misfit`, which finds what is missing. It sees JSON,
    where a time has become text: of which kind it was, and whether it had a time zone,
    only the value of Python tells.
    """
    value = as_plain(value)
    if isinstance(shape, Mapping) and set(shape) == {"?"}:
        yield from surplus(value, shape["?"], place)
    elif isinstance(shape, Mapping) and isinstance(value, Mapping):
        for key, each in value.items():
            if key in shape:
                yield from surplus(each, shape[key], f"{place}.{key}")
            else:
                near = meant(key, shape, "it has")
                yield f'{place} has no member "{key}"{near}'
    elif isinstance(shape, list) and isinstance(value, (list, tuple)):
        for number, each in enumerate(value):
            yield from surplus(each, shape[0], f"{place}[{number}]")
    elif isinstance(value, str) and _is_no_text(shape):
        yield f'{place} is the text "{value}", expected {shape}'
    elif isinstance(shape, str):
        yield from _of_type(value, shape, place)


def _of_type(value: Any, type_: str, place: str) -> Iterator[str]:
    if type_.endswith("[]"):
        for number, each in enumerate(
            value if isinstance(value, (list, tuple)) else ()
        ):
            yield from surplus(each, type_[:-2], f"{place}[{number}]")
    elif value is not None:
        objection = unlike(value, type_, place)
        yield from [objection] if objection else []


def _is_no_text(shape: Any) -> bool:
    return isinstance(shape, str) and shape.split("(")[0].strip() in _NOT_TEXT
