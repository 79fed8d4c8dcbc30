"""JSON values and texts as one expression: what a call passes on, or gives back."""

from __future__ import annotations

import re

from perdure.ir.expr import (
    Constant,
    Expression,
    Listing,
    Mapping,
    Reference,
    Template,
    Value,
)
from perdure.ir.types import BOOLEAN, JSONB, TEXT, Scalar, Type

_PLAIN_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?")
_CHUNK = 40
_STEADY = frozenset(
    {"text", "boolean", "smallint", "integer", "bigint", "numeric", "uuid"}
)
"""Types whose text is the same in every session."""

Parts = tuple[str | Reference, ...]


def as_expression(value: Value, type_: Type) -> Expression:
    """Return a value as an expression of a type that it may stand for."""
    inner = _typed(value)
    if inner.type == type_ and not isinstance(value, (Constant, Template)):
        return inner
    if _sql(type_) in ("json", "jsonb") and _sql(inner.type) not in ("json", "jsonb"):
        inner = _around("to_jsonb(", inner, ")")
        if _sql(type_) == "jsonb":
            return _of(inner, type_)
    return _of(_around("cast(", inner, f" as {_sql(type_)})"), type_)


def null_of(type_: Type) -> Expression:
    """Return a null of a type."""
    return Expression((f"cast(null as {_sql(type_)})",), type_, True, True)


def _typed(value: Value) -> Expression:
    """Return a value as an expression of the type that it has by itself."""
    match value:
        case Expression():
            return value
        case Constant(text="null"):
            return Expression(("null",), TEXT, True, True)
        case Constant(text="true" | "false" as text):
            return Expression((text,), BOOLEAN, False, True)
        case Constant(text) if _PLAIN_NUMBER.fullmatch(text):
            shown = f"({text})" if text.startswith("-") else text
            return Expression((shown,), Scalar("numeric"), False, True)
        case Constant(text):
            return Expression(
                (f"cast('{text}' as numeric)",), Scalar("numeric"), False, True
            )
        case Template():
            return _text(value)
        case Mapping(entries):
            pairs = [(f"{_quoted(name)}, ", item) for name, item in entries]
            return _built("jsonb_build_object", pairs)
        case Listing(items):
            return _built("jsonb_build_array", [("", item) for item in items])


def _text(template: Template) -> Expression:
    parts: list[str | Reference] = []
    immutable = True
    for part in template.parts:
        parts += [" || "] if parts else []
        if isinstance(part, str):
            parts.append(f"{_quoted(part)}::text")
        elif isinstance(part, Expression):
            parts += ["coalesce(cast(", *part.parts, " as text), '')"]
            immutable = immutable and part.immutable and _sql(part.type) in _STEADY
    return Expression(_joined(parts or ["''::text"]), TEXT, False, immutable)


def _built(function: str, items: list[tuple[str, Value]]) -> Expression:
    parts: list[str | Reference] = []
    immutable = True
    for start in range(0, len(items) or 1, _CHUNK):
        parts.append(f"{' || ' if parts else ''}{function}(")
        for at, (before, item) in enumerate(items[start : start + _CHUNK]):
            inner = _typed(item)
            # What jsonb_build_* makes of dates depends on nothing, but it is stable.
            immutable = immutable and inner.immutable and _sql(inner.type) in _STEADY
            parts += [f"{', ' if at else ''}{before}", *inner.parts]
        parts.append(")")
    return Expression(_joined(["(", *parts, ")"]), JSONB, False, immutable)


def _around(before: str, inner: Expression, after: str) -> Expression:
    parts = _joined([before, *inner.parts, after])
    return Expression(parts, inner.type, inner.nullable, inner.immutable)


def _of(inner: Expression, type_: Type) -> Expression:
    return Expression(inner.parts, type_, inner.nullable, inner.immutable)


def _joined(parts: list[str | Reference]) -> Parts:
    joined: list[str | Reference] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return tuple(joined)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _sql(type_: Type) -> str:
    return type_.name if isinstance(type_, Scalar) else "jsonb"
