"""What a statement gives, as far as its text says: columns and number of rows.

Read from the tokens, not from a schema: a name that PostgreSQL would make up is
replaced by one of ours, `value`, so that it need not be known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from perdure.frontend.df.literals import plain
from perdure.frontend.sqltext import read_sql
from perdure.source import Span
from perdure.syntax.sql import SqlText, Token

_NOWHERE = Span("", 0, 0)
_END = frozenset(
    {"from", "where", "group", "having", "window", "union", "intersect", "except"}
    | {"order", "limit", "offset", "fetch", "for", "into"}
)
_AGGREGATES = frozenset(
    {"count", "sum", "min", "max", "avg", "bool_and", "bool_or", "every", "array_agg"}
    | {"jsonb_agg", "json_agg", "string_agg", "jsonb_object_agg"}
)
_NUMBERS = frozenset({"count", "sum", "avg", "length", "char_length", "random"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, None when PostgreSQL makes one up; its expression."""

    name: str | None
    expression: str
    end: int  # where an alias would be written


@dataclass(frozen=True, slots=True)
class Shape:
    """What a statement gives. `columns` is None when its text does not say.

    `rows` says whether it returns rows at all; `single` that it gives exactly one.
    """

    columns: tuple[Column, ...] | None
    rows: bool
    single: bool
    limited: bool
    bare: bool  # nothing but `select` and a list


def shape_of(text: str) -> Shape:
    """Return the shape of a statement in which references are ours already."""
    sql, _ = read_sql(plain(text, _NOWHERE))
    if sql is None:
        return Shape(None, False, False, False, False)
    tokens = [
        each
        for each in sql.tokens[sql.main : sql.last]
        if each.kind not in ("space", "comment")
    ]
    begin = _list_start(sql, tokens)
    if begin is None:
        rows = sql.keyword in ("values", "table", "show", "explain")
        return Shape(None, rows, False, False, False)
    items, after = _items(tokens, begin)
    columns = tuple(_column(text, each) for each in items if each)
    star = any(each[-1].text == "*" for each in items if each)
    top = _top_words(tokens[after:])
    return Shape(
        None if star else columns,
        True,
        _single(sql, columns, top, tokens),
        bool({"limit", "fetch"} & set(top)),
        not top and sql.keyword == "select" and not sql.has_with,
    )


def with_name(text: str, column: Column, name: str) -> str:
    """Return a statement in which a column has a name of its own."""
    return f"{text[: column.end]} as {name}{text[column.end :]}"


def _list_start(sql: SqlText, tokens: Sequence[Token]) -> int | None:
    """Return where the list of columns begins."""
    if sql.keyword == "select" and tokens[0].text.lower() == "select":
        at = 1
        while at < len(tokens) and tokens[at].text.lower() in ("all", "distinct"):
            at += 1
            if at < len(tokens) and tokens[at].text.lower() == "on":
                return None
        return at
    if not sql.returning:
        return None
    depth, found = 0, None
    for index, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.text.lower() == "returning":
            found = index + 1
    return found


def _items(tokens: Sequence[Token], begin: int) -> tuple[list[list[Token]], int]:
    items: list[list[Token]] = [[]]
    depth, cases = 0, 0
    for index in range(begin, len(tokens)):
        token = tokens[index]
        word = token.text.lower() if token.kind == "word" else ""
        depth += (token.text in "([") - (token.text in ")]") if token.text else 0
        cases += (word == "case") - (word == "end" and cases > 0)
        before = tokens[index - 1].text.lower()
        ends = word in _END and not (word == "from" and before == "distinct")
        if depth == 0 and not cases and ends and before not in (".", "as"):
            return items, index
        if depth == 0 and token.text == "," and token.kind == "punctuation":
            items.append([])
        else:
            items[-1].append(token)
    return items, len(tokens)


def _column(text: str, item: Sequence[Token]) -> Column:
    last = item[-1]
    whole = text[item[0].start : last.end]
    if len(item) > 2 and item[-2].text.lower() == "as":
        return Column(_identifier(last), text[item[0].start : item[-3].end], last.end)
    if len(item) == 1 and last.kind == "reference":
        return Column(None, whole, last.end)
    plain_path = all(each.kind in ("word", "quoted") for each in item[::2])
    if len(item) % 2 and plain_path and all(each.text == "." for each in item[1::2]):
        word = last.text.lower()
        constant = word in ("true", "false", "null", "current_date", "current_user")
        return Column(None if constant else _identifier(last), whole, last.end)
    if _alias_without_as(item):
        return Column(_identifier(last), text[item[0].start : item[-2].end], last.end)
    call = re.match(r"(?:\w+\s*\.\s*)*(\w+)\s*\(", whole)
    if call and item[0].kind == "word" and _is_one_call(item):
        name = call[1].lower()
        if name not in ("case", "cast", "coalesce", "exists", "not", "array", "row"):
            return Column(name, whole, last.end)
    return Column(None, whole, last.end)


def _alias_without_as(item: Sequence[Token]) -> bool:
    """Say whether the last word can only be an alias: it follows an operand."""
    if len(item) < 2 or item[-1].kind not in ("word", "quoted"):
        return False
    before = item[-2]
    word = item[-1].text.lower()
    if word in ("end", "null", "true", "false", "unknown", "isnull", "notnull"):
        return False
    return before.text == ")" or before.kind in ("number", "string", "reference")


def _is_one_call(item: Sequence[Token]) -> bool:
    depth, opened = 0, False
    for index, token in enumerate(item):
        depth += (token.text == "(") - (token.text == ")")
        opened = opened or token.text == "("
        if opened and depth == 0:
            return index == len(item) - 1
    return False


def _identifier(token: Token) -> str:
    if token.kind == "quoted":
        return token.text[1:-1].replace('""', '"')
    return token.text.lower()


def _top_words(tokens: Sequence[Token]) -> list[str]:
    depth, found = 0, []
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.kind == "word":
            found.append(token.text.lower())
    return found


def _single(
    sql: SqlText, columns: Sequence[Column], top: Sequence[str], tokens: Sequence[Token]
) -> bool:
    """Say whether the statement gives exactly one row, whatever the tables hold."""
    if sql.keyword == "insert":
        words = _top_words(tokens)
        commas = _rows_of_values(tokens)
        return "values" in words and commas == 1 and "conflict" not in words
    if sql.keyword != "select" or {"union", "limit", "offset", "having"} & set(top):
        return False
    if not ({"from", "where", "group"} & set(top)):
        series = any("generate_series" in each.expression for each in columns)
        unnested = any(
            re.search(r"unnest|_elements|_each|_keys", c.expression) for c in columns
        )
        return not (series or unnested)
    if "group" in top:
        return False
    return bool(columns) and all(_aggregates(each.expression) for each in columns)


def _aggregates(expression: str) -> bool:
    calls = re.findall(r"(\w+)\s*\(", expression.lower())
    return (
        any(each in _AGGREGATES for each in calls)
        and " over " not in expression.lower()
    )


def _rows_of_values(tokens: Sequence[Token]) -> int:
    """Return how many rows `values` lists."""
    depth = count = 0
    inside = False
    for token in tokens:
        word = token.text.lower()
        if depth == 0 and token.kind == "word":
            inside = word == "values" or (inside and word not in ("on", "returning"))
        if depth == 0 and inside and token.text == "(":
            count += 1
        depth += (token.text == "(") - (token.text == ")")
    return count


def is_number(expression: str) -> bool:
    """Say whether an expression is a number, as far as its text says."""
    text = expression.strip().lower()
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return True
    if re.search(r"::\s*(int|integer|bigint|smallint|numeric|int[248])\s*$", text):
        return True
    call = re.fullmatch(r"(\w+)\s*\([^()]*(\([^()]*\)[^()]*)*\)", text)
    return bool(call and call[1] in _NUMBERS)
