"""Types of the IR as SQL spells them, and as they travel between steps."""

from __future__ import annotations

from perdure.ir.types import Record, Scalar, Type
from perdure.plan.types import native as native_name


def native(type: Type) -> bool:
    """Say whether a value lives in JSON as it is (see `perdure.plan.types`)."""
    return isinstance(type, Scalar) and native_name(type.name)


def sql_type(type: Type) -> str:
    """Return the SQL type of a value: typed JSON is `jsonb`."""
    return type.name if isinstance(type, Scalar) else "jsonb"


def carried_type(type: Type) -> str:
    """Return the SQL type in which a value travels."""
    return sql_type(type) if native(type) else "text"


def is_json(type: Type) -> bool:
    """Say whether a value is JSON, typed or not."""
    return sql_type(type) in ("json", "jsonb")


def columns_of(type: Type) -> tuple[tuple[str, Type], ...]:
    """Return the columns of a row set."""
    assert isinstance(type, Record)
    return tuple((field.name, field.type) for field in type.fields)
