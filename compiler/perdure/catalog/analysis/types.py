"""Types in so far as caution depends on them.

A *plain* type is one whose built-in operators and casts give NULL for NULL only.
JSON is not plain (a JSON null may become NULL in a cast), nor are geometric types.
"""

from __future__ import annotations

from sqlglot import exp

WHOLE = frozenset({"smallint", "integer", "bigint", "numeric"})
_FLOAT = frozenset({"real", "double precision"})
_TEXT = frozenset({"text", "character varying", "character", "name", "bpchar"})
_TIME = frozenset(
    {
        "date",
        "timestamp without time zone",
        "timestamp with time zone",
        "time without time zone",
        "time with time zone",
        "interval",
    }
)
PLAIN = WHOLE | _FLOAT | _TEXT | _TIME | {"boolean", "uuid", "bytea", "oid"}
UNKNOWN = "unknown"
"""A literal in quotes or a parameter: it takes the type of what it is compared to."""

_NAMES = {
    exp.DataType.Type.BOOLEAN: "boolean",
    exp.DataType.Type.SMALLINT: "smallint",
    exp.DataType.Type.INT: "integer",
    exp.DataType.Type.BIGINT: "bigint",
    exp.DataType.Type.DECIMAL: "numeric",
    exp.DataType.Type.FLOAT: "real",
    exp.DataType.Type.DOUBLE: "double precision",
    exp.DataType.Type.TEXT: "text",
    exp.DataType.Type.VARCHAR: "character varying",
    exp.DataType.Type.CHAR: "character",
    exp.DataType.Type.UUID: "uuid",
    exp.DataType.Type.DATE: "date",
    exp.DataType.Type.TIMESTAMP: "timestamp without time zone",
    exp.DataType.Type.TIMESTAMPTZ: "timestamp with time zone",
    exp.DataType.Type.INTERVAL: "interval",
    exp.DataType.Type.JSON: "json",
    exp.DataType.Type.JSONB: "jsonb",
    exp.DataType.Type.VARBINARY: "bytea",
}


def cast_type(to: exp.Expr) -> str | None:
    """Return the type that a cast names, None when it is not one of the usual."""
    if not isinstance(to, exp.DataType):
        return None
    if to.this == exp.DataType.Type.USERDEFINED:
        return to.sql("postgres")
    return _NAMES.get(to.this)


def equality_keeps_keys(column: str | None, value: str | None) -> bool:
    """Say whether `column = value` can hold for one value of a unique column only.

    It cannot be said where the column is converted on the way: two numbers may be the
    same double precision.
    """
    if column is None:
        return False
    if value in (UNKNOWN, column) or column in _TEXT:
        return True
    if value is None:
        return column in ("uuid", "boolean")
    return (column in WHOLE and value in WHOLE) or _last(column) == _last(value)


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1].strip('"')
