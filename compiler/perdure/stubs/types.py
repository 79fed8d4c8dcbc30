"""Types of PostgreSQL as the types of Python that editors show."""

from __future__ import annotations

from collections.abc import Iterable

from perdure.ir.types import Field, Items, Scalar, Type

ANY = "Any"
NUMERIC = "Numeric"

_NAMES = {
    "smallint": "int",
    "integer": "int",
    "bigint": "int",
    "text": "str",
    "character": "str",
    "character varying": "str",
    "name": "str",
    "citext": "str",
    "boolean": "bool",
    "real": "float",
    "double precision": "float",
    "numeric": NUMERIC,
    "timestamp with time zone": "datetime",
    "timestamp without time zone": "datetime",
    "timestamptz": "datetime",
    "timestamp": "datetime",
    "date": "date",
    "time without time zone": "time",
    "time": "time",
    "interval": "timedelta",
    "uuid": "UUID",
    "bytea": "bytes",
}
MODULES = {
    "Any": "typing",
    "datetime": "datetime",
    "date": "datetime",
    "time": "datetime",
    "timedelta": "datetime",
    "UUID": "uuid",
}


def python_type(type_: Type) -> str:
    """Return the name of a type in Python; `Any` where there is none."""
    match type_:
        case Items(item=item, nullable=nullable):
            inner = python_type(item)
            return f"list[{inner} | None]" if nullable else f"list[{inner}]"
        case Scalar(name=name) if name.endswith("[]"):
            return f"list[{python_type(Scalar(name[:-2]))}]"
        case Scalar():
            return _NAMES.get(type_.base, ANY)
    return ANY


def column_type(field: Field, *, maybe: bool) -> str:
    """Return the type of a column; where there may be no row, there may be null."""
    name = python_type(field.type)
    nullable = (field.nullable or maybe) and name != ANY
    return f"{name} | None" if nullable else name


def merged(rows: Iterable[tuple[Field, ...]]) -> tuple[Field, ...]:
    """Return the columns of statements with one text, which may be of other types."""
    fields: dict[str, Field] = {}
    for row in rows:
        for each in row:
            known = fields.get(each.name, each)
            same = python_type(known.type) == python_type(each.type)
            type_ = each.type if same else Scalar("json")
            nullable = known.nullable or each.nullable
            fields[each.name] = Field(each.name, type_, nullable)
    return tuple(fields.values())
