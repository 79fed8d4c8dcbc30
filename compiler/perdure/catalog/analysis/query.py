"""Queries: their sources, columns and number of rows."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from perdure.catalog.analysis.calls import aggregates, is_query, returns_sets
from perdure.catalog.analysis.keys import combined_rows
from perdure.catalog.analysis.nulls import not_null, present_columns, type_of
from perdure.catalog.analysis.scope import (
    Output,
    Query,
    Rows,
    Scope,
    fewer,
    fold,
)
from perdure.catalog.analysis.sources import add_joins, add_source, renamed

_UNKNOWN = Query(None, "many")
_NAMED = (exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Coalesce)
"""Calls after which PostgreSQL names the column."""
_GROUPING = (exp.Rollup, exp.Cube, exp.GroupingSets)


def analyse_query(query: exp.Expr, scope: Scope) -> Query:
    """Analyse any statement that returns rows; its names are added to the scope."""
    from perdure.catalog.analysis.changes import analyse_change

    _define_ctes(query, scope)
    match query:
        case exp.Select():
            return _select(query, scope)
        case exp.Subquery() if not query.args.get("joins") and is_query(query.this):
            inner = analyse_query(query.this, scope)
            return Query(inner.columns, _limited(query, inner.rows))
        case exp.SetOperation():
            return _set_operation(query, scope)
        case exp.Values():
            return _values(query, scope)
        case exp.Insert() | exp.Update() | exp.Delete() | exp.Merge():
            return analyse_change(query, scope)
    return _UNKNOWN


def outputs(expressions: Iterable[exp.Expr], scope: Scope) -> tuple[Output, ...] | None:
    """Return what a select list gives; None where a `*` cannot be expanded."""
    found: list[Output] = []
    for expr in expressions:
        if isinstance(expr, exp.Star) or (
            isinstance(expr, exp.Column) and isinstance(expr.this, exp.Star)
        ):
            expanded = _star(expr, scope)
            if expanded is None:
                return None
            found += expanded
        else:
            found.append(
                Output(
                    _name(expr),
                    not not_null(expr, scope, analyse_query),
                    type_of(expr, scope),
                )
            )
    return tuple(found)


def _define_ctes(query: exp.Expr, scope: Scope) -> None:
    with_ = query.args.get("with_")
    if with_ is None:
        return
    for cte in with_.expressions:
        name = fold(cte.args["alias"].this)
        if with_.args.get("recursive"):
            scope.ctes[name] = _UNKNOWN
        inner = Scope(scope.tables, dict(scope.ctes), parent=scope.parent)
        result = analyse_query(cte.this, inner)
        scope.ctes[name] = Query(
            renamed(result.columns, cte.args["alias"]), result.rows
        )


def _select(select: exp.Select, scope: Scope) -> Query:
    joins: list[exp.Join] = list(select.args.get("joins") or ())
    from_ = select.args.get("from_")
    if from_ is not None:
        add_source(from_.this, scope, analyse_query)
    for lateral in select.args.get("laterals") or ():
        add_source(lateral, scope, analyse_query)
    add_joins(joins, scope, analyse_query)
    where = select.args.get("where")
    present_columns(where, scope)
    columns = outputs(select.expressions, scope)
    group = select.args.get("group")
    if _has_grouping_sets(group) and columns is not None:
        columns = tuple(Output(c.name, True, c.type) for c in columns)
    return Query(columns, _select_rows(select, joins, scope))


def _select_rows(select: exp.Select, joins: list[exp.Join], scope: Scope) -> Rows:
    where = select.args.get("where")
    group = select.args.get("group")
    rows: Rows = "one"
    if scope.sources:
        rows = combined_rows(scope, joins, where)
    elif where is not None:
        rows = "maybe"
    if any(_samples(source) for source in _tables(select, joins)):
        rows = fewer(rows)
    if group is not None:
        rows = "many" if _has_grouping_sets(group) else fewer(rows)
    elif aggregates(select, scope):
        rows = "one"
    if select.args.get("having") is not None or select.args.get("locks"):
        rows = fewer(rows)
    if returns_sets(select, scope):
        rows = "many"
    return _limited(select, rows)


def _limited(query: exp.Expr, rows: Rows) -> Rows:
    """Apply LIMIT, FETCH and OFFSET."""
    limit = query.args.get("limit")
    if query.args.get("offset") is not None:
        rows = fewer(rows)
    if limit is None:
        return rows
    count = limit.args.get("count") or limit.args.get("expression")
    options = limit.args.get("limit_options")
    if options is not None and (
        options.args.get("with_ties") or options.args.get("percent")
    ):
        return rows
    if isinstance(limit, exp.Fetch) and count is None:
        return fewer("one" if rows == "many" else rows)
    number = count.this if isinstance(count, exp.Literal) else None
    if number in ("0", "1") and rows == "many":
        return "maybe"
    return (
        rows
        if number is not None and number.isdigit() and number != "0"
        else (fewer(rows))
    )


def _set_operation(query: exp.SetOperation, scope: Scope) -> Query:
    left = analyse_query(query.left, scope.inner())
    right = analyse_query(query.right, scope.inner())
    rows: Rows = "many" if isinstance(query, exp.Union) else fewer(left.rows)
    columns = None
    if (
        left.columns is not None
        and right.columns is not None
        and len(left.columns) == len(right.columns)
    ):
        columns = tuple(
            Output(
                a.name, a.nullable or b.nullable, a.type if a.type == b.type else None
            )
            for a, b in zip(left.columns, right.columns, strict=True)
        )
    return Query(columns, _limited(query, rows))


def _values(values: exp.Values, scope: Scope) -> Query:
    rows = values.expressions
    width = {len(_cells(row)) for row in rows}
    if len(width) != 1:
        return _UNKNOWN
    columns = tuple(
        Output(
            f"column{i + 1}",
            not all(not_null(_cells(row)[i], scope, analyse_query) for row in rows),
            None,
        )
        for i in range(width.pop())
    )
    return Query(columns, _limited(values, "one" if len(rows) == 1 else "many"))


def _cells(row: exp.Expr) -> list[exp.Expr]:
    return row.expressions if isinstance(row, exp.Tuple) else [row]


def _star(expr: exp.Expr, scope: Scope) -> list[Output] | None:
    if isinstance(expr, exp.Column):
        sources = [s for s in scope.sources if s.name == fold(expr.args["table"])]
        if len(sources) != 1:
            return None
    else:
        sources = scope.sources
    found: list[Output] = []
    for source in sources:
        if source.columns is None:
            return None
        for column in source.columns.values():
            present = (source.name, column.name or "") in scope.present
            nullable = (column.nullable or source.outer) and not present
            found.append(Output(column.name, nullable, column.type))
    return found


def _name(expr: exp.Expr) -> str | None:
    match expr:
        case exp.Alias():
            return fold(expr.args["alias"])
        case exp.Column():
            return fold(expr.this)
        case exp.Paren() | exp.Cast():
            return _name(expr.this)
        case (
            exp.Count() | exp.Sum() | exp.Min() | exp.Max() | exp.Avg() | exp.Coalesce()
        ):
            return type(expr).__name__.lower()
    return None


def _tables(select: exp.Select, joins: list[exp.Join]) -> list[exp.Expr]:
    from_ = select.args.get("from_")
    return [*([from_.this] if from_ else []), *(join.this for join in joins)]


def _samples(item: exp.Expr) -> bool:
    return item.args.get("sample") is not None


def _has_grouping_sets(group: exp.Expr | None) -> bool:
    if group is None:
        return False
    if any(group.args.get(kind) for kind in ("rollup", "cube", "grouping_sets")):
        return True
    return any(isinstance(each, _GROUPING) for each in group.expressions)
