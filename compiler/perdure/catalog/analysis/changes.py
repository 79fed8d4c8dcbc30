"""INSERT, UPDATE, DELETE and MERGE as sources of rows: what RETURNING gives."""

from __future__ import annotations

from sqlglot import exp

from perdure.catalog.analysis.keys import bounded, pins
from perdure.catalog.analysis.nulls import present_columns
from perdure.catalog.analysis.query import analyse_query, outputs
from perdure.catalog.analysis.scope import Query, Rows, Scope, fewer, fold
from perdure.catalog.analysis.sources import add_joins, add_source
from perdure.catalog.tables import Table


def analyse_change(change: exp.Expr, scope: Scope) -> Query:
    """Analyse a statement that changes rows."""
    match change:
        case exp.Insert():
            rows = _inserted(change, scope)
        case exp.Update() | exp.Delete():
            rows = _changed(change, scope)
        case _:
            return Query(None, "many")
    returning = change.args.get("returning")
    columns = outputs(returning.expressions, scope) if returning else ()
    return Query(columns, rows)


def target_of(change: exp.Expr) -> exp.Table | None:
    """Return the table that a statement changes."""
    target = change.this
    if isinstance(target, exp.Schema):
        target = target.this
    return target if isinstance(target, exp.Table) else None


def find_table(node: exp.Table | None, scope: Scope) -> Table | None:
    """Look up a table that is written in a statement."""
    if node is None or not isinstance(node.this, exp.Identifier):
        return None
    schema = fold(node.args["db"]) if node.args.get("db") else ""
    return scope.tables.find(schema, fold(node.this))


def _inserted(insert: exp.Insert, scope: Scope) -> Rows:
    rows: Rows = "one"  # default values
    if insert.expression is not None and not insert.args.get("default"):
        rows = analyse_query(insert.expression, scope.inner()).rows
    target = target_of(insert)
    table = find_table(target, scope)
    if table is None or not table.inserts:
        rows = fewer(rows)
    conflict = insert.args.get("conflict")
    if conflict is not None and (
        "UPDATE" not in conflict.args["action"].name.upper()
        or conflict.args.get("where") is not None
    ):
        rows = fewer(rows)
    if target is not None:
        scope.ctes.clear()  # the target is never one of them
        add_source(target, scope, analyse_query)
    return rows


def _changed(change: exp.Expr, scope: Scope) -> Rows:
    target = target_of(change)
    if target is None:
        return "many"
    own = Scope(scope.tables)
    add_source(target, own, analyse_query)
    scope.sources += own.sources
    joins: list[exp.Join] = []
    from_ = change.args.get("from_")
    items = list(change.args.get("using") or ()) + ([from_.this] if from_ else [])
    for item in items:
        nested = list(item.args.get("joins") or ())
        item.set("joins", None)
        add_source(item, scope, analyse_query)
        add_joins(nested, scope, analyse_query)
        item.set("joins", nested or None)
        joins += nested
    where = change.args.get("where")
    if isinstance(change, exp.Delete):
        # UPDATE returns the new row, of which the condition says nothing.
        present_columns(where, scope)
    # A row is changed, and returned, once, however many rows it is joined to.
    fixed = bounded(scope, pins(scope, joins, where))
    return "maybe" if scope.sources[0].name in fixed else "many"
