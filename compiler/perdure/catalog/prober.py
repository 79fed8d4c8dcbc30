"""Questions put to a PostgreSQL that holds the schema.

Statements are described by the extended protocol, which parses and analyses them
and runs nothing. Utility statements (VACUUM, CREATE INDEX, ...) are only parsed
there, so a syntax error in one is found and a missing table is not.

Two connections: one has the search path of the steps, the other an empty one, so
that `format_type` prints every name outside of `pg_catalog` with its schema.

**Immutability** is decided by PostgreSQL itself: the expression, its parameters made
columns of an empty temporary table, is offered for an index, which takes immutable
expressions only; then everything is rolled back. Looking functions up by name is the
rejected way: `+` and `||` exist as immutable and as stable operators, and only the
analysis of types tells which one is meant. Constants of date and time types count
as not immutable, because `'now'::timestamptz` is a constant to PostgreSQL.

**Volatility** is decided by its planner: a subquery with a volatile column is kept,
any other one is merged into the query around it.

**Values** are computed of what an index would take and has no parameters, and for so
long as a user would wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import psycopg

from perdure.catalog.analysis import analyse
from perdure.catalog.definitions import Filter, definitions, uses_of
from perdure.catalog.model import (
    NONE,
    Column,
    Computed,
    Described,
    Given,
    Rejected,
    Typed,
    Use,
)
from perdure.catalog.near import with_table
from perdure.catalog.tables import SEARCH_PATH, Tables, read_tables
from perdure.catalog.wire import (
    RawColumn,
    describe,
    execute,
    rejection,
    version_of,
)

_PREFIX = "select ("
_NOT_IMMUTABLE = "42P17"
_OF_VALUES = ("22", "23")
_PATIENCE = 2_000
_SHOWN = 100
_PARAMETER = re.compile(r"\$(\d+)")
_OPAQUE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$\w*\$|--|/\*")
_PLAIN = re.compile(
    r"\s*(?:\d+(?:\.\d+)?|'[^'\\]*'|true|false|null|\(\$1\)::[a-z]+)\s*", re.I
)
_TIME_CONSTANT = re.compile(
    r"'::(?:time|date|reg|(?:pg_catalog\.)?\"?(?:ts|date)\w*range)", re.IGNORECASE
)


class Prober:
    """The two connections to one scratch database, and what was learnt from them."""

    def __init__(self, url: str) -> None:
        self._steps = _connect(url, SEARCH_PATH)
        self._names = _connect(url, "")
        self._types: dict[tuple[int, int], str] = {}
        self._tables: Tables | None = None
        self._parameters: dict[int, str] = {}
        self._has_parameters = False
        self._path: tuple[str, ...] = (SEARCH_PATH,)
        self._filter: Filter | None = None

    def look_in(self, path: tuple[str, ...]) -> None:
        """Answer for this search path from now on."""
        if path == self._path:
            return
        self._path = path
        quoted = ['"' + name.replace('"', '""') + '"' for name in path]
        self._steps.execute(
            "select pg_catalog.set_config('search_path', %s, false)",
            [", ".join(quoted)],
        )

    @property
    def version(self) -> str:
        """The version of the server, like `18.4`."""
        return version_of(self._steps)

    def close(self) -> None:
        """Close the connections."""
        self._steps.close()
        self._names.close()

    def describe(self, sql: str, given: Given = NONE) -> Described | Rejected:
        """Describe a statement; see `Catalog.describe`."""
        raw = describe(self._steps.pgconn, sql)
        if isinstance(raw, Rejected):
            return with_table(raw, self.tables)
        analysis = analyse(sql, len(raw.columns), self.tables, given)
        if analysis is None:
            return Rejected("there is no statement", "42601", None)
        types = self._type_names(
            (column.type, column.modifier) for column in raw.columns
        )
        columns = tuple(
            Column(
                column.name,
                type_name,
                not (proved or (analysis.origins and self._enforced(column))),
            )
            for column, type_name, proved in zip(
                raw.columns, types, analysis.not_null, strict=True
            )
        )
        return Described(columns, analysis.facts, analysis.nulls)

    def uses(self, sql: str) -> tuple[Use, ...]:
        """Return the functions and views that a statement uses."""
        if self._filter is None:
            self._filter = Filter(self._names)
        return uses_of(self._steps, sql) if self._filter.passes(sql) else ()

    def definitions(self) -> tuple[Use, ...]:
        """Return all functions and views of the schema."""
        return definitions(self._names)

    def typeof(self, expr: str) -> Typed | Rejected:
        """Return the type of an expression; see `Catalog.typeof`."""
        # The line feed ends a comment that the expression may end with.
        raw = describe(self._steps.pgconn, f"{_PREFIX}{expr}\n)")
        if isinstance(raw, Rejected):
            return _moved(raw, -len(_PREFIX), len(expr))
        if len(raw.columns) != 1:
            return Rejected("one expression is expected", "42601", 0)
        (column,) = raw.columns
        (type_name,) = self._type_names([(column.type, column.modifier)])
        return Typed(type_name, self._is_immutable(expr, raw.parameters))

    def compute(self, expr: str) -> Computed | Rejected:
        """Compute an expression without parameters; see `Catalog.compute`."""
        unknown = Computed(settled=False, text=None)
        found = self._as_index(expr, ())
        if isinstance(found, Rejected) and found.sqlstate == _NOT_IMMUTABLE:
            return unknown
        pgconn = self._steps.pgconn
        execute(pgconn, f"begin read only; set local statement_timeout = {_PATIENCE}")
        asked = f"select pg_catalog.left(({expr}\n)::text, {_SHOWN})"
        result = pgconn.exec_(asked.encode())
        refused = rejection(result)
        if refused is not None:
            execute(pgconn, "rollback")
            return refused if refused.sqlstate[:2] in _OF_VALUES else unknown
        value = result.get_value(0, 0)
        execute(pgconn, "rollback")
        return Computed(settled=True, text=None if value is None else value.decode())

    def is_volatile(self, expr: str) -> bool:
        """Say whether an expression is volatile; see `Catalog.is_volatile`."""
        raw = describe(self._steps.pgconn, f"{_PREFIX}{expr}\n)")
        text = None
        if not isinstance(raw, Rejected):
            text = self._with_columns(expr, raw.parameters)
        if text is None:
            return False
        asked = (
            f"explain select from (select ({text}\n) as v"
            " from pg_temp.perdure_parameters) as s where v is null"
        )
        result = self._steps.pgconn.exec_(asked.encode())
        lines = [result.get_value(row, 0) or b"" for row in range(result.ntuples)]
        return any(b"Subquery Scan" in line for line in lines)

    def canonical_type(self, name: str) -> str | None:
        """Return the canonical spelling of a type; see `Catalog.canonical_type`."""
        if "\0" in name or not name.strip():
            return None
        oid, kind = self._type_named(name)
        if oid is None:
            return None
        if kind != "d":
            raw = describe(self._steps.pgconn, f"select null::{name}")
            if isinstance(raw, Rejected) or len(raw.columns) != 1:
                return None
            return self._type_names([(oid, raw.columns[0].modifier)])[0]
        return self._type_names([(oid, -1)])[0]

    @property
    def tables(self) -> Tables:
        """What is known of the schema; read at the first use."""
        if self._tables is None:
            self._tables = read_tables(self._names)
        if self._tables.path != self._path:
            self._tables = replace(self._tables, path=self._path)
        return self._tables

    def _enforced(self, column: RawColumn) -> bool:
        return (column.table, column.number) in self.tables.enforced

    def _type_named(self, name: str) -> tuple[Any, Any]:
        try:
            row = self._steps.execute(
                "select t.oid, t.typtype from pg_catalog.pg_type t"
                " where t.oid = pg_catalog.to_regtype(%s) and t.typtype <> 'p'",
                [name],
            ).fetchone()
        except psycopg.Error:  # before PostgreSQL 17, bad syntax of a type is an error
            return None, None
        return row or (None, None)

    def _type_names(self, types: Iterable[tuple[int, int]]) -> list[str]:
        wanted = list(types)
        missing = list({each for each in wanted if each not in self._types})
        if missing:
            rows = self._names.execute(
                "select pg_catalog.format_type(o, m) from unnest("
                "%s::oid[], %s::int4[]) with ordinality u(o, m, n) order by n",
                [[oid for oid, _ in missing], [modifier for _, modifier in missing]],
            )
            self._types.update(zip(missing, (row[0] for row in rows), strict=True))
        return [self._types[each] for each in wanted]

    def _is_immutable(self, expr: str, parameters: tuple[int, ...]) -> bool:
        if _PLAIN.fullmatch(expr):
            return True
        definition = self._as_index(expr, parameters)
        return isinstance(definition, str) and not _TIME_CONSTANT.search(definition)

    def _as_index(self, expr: str, parameters: tuple[int, ...]) -> str | Rejected:
        """Return the definition of an index of an expression, or why there is none."""
        text = self._with_columns(expr, parameters)
        if text is None:
            return Rejected("its parameters cannot be told", _NOT_IMMUTABLE, None)
        attempt = (
            "begin; create index perdure_try on pg_temp.perdure_parameters "
            f"((({text}\n) is null));"
            "select pg_catalog.pg_get_indexdef('pg_temp.perdure_try'::regclass);"
        )
        result = self._steps.pgconn.exec_(attempt.encode())
        refused = rejection(result)
        value = (None if refused else result.get_value(0, 0)) or b""
        execute(self._steps.pgconn, "rollback")
        return refused or value.decode()

    def _with_columns(self, expr: str, parameters: tuple[int, ...]) -> str | None:
        """Put columns in place of parameters; None where text cannot tell them."""
        if not self._has_parameters:
            self._steps.execute("create temp table perdure_parameters ()")
            self._has_parameters = True
        opaque = "".join(_OPAQUE.findall(expr))
        if "$" in opaque or "--" in opaque or "/*" in opaque:
            return None
        try:
            columns = [self._parameter_column(oid) for oid in parameters]
        except psycopg.errors.InvalidTableDefinition:  # of a pseudo-type, as void is
            return None
        return _PARAMETER.sub(lambda match: columns[int(match[1]) - 1], expr)

    def _parameter_column(self, oid: int) -> str:
        if oid not in self._parameters:
            (type_name,) = self._type_names([(oid, -1)])
            column = f"p{oid}"
            table = "pg_temp.perdure_parameters"
            self._steps.execute(
                f"alter table {table} add {column} {type_name}".encode()
            )
            self._parameters[oid] = column
        return self._parameters[oid]


def _moved(refused: Rejected, by: int, length: int) -> Rejected:
    """Move the position to the expression, out of the text around it."""
    position, message = refused.position, refused.message
    if position is not None:
        position = position + by
        if position > length:  # the parenthesis of ours, after a line feed
            message = message.replace('at or near ")"', "at end of input")
        position = min(max(position, 0), length)
    return Rejected(message, refused.sqlstate, position, refused.hint, refused.detail)


def _connect(url: str, search_path: str) -> psycopg.Connection:
    connection = psycopg.connect(
        url, autocommit=True, client_encoding="utf8", application_name="perdure"
    )
    connection.execute(
        "select pg_catalog.set_config('search_path', %s, false)", [search_path]
    )
    return connection
