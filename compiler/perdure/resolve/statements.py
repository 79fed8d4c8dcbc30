"""SQL statements: references bound, the whole described by PostgreSQL.

The user's text is asked about as it stands, comments included, with a typed
parameter at every use of a value. PostgreSQL's position in its answer falls into one
token, and that token's characters in the file are what the finding points at.

A statement that reads something that was found wrong is asked about, too, with nulls
for it: whether its tables and columns are there does not hang on their types. To leave
it out hid every later mistake of a workflow behind the first one.
"""

from __future__ import annotations

import re
from dataclasses import replace

from perdure.catalog.model import Described, Rejected
from perdure.diagnostics import error
from perdure.ir.expr import Reference, Statement
from perdure.resolve.context import Context
from perdure.resolve.described import Asked
from perdure.resolve.references import resolve_reference, resolve_row_set
from perdure.resolve.rejections import report_rejection
from perdure.resolve.scope import Env
from perdure.resolve.suggest import nearest
from perdure.resolve.written import written_null
from perdure.source import Span
from perdure.syntax.sql import SqlRef, SqlText, Token, is_subscripted

Parts = tuple[Token | Reference | None, ...]
"""The pieces of a statement; None for a value that was found wrong."""

_AFTER_TABLE = frozenset(
    [
        "where",
        "join",
        "left",
        "right",
        "full",
        "inner",
        "cross",
        "natural",
        "on",
        "using",
        "group",
        "order",
        "having",
        "limit",
        "offset",
        "fetch",
        "for",
        "union",
        "intersect",
        "except",
        "window",
        "returning",
        "set",
        "when",
        "tablesample",
        "select",
        "insert",
        "update",
        "delete",
        "merge",
        "values",
        "into",
        "do",
        "not",
    ]
)
"""Words after a table that are no alias of it."""

_WITHOUT_TYPES = frozenset({"42P01", "42703", "3F000"})
"""What is not there whatever the types are: tables, columns, schemas."""

_NAMES = ("word", "quoted")
_OF_RELATION = re.compile(r'column "([^"]+)" of relation')
_NO_TABLE = frozenset(
    ("select", "values", "where", "set", "returning", "by", "having", "limit")
)
"""Words that begin a list of values."""

_BEFORE_TABLE = frozenset({"from", "join", "using", "lateral", "only"})


def resolve_statement(
    context: Context, env: Env, sql: SqlText
) -> tuple[Statement, Described] | None:
    """Bind and describe a statement; None when something in it was found wrong."""
    wrong = _in_literals(context, env, sql)
    parts = _bind(context, env, sql)
    if parts is None:
        return None
    described = _describe(context, env, sql, parts, wrong)
    bound = tuple(each for each in parts if each is not None)
    if described is None or len(bound) < len(parts):
        return None
    statement = Statement(
        bound,
        sql.main - sql.first,
        sql.keyword,
        sql.returning,
        sql.recursive,
        sql.has_with,
        _span(sql, sql.first, sql.last),
    )
    return statement, described


# --- references -----------------------------------------------------------------


def _in_literals(context: Context, env: Env, sql: SqlText) -> list[Span]:
    """Report references inside of literals; return their places."""
    found = []
    for suspect in sql.suspects:
        if any(
            name in env.bindings or name in context.step_names or name == "run"
            for name in suspect.names
        ):
            context.report(suspect.finding)
            found += [suspect.finding.span] if suspect.finding.span else []
    return found


def _bind(context: Context, env: Env, sql: SqlText) -> Parts | None:
    """Return the pieces; None when rows are read whose columns nobody knows."""
    refs = {ref.index: ref for ref in sql.refs}
    parts: list[Token | Reference | None] = []
    known = True
    for index in range(sql.first, sql.last):
        if index not in refs:
            parts.append(sql.tokens[index])
            continue
        reference = _resolve(context, env, sql, refs[index])
        known = known and (reference is not None or not refs[index].row_set)
        parts.append(reference)
    return tuple(parts) if known else None


def _resolve(context: Context, env: Env, sql: SqlText, ref: SqlRef) -> Reference | None:
    if not ref.row_set:
        return resolve_reference(context, env, ref.parts, ref.span)
    reference = resolve_row_set(context, env, ref.parts, ref.span)
    if reference is None or not _check_place(context, sql, ref):
        return None
    return replace(reference, alias=_alias(sql, ref))


def _check_place(context: Context, sql: SqlText, ref: SqlRef) -> bool:
    """Check that a row set stands where a table may."""
    if _is_table(sql, ref.index):
        return True
    name = ref.parts[0].text
    context.report(
        error(
            "WF207",
            ref.span,
            f'the rows ":{name}.*" are a table, a value was expected here',
            help=f'write "(select ... from :{name}.*)", or name a column: '
            f'":{name}.column"',
        )
    )
    return False


def _is_table(sql: SqlText, index: int) -> bool:
    """Say whether the token at `index` follows FROM, JOIN or USING, or their comma."""
    depth = 0
    behind_comma = False
    for token in reversed(sql.tokens[sql.first : index]):
        text = token.text.lower()
        if token.kind in ("space", "comment"):
            continue
        if depth == 0 and token.kind == "word":
            if text in _BEFORE_TABLE:
                return True
            if not behind_comma or text in _NO_TABLE:
                return False
        elif depth == 0 and not behind_comma and text not in (",", "("):
            return False
        behind_comma = behind_comma or text == ","
        depth += (text == ")") - (text == "(" and behind_comma)
        if depth < 0:
            return False
    return False


def _alias(sql: SqlText, ref: SqlRef) -> str | None:
    """Return the alias of a row set, None when the user's text gives one."""
    following = (
        token
        for token in sql.tokens[ref.index + 1 : sql.last]
        if token.kind not in ("space", "comment")
    )
    token = next(following, None)
    if token is not None and _is_alias(token):
        return None
    return ref.parts[0].text


def _is_alias(token: Token) -> bool:
    if token.kind == "word":
        return token.text.lower() not in _AFTER_TABLE
    return token.kind == "quoted"


# --- description ----------------------------------------------------------------


def _describe(
    context: Context, env: Env, sql: SqlText, parts: Parts, wrong: list[Span]
) -> Described | None:
    """Ask about a statement; what PostgreSQL says of a literal in `wrong` is known."""
    asked: Asked[int] = Asked()
    for index, part in enumerate(parts, sql.first):
        if isinstance(part, Token):
            asked.add(part.text, index)
        elif part is None:
            asked.add("(null)", index)
        elif is_subscripted(
            parts, index - sql.first
        ):  # a bare `x::int[] [1]` is a type, not an item
            asked.add("(", index)
            asked.add(part, index)
            asked.add(")", index)
        else:
            asked.add(part, index)
    answer = context.catalog.describe(asked.sql, asked.given)
    if isinstance(answer, Rejected):
        if None in parts and answer.sqlstate not in _WITHOUT_TYPES:
            return None
        span = _token_span(sql, asked.place(answer.position))
        if any(span.start <= each.start < span.end for each in wrong):
            return None
        report_rejection(context, env, _with_hint(context, sql, answer), span)
        return None
    for each in answer.nulls if None not in parts else ():
        place = _token_span(sql, asked.place(each.position))
        context.report_once(written_null(each, place))
    return answer


def _with_hint(context: Context, sql: SqlText, rejected: Rejected) -> Rejected:
    """Return an objection to a column of the table that is changed, with a hint.

    PostgreSQL has one for columns that are read only.
    """
    found = _OF_RELATION.search(rejected.message)
    if rejected.sqlstate != "42703" or rejected.hint or found is None:
        return rejected
    table = _target(sql)
    described = context.catalog.describe(f"select * from {table}") if table else None
    if not isinstance(described, Described):
        return rejected
    meant = nearest(found.group(1), [column.name for column in described.columns])
    hint = f'Perhaps you meant to reference the column "{meant}".'
    return replace(rejected, hint=hint) if meant else rejected


def _target(sql: SqlText) -> str | None:
    """Return the name of the table that a statement changes, as it is written."""
    words = [
        (index, token.text.lower())
        for index, token in enumerate(sql.tokens[sql.main : sql.last], sql.main)
        if token.kind not in ("space", "comment")
    ]
    for index, word in words[1:]:
        if word not in ("into", "only") and sql.tokens[index].kind in _NAMES:
            last = index
            while _continues(sql, last):
                last += 2
            return "".join(token.text for token in sql.tokens[index : last + 1])
    return None


def _token_span(sql: SqlText, index: int | None) -> Span:
    """Return the place of a token, with the rest of a dotted name that it begins."""
    if index is None:
        return _span(sql, sql.first, sql.last)
    last = index
    while _continues(sql, last):
        last += 2
    return _span(sql, index, last + 1)


def _continues(sql: SqlText, index: int) -> bool:
    following = sql.tokens[index + 1 : min(index + 3, sql.last)]
    return (
        sql.tokens[index].kind in _NAMES
        and len(following) == 2
        and following[0].text == "."
        and following[1].kind in _NAMES
    )


def _span(sql: SqlText, first: int, last: int) -> Span:
    return sql.text.span(sql.tokens[first].start, sql.tokens[last - 1].end)
