"""What the protocol says, as data: errors with their fields, described columns.

libpq is used below psycopg's cursors: a statement has to be described without being
run, and the text of a user must not be read for placeholders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.pq import DiagnosticField, ExecStatus

from perdure.catalog.model import Rejected

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.pq.abc import PGconn, PGresult


@dataclass(frozen=True, slots=True)
class RawColumn:
    """A column as the protocol describes it; `table` and `number` are 0 when it is
    not simply a column of a relation."""

    name: str
    type: int
    modifier: int
    table: int
    number: int


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a statement, and the types of its parameters."""

    columns: tuple[RawColumn, ...]
    parameters: tuple[int, ...]


def rejection(result: PGresult) -> Rejected | None:
    """Return PostgreSQL's objection, None when there is none."""
    if result.status != ExecStatus.FATAL_ERROR:
        return None
    position = _field(result, DiagnosticField.STATEMENT_POSITION)
    return Rejected(
        _field(result, DiagnosticField.MESSAGE_PRIMARY) or "the connection was lost",
        _field(result, DiagnosticField.SQLSTATE) or "08006",
        int(position) - 1 if position else None,
        _field(result, DiagnosticField.MESSAGE_HINT),
        _field(result, DiagnosticField.MESSAGE_DETAIL),
    )


def _field(result: PGresult, field: DiagnosticField) -> str | None:
    value = result.error_field(field)
    return None if value is None else value.decode(errors="replace")


def execute(pgconn: PGconn, sql: str) -> Rejected | None:
    """Run statements with the simple protocol."""
    return rejection(pgconn.exec_(sql.encode()))


def describe(pgconn: PGconn, sql: str) -> Shape | Rejected:
    """Parse and describe a statement; nothing is planned or run."""
    if "\0" in sql:
        return Rejected("a NUL character is not allowed", "22021", sql.index("\0"))
    refused = rejection(pgconn.prepare(b"", sql.encode()))
    if refused is not None:
        return refused
    result = pgconn.describe_prepared(b"")
    refused = rejection(result)
    return refused if refused is not None else _shape(result)


def _shape(result: PGresult) -> Shape:
    columns = tuple(
        RawColumn(
            (result.fname(i) or b"").decode(),
            result.ftype(i),
            result.fmod(i),
            result.ftable(i),
            result.ftablecol(i),
        )
        for i in range(result.nfields)
    )
    parameters = (result.param_type(i) for i in range(result.nparams))
    return Shape(columns, tuple(parameters))


def version_of(connection: Connection) -> str:
    """Return the version of a server, like `18.4`, as its programs print it."""
    printed = connection.info.parameter_status("server_version") or ""
    return printed.split()[0]
