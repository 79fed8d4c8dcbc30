"""Names in a query: which sources it has, and what their columns are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import exp

from perdure.catalog.tables import Table, Tables

Rows = Literal["one", "maybe", "many"]


@dataclass(frozen=True, slots=True)
class Output:
    """A column of a query or table; `type` is known for plain columns and casts."""

    name: str | None
    nullable: bool
    type: str | None


@dataclass(frozen=True, slots=True)
class Query:
    """What is proved of a query; `columns` is None where a `*` cannot be expanded."""

    columns: tuple[Output, ...] | None
    rows: Rows


@dataclass(slots=True)
class Source:
    """An item of FROM; `outer` says that a join may put NULLs in place of its row."""

    name: str
    columns: Mapping[str, Output] | None
    rows: Rows
    keys: tuple[frozenset[str], ...] = ()
    outer: bool = False


@dataclass(slots=True)
class Scope:
    """The names that an expression may refer to, innermost first."""

    tables: Tables
    ctes: dict[str, Query] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    parent: Scope | None = None
    present: set[tuple[str, str]] = field(default_factory=set)
    """Columns that a condition shows not to be NULL, as (source, column)."""

    def inner(self) -> Scope:
        """Return a scope for a query inside of this one."""
        return Scope(self.tables, dict(self.ctes), parent=self)

    def source_of(self, column: exp.Column) -> Source | None:
        """Return the source of a column here, None when that is not certain."""
        if column.args.get("db"):
            return None
        if column.table:
            wanted = fold(column.args["table"])
            named = [source for source in self.sources if source.name == wanted]
            return named[0] if len(named) == 1 else None
        name = fold(column.this)
        if any(source.columns is None for source in self.sources):
            return None
        having = [s for s in self.sources if s.columns and name in s.columns]
        return having[0] if len(having) == 1 else None

    def is_outside(self, column: exp.Column) -> bool:
        """Say whether a column certainly belongs to an enclosing query."""
        if self.parent is None or column.args.get("db"):
            return False
        if column.table:
            wanted = fold(column.args["table"])
            return all(source.name != wanted for source in self.sources)
        name = fold(column.this)
        return all(
            s.columns is not None and name not in s.columns for s in self.sources
        )

    def output(self, column: exp.Column) -> Output | None:
        """Return what is known of a column, looking outwards."""
        source = self.source_of(column)
        if source is not None:
            name = fold(column.this)
            found = (source.columns or {}).get(name)
            if found is None:
                return None
            present = (source.name, name) in self.present
            nullable = (found.nullable or source.outer) and not present
            return Output(name, nullable, found.type)
        if self.parent is not None and self.is_outside(column):
            return self.parent.output(column)
        return None


def fold(identifier: exp.Expr | str) -> str:
    """Return a name as PostgreSQL keeps it: lower case unless quoted."""
    if isinstance(identifier, exp.Identifier):
        name: str = identifier.this
        return name if identifier.args.get("quoted") else name.lower()
    return identifier.lower() if isinstance(identifier, str) else identifier.name


def table_source(table: Table, alias: str | None) -> Source:
    """Return a source for a relation."""
    columns = {
        name: Output(name, not column.not_null, column.type)
        for name, column in table.columns.items()
    }
    return Source(alias or table.name, columns, "many", table.keys)


def conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """Yield what a condition joins by AND."""
    match condition:
        case None:
            return
        case exp.And():
            yield from conjuncts(condition.this)
            yield from conjuncts(condition.expression)
        case exp.Paren():
            yield from conjuncts(condition.this)
        case exp.Where() | exp.Having():
            yield from conjuncts(condition.this)
        case _:
            yield condition


def fewer(rows: Rows) -> Rows:
    """Return the cardinality after something may have dropped rows."""
    return "maybe" if rows == "one" else rows
