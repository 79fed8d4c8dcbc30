"""`foreach`: rows read as a query, one result row per item."""

from __future__ import annotations

from perdure.ir.expr import Constant, Expression, Template, Value
from perdure.ir.tree import ForeachStep
from perdure.ir.types import Field
from perdure.lower.branches import Lower
from perdure.lower.json import json_value, template
from perdure.lower.origin import origin, sequence
from perdure.lower.scope import Scope, parts_of, place_of
from perdure.lower.types import native, sql_type
from perdure.lower.values import carried, cast, read, typed
from perdure.plan.query import Code, Identifier, Piece, Query, ResultRef
from perdure.plan.tree import Foreach, Node, Sql


def lower_foreach(scope: Scope, step: ForeachStep, steps: Lower) -> list[Node]:
    """Lower a loop over rows; what the items give is kept as one list, if it is read.

    The list is what every reader of rows expects. Reading the rows of the loop as they
    are was rejected: none of them have no columns.
    """
    head = step.head
    item = place_of(scope, step.item).result
    items = Sql(origin(head, "items"), _items(scope, step))
    body = sequence(origin(head, "body"), steps(scope, step.steps))
    where, bound = origin(head, "foreach"), step.max_parallel
    if step.variable is None or not scope.is_read(step.variable):
        return [Foreach(where, items, body, item, bound, None)]
    collect = Sql(origin(head, "collect"), _row(scope, step))
    name = scope.names.fresh("items")
    result = place_of(scope, step.variable).result
    loop = Foreach(where, items, body, item, bound, collect, name)
    return [loop, Sql(origin(head, "result"), _list(name), result)]


def _items(scope: Scope, step: ForeachStep) -> Query:
    """Return the query of the rows, with the columns that are read of an item."""
    variable = scope.variables[step.item]
    place = place_of(scope, step.item)
    columns: list[Piece] = []
    for field in variable.fields:
        if field.name not in parts_of(variable, scope.reads[step.item]):
            continue
        columns += [Code(", " if columns else ""), Identifier(field.name)]
        if not native(field.type):
            columns.append(Code("::text"))
        columns.append(Code(f" as {place.columns[field.name]}"))
    listed = columns or [Code("1 as nothing")]
    rows = read(scope, step.rows)
    return (Code("select "), *listed, Code("\nfrom "), *rows, Code(" as s"))


def _row(scope: Scope, step: ForeachStep) -> Query:
    """Return the query of the row of one item."""
    query: list[Piece] = [Code("select ")]
    for index, (field, value) in enumerate(
        zip(step.columns, step.collect, strict=True)
    ):
        typed_value = _value(scope, field, value)
        query += [Code(", ")] if index else []
        query += [*carried(typed_value, field.type), Code(" as ")]
        query.append(Identifier(field.name))
    return tuple(query)


def _value(scope: Scope, field: Field, value: Value) -> Query:
    match value:
        case Expression():
            return typed(scope, value, field.type)
        case Template():
            return cast(template(scope, value), "text")
        case Constant(text):
            return cast((Code(text),), sql_type(field.type))
        case _:
            return json_value(scope, value)


def _list(name: str) -> Query:
    """Return all rows of a result as one JSON list; none is the empty list."""
    return (
        Code(f"select coalesce(jsonb_agg(to_jsonb({name}.*)), '[]')::text as items\n"),
        Code("from "),
        ResultRef(name, rows=True),
    )
