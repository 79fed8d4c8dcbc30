"""How many rows the sources of a query can combine to.

A source gives at most one row when a unique key of it is pinned: every column of the
key is equated, by a condition that always applies, with something that is fixed,
namely constants, parameters, columns of an enclosing query, and columns of sources
that are already known to give at most one row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

from perdure.catalog.analysis.nulls import type_of
from perdure.catalog.analysis.scope import Rows, Scope, Source, conjuncts, fold
from perdure.catalog.analysis.types import equality_keeps_keys

_FIXED = (
    exp.Literal,
    exp.Parameter,
    exp.Boolean,
    exp.Null,
    exp.Cast,
    exp.DataType,
    exp.DataTypeParam,
    exp.Identifier,
    exp.Paren,
    exp.Neg,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Coalesce,
    exp.Lower,
    exp.Upper,
    exp.Trim,
    exp.Var,
)

Pin = tuple[str, str, exp.Expr]
"""A source, a column of it, and what the column is equated with."""


def combined_rows(
    scope: Scope, joins: Sequence[exp.Join], where: exp.Expr | None
) -> Rows:
    """Return how many rows the sources of a scope give together."""
    found = bounded(scope, pins(scope, joins, where))
    if len(found) < len(scope.sources) or any(join.side == "FULL" for join in joins):
        return "many"  # a full join of two single rows may give both, one by one
    inner = all(join.side == "LEFT" for join in joins if not _keeps_all(join))
    certain = inner and where is None and all(s.rows == "one" for s in _kept(scope))
    return "one" if certain else "maybe"


def bounded(scope: Scope, pinned: Iterable[Pin]) -> set[str]:
    """Return the names of the sources that give at most one row."""
    pinned = list(pinned)
    fixed = {s.name for s in scope.sources if s.rows != "many"}
    while True:
        more = {
            source.name
            for source in scope.sources
            if source.name not in fixed and _is_pinned(source, pinned, fixed, scope)
        }
        if not more:
            return fixed
        fixed |= more


def pins(scope: Scope, joins: Sequence[exp.Join], where: exp.Expr | None) -> list[Pin]:
    """Return the equations that hold for every row."""
    found = _equations(where, scope, None)
    if any(join.side in ("RIGHT", "FULL") for join in joins):
        return found  # their conditions drop no row
    for join in joins:
        # The condition of a left join drops no row of the left side.
        only = join_name(join) if join.side == "LEFT" else None
        found += _equations(join.args.get("on"), scope, only)
    return found


def join_name(join: exp.Join) -> str:
    """Return the name of what is joined."""
    item = join.this
    alias = item.args.get("alias")
    if alias is not None and alias.this is not None:
        return fold(alias.this)
    return fold(item.this) if isinstance(item.this, exp.Identifier) else ""


def _keeps_all(join: exp.Join) -> bool:
    """A join that drops no row by itself: `cross join` and a comma."""
    return not (join.side or join.args.get("on") or join.args.get("using")) and (
        join.method != "NATURAL"
    )


def _kept(scope: Scope) -> list[Source]:
    return [source for source in scope.sources if not source.outer]


def _equations(condition: exp.Expr | None, scope: Scope, only: str | None) -> list[Pin]:
    found = []
    for each in conjuncts(condition):
        for left, right in _sides(each):
            for column, value in ((left, right), (right, left)):
                if isinstance(column, exp.Column):
                    source = scope.source_of(column)
                    if source is not None and only in (None, source.name):
                        found.append((source.name, fold(column.this), value))
    return found


def _sides(each: exp.Expr) -> list[tuple[exp.Expr, exp.Expr]]:
    if not isinstance(each, exp.EQ):
        return []
    left, right = each.this, each.expression
    if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
        if len(left.expressions) == len(right.expressions):
            return list(zip(left.expressions, right.expressions, strict=True))
        return []
    return [(left, right)]


def _is_pinned(
    source: Source, pinned: list[Pin], fixed: set[str], scope: Scope
) -> bool:
    columns = {
        column
        for name, column, value in pinned
        if name == source.name
        and _is_fixed(value, fixed, scope)
        and _keeps_key(source, column, value, scope)
    }
    return any(key and key <= columns for key in source.keys)


def _keeps_key(source: Source, column: str, value: exp.Expr, scope: Scope) -> bool:
    known = (source.columns or {}).get(column)
    return known is not None and equality_keeps_keys(known.type, type_of(value, scope))


def _is_fixed(value: exp.Expr, fixed: set[str], scope: Scope) -> bool:
    """Say whether a value is the same for all rows, given the fixed sources."""
    match value:
        case exp.Column():
            source = scope.source_of(value)
            if source is None:
                return scope.is_outside(value)
            return source.name in fixed
        case exp.Anonymous():
            return value.name.lower() in scope.tables.steady and all(
                _is_fixed(argument, fixed, scope) for argument in value.expressions
            )
    return isinstance(value, _FIXED) and all(
        _is_fixed(child, fixed, scope) for child in value.iter_expressions()
    )
