"""Calls in a select list: aggregates, and functions that return several rows."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from perdure.catalog.analysis.scope import Scope

_QUERIES = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Values)


def is_query(node: object) -> bool:
    """Say whether a node can be analysed as a query."""
    return isinstance(node, _QUERIES)


def own_nodes(node: exp.Expr) -> Iterable[exp.Expr]:
    """Yield a node and those below it that belong to the same query."""
    yield node
    for child in node.iter_expressions():
        if not is_query(child) and not isinstance(
            child, exp.From | exp.Join | exp.With
        ):
            yield from own_nodes(child)


def aggregates(select: exp.Select, scope: Scope) -> bool:
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


def returns_sets(select: exp.Select, scope: Scope) -> bool:
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
