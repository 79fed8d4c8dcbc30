"""Types of the IR as SQL spells them, and as they travel between steps."""

from __future__ import annotations

from perdure.ir.types import Record, Scalar, Type
from perdure.plan.query import Code, Query
from perdure.plan.types import decoded as decoded_name
from perdure.plan.types import native as native_name


def native(type: Type) -> bool:
    """Say whether a value lives in JSON as it is (see `perdure.plan.types`)."""
    return isinstance(type, Scalar) and native_name(type.name)


def sql_type(type: Type) -> str:
    """Return the SQL type of a value: typed JSON is `jsonb`."""
    return type.name if isinstance(type, Scalar) else "jsonb"


def decoded(type: Type) -> bool:
    """Say whether a column needs no other form (see `perdure.plan.types`)."""
    return isinstance(type, Scalar) and decoded_name(type.name)


def carried_type(type: Type) -> str:
    """Return the SQL type in which a value travels."""
    return sql_type(type) if decoded(type) else "text"


def carried_column(column: Query, type: Type) -> Query:
    """Return a column in the form in which it travels."""
    if decoded(type):
        return column
    if native(type):
        return (Code("to_jsonb("), *column, Code(") #>> '{}'"))
    return (*column, Code("::text"))


def is_json(type: Type) -> bool:
    """Say whether a value is JSON, typed or not."""
    return sql_type(type) in ("json", "jsonb")


def columns_of(type: Type) -> tuple[tuple[str, Type], ...]:
    """Return the columns of a row set."""
    assert isinstance(type, Record)
    return tuple((field.name, field.type) for field in type.fields)
