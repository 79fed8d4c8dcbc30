"""Queries: their sources, columns and number of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

from perdure.catalog.analysis.keys import combined_rows
from perdure.catalog.analysis.nulls import not_null, present_columns, type_of
from perdure.catalog.analysis.scope import (
    Output,
    Query,
    Rows,
    Scope,
    Source,
    fewer,
    fold,
    table_source,
)
from perdure.catalog.analysis.types import cast_type

_UNKNOWN = Query(None, "many")
_QUERIES = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Values)
_GROUPING = (exp.Rollup, exp.Cube, exp.GroupingSets)


def analyse_query(query: exp.Expr, outer: Scope) -> Query:
    """Analyse any statement that returns rows, inside of the scope `outer`."""
    from perdure.catalog.analysis.changes import analyse_change

    scope = outer.inner() if outer.parent or outer.sources else outer
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


def is_query(node: object) -> bool:
    """Say whether a node can be analysed as a query."""
    return isinstance(node, _QUERIES)


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


def add_source(item: exp.Expr, scope: Scope) -> None:
    """Add an item of FROM to the scope."""
    scope.sources.append(_source(item, scope))
    for join in item.args.get("joins") or ():
        # Joins in parentheses: their names count, nothing is concluded of them.
        add_source(join.this, scope)
        for source in scope.sources[-2:]:
            source.outer = True


def add_joins(joins: Sequence[exp.Join], scope: Scope) -> None:
    """Add joined items; note where a join may put NULLs."""
    for join in joins:
        before = list(scope.sources)
        add_source(join.this, scope)
        if join.side in ("LEFT", "FULL"):
            for source in scope.sources[len(before) :]:
                source.outer = True
        if join.side in ("RIGHT", "FULL"):
            for source in before:
                source.outer = True


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
            _renamed(result.columns, cte.args["alias"]), result.rows
        )


def _select(select: exp.Select, scope: Scope) -> Query:
    joins: list[exp.Join] = list(select.args.get("joins") or ())
    from_ = select.args.get("from_")
    if from_ is not None:
        add_source(from_.this, scope)
    for lateral in select.args.get("laterals") or ():
        add_source(lateral, scope)
    add_joins(joins, scope)
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
    elif _aggregates(select, scope):
        rows = "one"
    if select.args.get("having") is not None or select.args.get("locks"):
        rows = fewer(rows)
    if _returns_sets(select, scope):
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


def _source(item: exp.Expr, scope: Scope) -> Source:
    alias = item.args.get("alias")
    name = fold(alias.this) if alias is not None and alias.this is not None else None
    if isinstance(item, exp.Lateral):
        inner = _source(item.this, scope)
        return Source(name or inner.name, _columns(inner, alias), inner.rows)
    if isinstance(item, exp.Table):
        return _table(item, name, alias, scope)
    if is_query(item) and not (
        isinstance(item, exp.Subquery) and not is_query(item.this)
    ):
        query = analyse_query(item, scope.inner())
        return Source(name or "", _named(_renamed(query.columns, alias)), query.rows)
    if isinstance(item, exp.Subquery):  # joins in parentheses
        add_source(item.this, scope)
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
        return Source(name or own, _named(_renamed(query.columns, alias)), query.rows)
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


def _renamed(
    columns: tuple[Output, ...] | None, alias: exp.Expr | None
) -> tuple[Output, ...] | None:
    names = alias.args.get("columns") if alias is not None else None
    if not names or columns is None:
        return columns
    if len(names) > len(columns):
        return None
    new = [Output(fold(n), c.nullable, c.type) for n, c in zip(names, columns)]  # noqa: B905
    return (*new, *columns[len(new) :])


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


def _has_grouping_sets(group: exp.Expr | None) -> bool:
    if group is None:
        return False
    if any(group.args.get(kind) for kind in ("rollup", "cube", "grouping_sets")):
        return True
    return any(isinstance(each, _GROUPING) for each in group.expressions)


def _tables(select: exp.Select, joins: list[exp.Join]) -> list[exp.Expr]:
    from_ = select.args.get("from_")
    return [*([from_.this] if from_ else []), *(join.this for join in joins)]


def _samples(item: exp.Expr) -> bool:
    return item.args.get("sample") is not None


def own_nodes(node: exp.Expr) -> Iterable[exp.Expr]:
    """Yield a node and those below it that belong to the same query."""
    yield node
    for child in node.iter_expressions():
        if not is_query(child) and not isinstance(
            child, exp.From | exp.Join | exp.With
        ):
            yield from own_nodes(child)


def _aggregates(select: exp.Select, scope: Scope) -> bool:
    """Say whether the select list or HAVING of a query has an aggregate."""
    having = select.args.get("having")
    places = [*select.expressions, *([having] if having is not None else [])]
    return any(
        _is_aggregate(node, scope)
        and not _is_window(node)
        and not _is_of_outer(node, scope)
        for place in places
        for node in own_nodes(place)
    )


def _is_of_outer(node: exp.Expr, scope: Scope) -> bool:
    """Say whether an aggregate belongs to an enclosing query, as all its columns do."""
    columns = [each for each in own_nodes(node) if isinstance(each, exp.Column)]
    return (
        bool(columns)
        and all(scope.source_of(each) is None for each in columns)
        and (scope.parent is not None)
    )


def _is_aggregate(node: exp.Expr, scope: Scope) -> bool:
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in scope.tables.aggregates
    return isinstance(node, _AGGREGATES)


_AGGREGATES = (
    exp.Count,
    exp.Sum,
    exp.Min,
    exp.Max,
    exp.Avg,
    exp.ArrayAgg,
    exp.GroupConcat,
    exp.JSONArrayAgg,
    exp.LogicalAnd,
    exp.LogicalOr,
)


def _is_window(node: exp.Expr) -> bool:
    parent = node.parent
    if isinstance(parent, exp.Filter | exp.WithinGroup | exp.IgnoreNulls):
        return _is_window(parent)
    return isinstance(parent, exp.Window)


_NO_SETS = (
    exp.Column,
    exp.Literal,
    exp.Cast,
    exp.Paren,
    exp.Alias,
    exp.Count,
    exp.Coalesce,
)


def _returns_sets(select: exp.Select, scope: Scope) -> bool:
    """Say whether a set-returning function may stand outside of FROM.

    sqlglot renames the functions that it knows (`unnest` is an `Explode`), so that a
    call counts as one unless its node cannot be one.
    """
    skipped = ("from_", "joins", "with_", "where")
    for name, value in select.args.items():
        if name in skipped:
            continue
        for place in value if isinstance(value, list) else [value]:
            if isinstance(place, exp.Expr) and any(
                _may_return_sets(node, scope) for node in own_nodes(place)
            ):
                return True
    return False


def _may_return_sets(node: exp.Expr, scope: Scope) -> bool:
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in scope.tables.sets
    if not isinstance(node, exp.Func) or isinstance(node, _SINGLE):
        return False
    return any(name.lower() in scope.tables.sets for name in node.sql_names()) or (
        isinstance(node, exp.UDTF) or type(node).__name__.lower().startswith("explod")
    )


_SINGLE = (*_AGGREGATES, exp.Coalesce, exp.Cast, exp.And, exp.Or, exp.Case)
