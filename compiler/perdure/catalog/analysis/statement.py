"""A whole statement: its kind, what it touches, and what it returns."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from perdure.catalog.analysis.calls import is_query
from perdure.catalog.analysis.changes import find_table, target_of
from perdure.catalog.analysis.nulls import mark_given
from perdure.catalog.analysis.query import analyse_query
from perdure.catalog.analysis.scope import Query, Scope, fold
from perdure.catalog.analysis.writes import written_nulls
from perdure.catalog.model import NONE, Facts, Given, StatementKind, WrittenNull
from perdure.catalog.tables import Tables

# Statements that sqlglot cannot read are expected; it has no other switch for this.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())

_CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_REPLACING = (exp.SetOperation, exp.Rollup, exp.Cube, exp.GroupingSets, exp.Merge)
"""What may put a NULL in place of a column."""
_KEYWORDS: dict[str, StatementKind] = {
    "SELECT": "select",
    "VALUES": "select",
    "TABLE": "select",
    "INSERT": "insert",
    "UPDATE": "update",
    "DELETE": "delete",
    "MERGE": "merge",
}


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is proved of a statement.

    `not_null` has an entry per column. `origins` says that a column which PostgreSQL
    traces to a column of a table holds what that column may hold: nothing in the
    statement can put a NULL in its place.
    """

    facts: Facts
    not_null: tuple[bool, ...]
    origins: bool
    nulls: tuple[WrittenNull, ...] = ()


def analyse(
    sql: str, width: int, tables: Tables, given: Given = NONE
) -> Analysis | None:
    """Analyse a statement that returns `width` columns; None when there is none.

    `given` are the numbers of parameters that are never null.
    """
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="postgres") if tree]
    except (SqlglotError, RecursionError):
        return _unread(sql, width)
    if not trees:
        return None
    if len(trees) > 1 or isinstance(trees[0], exp.Command):
        return _unread(sql, width)
    try:
        mark_given(trees[0], given)
        return _analyse(trees[0], width, tables)
    except RecursionError:
        return _unread(sql, width)


def _analyse(tree: exp.Expr, width: int, tables: Tables) -> Analysis:
    kind = _kind(tree)
    query = Query(None, "many")
    if kind != "other":
        query = analyse_query(tree, Scope(tables))
    columns = query.columns or ()
    nodes = list(tree.walk())
    targets = _targets(nodes)
    proved = tuple(not column.nullable for column in columns)
    return Analysis(
        Facts(
            kind,
            returns_rows=width > 0,
            cardinality=query.rows if width else "one",
            reads=_reads(nodes, targets, tables),
            writes=tuple(sorted({_qualified(each, tables) for each in targets})),
            has_where=_has_where(nodes),
            star=_has_star(tree),
        ),
        proved if len(proved) == width else (False,) * width,
        origins=_keeps_origins(nodes),
        nulls=written_nulls(nodes, tables),
    )


def _kind(tree: exp.Expr) -> StatementKind:
    if isinstance(tree, exp.Subquery):
        return _kind(tree.this)
    match tree:
        case exp.Insert():
            return "insert"
        case exp.Update():
            return "update"
        case exp.Delete():
            return "delete"
        case exp.Merge():
            return "merge"
    if isinstance(tree, exp.Select) and tree.args.get("into") is not None:
        return "other"
    return "select" if is_query(tree) else "other"


def _unread(sql: str, width: int) -> Analysis | None:
    kind = _kind_of_text(sql)
    if kind is None:
        return None
    facts = Facts(
        kind, width > 0, cardinality="many" if width else "one", analysed=False
    )
    return Analysis(facts, (False,) * width, origins=False)


def _kind_of_text(sql: str) -> StatementKind | None:
    """Return the kind by the first keyword, or the first after the WITH queries."""
    try:
        tokens = sqlglot.tokenize(sql, read="postgres")
    except SqlglotError:
        return "other"
    if not tokens:
        return None
    words = [token.text.upper() for token in tokens]
    while words and words[0] == "(":
        words.pop(0)
    if words[0] != "WITH":
        return _KEYWORDS.get(words[0], "other")
    depth = 0
    for word in words:
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0 and word in _KEYWORDS:
            return _KEYWORDS[word]
    return "other"


def _reads(
    nodes: Sequence[exp.Expr], targets: Sequence[exp.Table], tables: Tables
) -> tuple[str, ...]:
    ctes = {
        fold(node.args["alias"].this) for node in nodes if isinstance(node, exp.CTE)
    }
    written = {id(target) for target in targets}
    names = {
        _qualified(node, tables)
        for node in nodes
        if isinstance(node, exp.Table)
        and id(node) not in written
        and isinstance(node.this, exp.Identifier)
        and (node.args.get("db") or fold(node.this) not in ctes)
    }
    return tuple(sorted(names))


def _targets(nodes: Sequence[exp.Expr]) -> list[exp.Table]:
    """Return the tables that a statement writes."""
    found: list[exp.Expr | None] = []
    for node in nodes:
        if isinstance(node, _CHANGES):
            found.append(target_of(node))
        elif isinstance(node, exp.TruncateTable):
            found += node.expressions
        elif isinstance(node, exp.Into):
            found.append(node.this)
    return [each for each in found if isinstance(each, exp.Table)]


def _qualified(table: exp.Table, tables: Tables) -> str:
    known = find_table(table, Scope(tables))
    if known is not None:
        return known.qualified
    name = fold(table.this)
    return f"{fold(table.args['db'])}.{name}" if table.args.get("db") else name


def _has_where(nodes: Sequence[exp.Expr]) -> bool:
    return all(
        node.args.get("where") is not None
        for node in nodes
        if isinstance(node, exp.Update | exp.Delete)
        and not isinstance(node.parent, exp.When)
    )


def _has_star(tree: exp.Expr) -> bool:
    while isinstance(tree, exp.Subquery | exp.SetOperation):
        tree = tree.this
    returning = tree.args.get("returning")
    listed = returning.expressions if returning else []
    if isinstance(tree, exp.Select):
        listed = tree.expressions
    return any(
        isinstance(each, exp.Star)
        or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star))
        for each in listed
    )


def _keeps_origins(nodes: Sequence[exp.Expr]) -> bool:
    if any(isinstance(node, exp.Join) and node.side for node in nodes):
        return False
    if any(isinstance(node, _REPLACING) for node in nodes):
        return False
    # PostgreSQL 18 returns old and new rows, which need not exist.
    return not any(
        fold(column.args["table"]) in ("old", "new")
        for node in nodes
        if isinstance(node, exp.Returning)
        for column in node.find_all(exp.Column)
        if column.table
    )
