"""Nulls that a statement writes where a column takes none.

PostgreSQL finds them when the row is written, before it looks for a conflict. Said is
only what holds for every row: of a table with a trigger that may fill the column in, of
a view, and of a `*`, nothing is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlglot import exp

from perdure.catalog.analysis.changes import find_table, target_of
from perdure.catalog.analysis.scope import Scope, fold
from perdure.catalog.model import WrittenNull
from perdure.catalog.tables import Table, TableColumn, Tables

_Cells = Sequence[exp.Expr]


def written_nulls(nodes: Iterable[exp.Expr], tables: Tables) -> tuple[WrittenNull, ...]:
    """Return what is written of a statement, which is given with all below it."""
    found: list[WrittenNull] = []
    for node in nodes:
        if isinstance(node, exp.Insert | exp.Update | exp.Merge):
            target = target_of(node)
            table = find_table(target, Scope(tables))
            if target is not None and table is not None:
                found += _Change(target, table).nulls(node)
    return tuple(sorted(found, key=lambda each: each.position))


class _Change:
    """What changes rows of a table, which is written at `target`."""

    def __init__(self, target: exp.Table, table: Table) -> None:
        self._place = _start(target.args.get("db") or target.this)
        self._table = table

    def nulls(self, node: exp.Expr) -> Iterator[WrittenNull]:
        """Yield what an INSERT, UPDATE or MERGE writes."""
        match node:
            case exp.Insert():
                yield from self._inserted(node)
                conflict = node.args.get("conflict")
                if conflict is not None:
                    yield from self._updated(conflict.expressions)
            case exp.Update():
                yield from self._updated(node.expressions)
            case exp.Merge():
                for when in node.args["whens"].expressions:
                    action = when.args["then"]
                    if isinstance(action, exp.Insert):
                        yield from self._merged(action)
                    elif isinstance(action, exp.Update):
                        yield from self._updated(action.expressions)

    def _inserted(self, insert: exp.Insert) -> Iterator[WrittenNull]:
        names = None
        if isinstance(insert.this, exp.Schema):
            names = insert.this.expressions
        if insert.args.get("default"):
            yield from self._rows([], [])
        else:
            yield from self._rows(names, list(_rows_of(insert.expression)))

    def _merged(self, insert: exp.Insert) -> Iterator[WrittenNull]:
        listed = None if insert.this is None else insert.this.expressions
        if isinstance(insert.expression, exp.Tuple):
            names = listed and [each.this for each in listed]
            yield from self._rows(names, [insert.expression.expressions])
        elif listed and len(listed) == 1 and _is_default(listed[0]):
            yield from self._rows([], [])  # as sqlglot reads `default values`

    def _rows(
        self, names: Sequence[exp.Expr] | None, rows: Sequence[_Cells]
    ) -> Iterator[WrittenNull]:
        """Yield what is written by rows of values for columns, all where none is named.

        There are no rows where it can't be told which values there are.
        """
        if not self._table.inserts or not (rows or names is not None):
            return
        if names is None:
            first = list(self._table.columns)[: len(rows[0])]
            places = dict.fromkeys(first, self._place)
        else:
            places = {fold(each): _start(each) for each in names}
        if not places.keys() <= self._table.columns.keys() or any(
            len(row) != len(places) for row in rows
        ):
            return  # PostgreSQL, which takes the statement, reads it in another way
        cells = {name: [r[i] for r in rows] for i, name in enumerate(places)}
        yield from self._left(places, cells)
        for column in self._strict():
            if any(map(_is_null, cells.get(column.name, ()))):
                yield self._written(column, places[column.name])

    def _left(
        self, places: dict[str, int], cells: dict[str, list[exp.Expr]]
    ) -> Iterator[WrittenNull]:
        """Yield the columns without a default that are given none or that."""
        empty = [each for each in self._strict() if not each.filled]
        left = tuple(each.name for each in empty if each.name not in places)
        if left:
            yield WrittenNull(self._table.name, left, "left", self._place)
        for each in empty:
            if any(map(_is_default, cells.get(each.name, ()))):
                place = places[each.name]
                yield WrittenNull(self._table.name, (each.name,), "left", place)

    def _updated(self, expressions: Iterable[exp.Expr]) -> Iterator[WrittenNull]:
        if not self._table.updates:
            return
        strict = {each.name: each for each in self._strict()}
        for target, value in _assignments(expressions):
            column = strict.get(fold(target))
            if column is None:
                continue
            if _is_null(value) or (_is_default(value) and not column.filled):
                yield self._written(column, _start(target))

    def _written(self, column: TableColumn, place: int) -> WrittenNull:
        return WrittenNull(self._table.name, (column.name,), "written", place)

    def _strict(self) -> list[TableColumn]:
        return [each for each in self._table.columns.values() if not each.takes_null]


def _rows_of(query: exp.Expr | None) -> Iterator[_Cells]:
    """Yield the values of a query, a row each; none where they can't be counted."""
    match query:
        case exp.Subquery():
            yield from _rows_of(query.this)
        case exp.Select():
            yield from _counted([query.expressions])
        case exp.Values():
            rows = (row for row in query.expressions if isinstance(row, exp.Tuple))
            yield from _counted([row.expressions for row in rows])
        case exp.Union():
            sides = [list(_rows_of(each)) for each in (query.left, query.right)]
            if all(sides):
                yield from (row for side in sides for row in side)


def _counted(rows: list[list[exp.Expr]]) -> list[list[exp.Expr]]:
    return [] if any(cell.is_star for row in rows for cell in row) else rows


def _assignments(
    expressions: Iterable[exp.Expr],
) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """Yield the columns that are set, and their values, where these are listed."""
    for each in expressions:
        if not isinstance(each, exp.EQ):
            continue
        targets, values = [each.this], [each.expression]
        if isinstance(each.this, exp.Tuple) and isinstance(each.expression, exp.Tuple):
            targets, values = each.this.expressions, each.expression.expressions
        for target, value in zip(targets, values, strict=False):
            # With a table it is `set column.field`.
            if isinstance(target, exp.Column) and not target.table:
                yield target.this, value


def _is_null(value: exp.Expr) -> bool:
    """Say whether a value is a literal null, of whatever built-in type."""
    value = value.unalias().unnest()
    if isinstance(value, exp.Cast):
        own = value.to.this == exp.DataType.Type.USERDEFINED
        return not own and isinstance(value.this.unnest(), exp.Null)
    return isinstance(value, exp.Null)


def _is_default(value: exp.Expr) -> bool:
    if isinstance(value, exp.Column) and not value.table:
        name = value.this
        return not name.args.get("quoted") and name.name.lower() == "default"
    return isinstance(value, exp.Var) and value.name.lower() == "default"


def _start(name: exp.Expr) -> int:
    return int(name.meta.get("start", 0))
