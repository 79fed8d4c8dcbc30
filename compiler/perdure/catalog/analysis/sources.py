"""Items of FROM."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from perdure.catalog.analysis.calls import is_query
from perdure.catalog.analysis.nulls import Nested
from perdure.catalog.analysis.scope import Output, Scope, Source, fold, table_source
from perdure.catalog.analysis.types import cast_type


def add_source(item: exp.Expr, scope: Scope, nested: Nested) -> None:
    """Add an item of FROM to the scope."""
    scope.sources.append(_source(item, scope, nested))
    for join in item.args.get("joins") or ():
        # Joins in parentheses: their names count, nothing is concluded of them.
        add_source(join.this, scope, nested)
        for source in scope.sources[-2:]:
            source.outer = True


def add_joins(joins: Sequence[exp.Join], scope: Scope, nested: Nested) -> None:
    """Add joined items; note where a join may put NULLs."""
    for join in joins:
        before = list(scope.sources)
        add_source(join.this, scope, nested)
        if join.side in ("LEFT", "FULL"):
            for source in scope.sources[len(before) :]:
                source.outer = True
        if join.side in ("RIGHT", "FULL"):
            for source in before:
                source.outer = True


def _source(item: exp.Expr, scope: Scope, nested: Nested) -> Source:
    alias = item.args.get("alias")
    name = fold(alias.this) if alias is not None and alias.this is not None else None
    if isinstance(item, exp.Lateral):
        inner = _source(item.this, scope, nested)
        return Source(name or inner.name, _columns(inner, alias), inner.rows)
    if isinstance(item, exp.Table):
        return _table(item, name, alias, scope)
    if is_query(item) and not (
        isinstance(item, exp.Subquery) and not is_query(item.this)
    ):
        query = nested(item, scope.inner())
        return Source(name or "", _named(renamed(query.columns, alias)), query.rows)
    if isinstance(item, exp.Subquery):  # joins in parentheses
        add_source(item.this, scope, nested)
        inner = scope.sources.pop()
        inner.outer = True
        return inner if name is None else Source(name, None, "many")
    return Source(name or "", None, "many")


def _table(
    item: exp.Table, name: str | None, alias: exp.Expr | None, scope: Scope
) -> Source:
    if not isinstance(item.this, exp.Identifier):
        return _function(item, name, alias, scope)
    own, schema = fold(item.this), fold(item.args["db"]) if item.args.get("db") else ""
    if not schema and own in scope.ctes:
        query = scope.ctes[own]
        return Source(name or own, _named(renamed(query.columns, alias)), query.rows)
    table = scope.tables.find(schema, own)
    if table is None or item.args.get("catalog"):
        return Source(name or own, None, "many")
    source = table_source(table, name)
    if alias is not None and alias.args.get("columns"):
        source.columns, source.keys = None, ()
    return source


def _function(
    item: exp.Table, name: str | None, alias: exp.Expr | None, scope: Scope
) -> Source:
    call = item.this
    single = isinstance(call, exp.Anonymous) and (
        call.name.lower() in scope.tables.steady
        and call.name.lower() not in scope.tables.sets
    )
    definitions = alias.args.get("columns") if alias is not None else None
    columns = None
    if definitions and all(isinstance(each, exp.ColumnDef) for each in definitions):
        columns = {
            fold(each.this): Output(fold(each.this), True, cast_type(each.args["kind"]))
            for each in definitions
        }
    fallback = call.name.lower() if isinstance(call, exp.Anonymous) else ""
    return Source(name or fallback, columns, "one" if single else "many")


def _columns(source: Source, alias: exp.Expr | None) -> dict[str, Output] | None:
    if alias is not None and alias.args.get("columns"):
        return None
    return dict(source.columns) if source.columns is not None else None


def _named(columns: tuple[Output, ...] | None) -> dict[str, Output] | None:
    """Return columns by name; None when some have no name or share one."""
    if columns is None:
        return None
    named = {column.name: column for column in columns if column.name is not None}
    return named if len(named) == len(columns) else None


def renamed(
    columns: tuple[Output, ...] | None, alias: exp.Expr | None
) -> tuple[Output, ...] | None:
    """Return the columns under the names that an alias gives them, `as t(a, b)`."""
    names = alias.args.get("columns") if alias is not None else None
    if not names or columns is None:
        return columns
    if len(names) > len(columns):
        return None
    new = [Output(fold(n), c.nullable, c.type) for n, c in zip(names, columns)]  # noqa: B905
    return (*new, *columns[len(new) :])
