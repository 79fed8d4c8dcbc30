"""Types as written become PostgreSQL's own, under their canonical names."""

from __future__ import annotations

import re

from perdure.diagnostics import error
from perdure.ir.types import Field, Items, Record, Scalar, Type
from perdure.resolve.context import Context
from perdure.resolve.suggest import did_you_mean, nearest, replacement
from perdure.source import Span
from perdure.syntax.tree import ListType, NamedType, ShapeType, TypeExpr

_COMMON = [
    "bigint",
    "boolean",
    "bytea",
    "char",
    "character",
    "date",
    "double",
    "float4",
    "float8",
    "inet",
    "int",
    "int2",
    "int4",
    "int8",
    "integer",
    "interval",
    "json",
    "jsonb",
    "numeric",
    "decimal",
    "real",
    "smallint",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "uuid",
    "varchar",
    "xml",
    "bit",
    "varbit",
    "cidr",
    "macaddr",
    "money",
    "daterange",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "tsvector",
    "tsquery",
]
_PSEUDO = frozenset(
    [
        "any",
        "anyarray",
        "anycompatible",
        "anyelement",
        "anyenum",
        "anynonarray",
        "anyrange",
        "cstring",
        "event_trigger",
        "fdw_handler",
        "index_am_handler",
        "internal",
        "language_handler",
        "record",
        "table_am_handler",
        "trigger",
        "tsm_handler",
        "unknown",
        "void",
    ]
)
_MEANT = {
    "string": "text",
    "str": "text",
    "bool": "boolean",
    "float": "double precision",
    "double": "double precision",
    "datetime": "timestamptz",
    "number": "numeric",
    "object": "jsonb",
    "dict": "jsonb",
    "list": "jsonb",
}
_MODIFIER = re.compile(
    r"^(numeric|character varying|timestamp|time|interval)\([\d,-]+\)"
)


def resolve_type(context: Context, type_: TypeExpr) -> Type | None:
    """Return the type without its own nullability; None after a finding."""
    match type_:
        case NamedType():
            return resolve_scalar(context, type_.name, type_.span)
        case ListType():
            item = resolve_type(context, type_.item)
            return Items(item, type_.item.nullable) if item else None
        case ShapeType():
            return _resolve_shape(context, type_)


def _resolve_shape(context: Context, shape: ShapeType) -> Record | None:
    resolved = [(n, t, resolve_type(context, t)) for n, t in shape.fields]
    fields = [
        Field(name.text, type_, written.nullable)
        for name, written, type_ in resolved
        if type_ is not None
    ]
    return Record(tuple(fields)) if len(fields) == len(resolved) else None


def resolve_scalar(context: Context, name: str, span: Span) -> Scalar | None:
    """Return PostgreSQL's type of that name; None after a finding."""
    canonical = context.catalog.canonical_type(name)
    if canonical is None:
        plain = span.end - span.start == len(name)
        meant = nearest(name, [*_MEANT, *_COMMON])
        meant = _MEANT.get(meant or "", meant)
        context.report(
            error(
                "WF220",
                span,
                f'unknown type "{name}"',
                help=did_you_mean(meant),
                fix=replacement(meant, span) if plain else None,
            )
        )
        return None
    if canonical in _PSEUDO:
        context.report(error("WF220", span, f'"{name}" is not a type of values'))
        return None
    return Scalar(canonical)


def sql_type(type_: Type) -> str:
    """Return the type that a value has in SQL; typed JSON is jsonb."""
    return type_.name if isinstance(type_, Scalar) else "jsonb"


def without_modifier(type_: Type) -> Type:
    """Return `numeric` for `numeric(12,2)`, where the modifier only limits.

    Without theirs, `character` and `bit` would mean a single one.
    """
    if not isinstance(type_, Scalar):
        return type_
    return Scalar(_MODIFIER.sub(r"\1", type_.name))


def is_anonymous(type_: Type) -> bool:
    """Say whether a type is a record, or are records, whose columns nobody knows."""
    return isinstance(type_, Scalar) and type_.name in ("record", "record[]")


def show_type(type_: Type) -> str:
    """Return the type as a workflow would write it."""
    match type_:
        case Scalar():
            return type_.name
        case Items():
            return f"[{show_type(type_.item)}{'?' if type_.nullable else ''}]"
        case Record():
            members = (
                f"{f.name}: {show_type(f.type)}{'?' if f.nullable else ''}"
                for f in type_.fields
            )
            return f"{{{', '.join(members)}}}"
