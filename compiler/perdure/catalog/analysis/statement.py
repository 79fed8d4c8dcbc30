"""A whole statement: its kind, what it touches, and what it returns."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from perdure.catalog.analysis.changes import find_table, target_of
from perdure.catalog.analysis.query import analyse_query, is_query
from perdure.catalog.analysis.scope import Query, Scope, fold
from perdure.catalog.model import Facts, StatementKind
from perdure.catalog.tables import Tables

# Statements that sqlglot cannot read are expected; it has no other switch for this.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())

_CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
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


def analyse(sql: str, width: int, tables: Tables) -> Analysis | None:
    """Analyse a statement that returns `width` columns; None when there is none."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="postgres") if tree]
    except (SqlglotError, RecursionError):
        return _unread(sql, width)
    if not trees:
        return None
    if len(trees) > 1 or isinstance(trees[0], exp.Command):
        return _unread(sql, width)
    try:
        return _analyse(trees[0], width, tables)
    except RecursionError:
        return _unread(sql, width)


def _analyse(tree: exp.Expr, width: int, tables: Tables) -> Analysis:
    kind = _kind(tree)
    query = Query(None, "many")
    if kind != "other":
        query = analyse_query(tree, Scope(tables))
    columns = query.columns or ()
    proved = tuple(not column.nullable for column in columns)
    return Analysis(
        Facts(
            kind,
            returns_rows=width > 0,
            cardinality=query.rows if width else "one",
            reads=_reads(tree, tables),
            writes=_writes(tree, tables),
            has_where=_has_where(tree),
            star=_has_star(tree),
        ),
        proved if len(proved) == width else (False,) * width,
        origins=_keeps_origins(tree),
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


def _reads(tree: exp.Expr, tables: Tables) -> tuple[str, ...]:
    ctes = {fold(cte.args["alias"].this) for cte in tree.find_all(exp.CTE)}
    targets = {id(target_of(change)) for change in tree.find_all(*_CHANGES)}
    names = {
        _qualified(table, tables)
        for table in tree.find_all(exp.Table)
        if id(table) not in targets
        and isinstance(table.this, exp.Identifier)
        and (table.args.get("db") or fold(table.this) not in ctes)
    }
    return tuple(sorted(names))


def _writes(tree: exp.Expr, tables: Tables) -> tuple[str, ...]:
    targets = [target_of(change) for change in tree.find_all(*_CHANGES)]
    if isinstance(tree, exp.TruncateTable):
        targets = [each for each in tree.expressions if isinstance(each, exp.Table)]
    return tuple(sorted({_qualified(each, tables) for each in targets if each}))


def _qualified(table: exp.Table, tables: Tables) -> str:
    known = find_table(table, Scope(tables))
    if known is not None:
        return known.qualified
    name = fold(table.this)
    return f"{fold(table.args['db'])}.{name}" if table.args.get("db") else name


def _has_where(tree: exp.Expr) -> bool:
    return all(
        change.args.get("where") is not None
        for change in tree.find_all(exp.Update, exp.Delete)
        if not isinstance(change.parent, exp.When)
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


def _keeps_origins(tree: exp.Expr) -> bool:
    if any(join.side for join in tree.find_all(exp.Join)):
        return False
    if tree.find(exp.SetOperation, exp.Rollup, exp.Cube, exp.GroupingSets, exp.Merge):
        return False
    # PostgreSQL 18 returns old and new rows, which need not exist.
    return not any(
        fold(column.args["table"]) in ("old", "new")
        for returning in tree.find_all(exp.Returning)
        for column in returning.find_all(exp.Column)
        if column.table
    )
