"""Which expressions are certainly not NULL."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlglot import exp

from perdure.catalog.analysis.scope import Output, Query, Scope, conjuncts, fold
from perdure.catalog.analysis.types import PLAIN, UNKNOWN, WHOLE, cast_type

Nested = Callable[[exp.Expr, Scope], Query]
"""Analyses a query in a scope of its own."""

_ALWAYS = (
    exp.Count,
    exp.Exists,
    exp.CurrentTimestamp,
    exp.CurrentDate,
    exp.Localtimestamp,
    exp.CurrentUser,
    exp.Uuid,
    exp.Rand,
    exp.RowNumber,
    exp.Array,
    exp.BitString,
    exp.HexString,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
)
_ALWAYS_NAMED = frozenset(
    {
        "clock_timestamp",
        "concat",
        "current_database",
        "dense_rank",
        "gen_random_uuid",
        "json_build_array",
        "json_build_object",
        "jsonb_build_array",
        "jsonb_build_object",
        "nextval",
        "now",
        "pg_backend_pid",
        "pg_current_xact_id",
        "rank",
        "row_number",
        "statement_timestamp",
        "transaction_timestamp",
        "txid_current",
        "uuidv4",
        "uuidv7",
    }
)
_OPERATORS = (
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Mod,
    exp.DPipe,
    exp.EQ,
    exp.NEQ,
    exp.LT,
    exp.LTE,
    exp.GT,
    exp.GTE,
    exp.Like,
    exp.ILike,
)
_STRICT = (exp.Lower, exp.Upper, exp.Length, exp.Trim, exp.Abs, exp.Round, exp.MD5)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


_GIVEN = "given"
"""Marks a parameter that is never NULL, in sqlglot's notes of the node."""


def mark_given(tree: exp.Expr, numbers: frozenset[int]) -> None:
    """Note which parameters of a statement are never NULL."""
    for each in tree.find_all(exp.Parameter) if numbers else ():
        each.meta[_GIVEN] = each.name.isdecimal() and int(each.name) in numbers


def not_null(expr: exp.Expr, scope: Scope, nested: Nested) -> bool:
    """Say whether an expression is certainly not NULL."""

    def sure(*parts: exp.Expr | None) -> bool:
        return all(part is not None and not_null(part, scope, nested) for part in parts)

    match expr:
        case exp.Column():
            output = scope.output(expr)
            return output is not None and not output.nullable
        case exp.Paren() | exp.Alias() | exp.Collate() | exp.Not():
            return sure(expr.this)
        case exp.And() | exp.Or():
            return sure(expr.this, expr.expression)
        case exp.Subquery():
            return _scalar(expr, scope, nested)
        case exp.Coalesce() | exp.Greatest() | exp.Least():
            return any(sure(part) for part in [expr.this, *expr.expressions])
        case exp.Case():
            return _case(expr, sure)
    if _is_never_null(expr, scope):
        return True
    operands = _operands(expr)
    return bool(operands) and sure(*operands) and _all_plain(operands, scope)


def _is_never_null(expr: exp.Expr, scope: Scope) -> bool:
    """Say whether an expression is not NULL whatever it is made of."""
    match expr:
        case exp.Literal() | exp.Boolean():
            return True
        case exp.Cast(this=inner) if isinstance(inner.unnest(), exp.Parameter):
            return bool(inner.unnest().meta.get(_GIVEN))  # its type, no conversion
        case exp.Interval():
            return isinstance(expr.this, exp.Literal)
        case exp.Filter():
            return isinstance(expr.this, exp.Count)
        case exp.Window():
            call = expr.this
            return isinstance(call, exp.Count | exp.RowNumber) or _named(call, scope)
        case exp.Is():  # of the other tests, `null is json` is NULL
            return isinstance(expr.expression, exp.Null | exp.Boolean)
        case exp.ConcatWs():
            return False
        case exp.Concat():
            return bool(expr.args.get("coalesce"))
        case exp.Anonymous():
            return _named(expr, scope)
        case exp.Dot(this=exp.Identifier(), expression=exp.Anonymous()):
            return _qualified(expr)
    return isinstance(expr, _ALWAYS)


def _operands(expr: exp.Expr) -> list[exp.Expr]:
    """Return the operands of an operation that, on plain types, is NULL only if one of
    them is; nothing for other expressions."""
    match expr:
        case exp.TryCast():
            return []
        case exp.Cast():
            return [expr.this] if _casts(expr) else []
        case exp.Neg():
            return [expr.this]
        case exp.Between():
            return [expr.this, expr.args["low"], expr.args["high"]]
        case exp.In() if expr.expressions and not expr.args.get("query"):
            return [expr.this, *expr.expressions]
    if isinstance(expr, _OPERATORS):
        return [expr.this, expr.expression]
    return list(expr.iter_expressions()) if isinstance(expr, _STRICT) else []


def _all_plain(parts: list[exp.Expr], scope: Scope) -> bool:
    return all(type_of(part, scope) in PLAIN | {UNKNOWN} for part in parts)


def type_of(expr: exp.Expr, scope: Scope) -> str | None:
    """Return the type of an expression where it is declared, else None."""
    match expr:
        case exp.Literal():
            return UNKNOWN if expr.is_string else "numeric"
        case exp.Parameter() | exp.Null():
            return UNKNOWN
        case exp.Boolean() | exp.Exists() | exp.Is() | exp.Not() | exp.Connector():
            return "boolean"
        case exp.Count():
            return "bigint"
        case exp.CurrentTimestamp():
            return "timestamp with time zone"
        case exp.Dot() if _is_clock(expr):
            return "timestamp with time zone"
        case exp.CurrentDate():
            return "date"
        case exp.Interval():
            return "interval"
        case exp.Lower() | exp.Upper() | exp.Trim() | exp.MD5():
            return "text"
        case exp.Column():
            output = scope.output(expr)
            return output.type if output else None
        case exp.Paren() | exp.Alias() | exp.Neg():
            return type_of(expr.this, scope)
        case exp.Cast():
            return cast_type(expr.to)
        case exp.Add() | exp.Sub() | exp.Mul() | exp.Div():
            types = {type_of(expr.this, scope), type_of(expr.expression, scope)}
            if types <= WHOLE:
                return "numeric"
            return types.pop() if len(types) == 1 else None
        case exp.Coalesce():
            types = {type_of(part, scope) for part in [expr.this, *expr.expressions]}
            return types.pop() if len(types - {UNKNOWN}) == 1 else None
    return "boolean" if isinstance(expr, _COMPARISONS) else None


def present_columns(condition: exp.Expr | None, scope: Scope) -> None:
    """Note the columns that are not NULL in the rows that pass a condition."""
    for each in conjuncts(condition):
        tested = _tested_not_null(each)
        if tested is not None:
            _note(tested, scope)
        elif isinstance(each, _COMPARISONS):
            for side in (each.this, each.expression):
                if type_of(side, scope) in PLAIN:
                    _note(side, scope)


def _tested_not_null(expr: exp.Expr) -> exp.Expr | None:
    """Return x of `x is not null` and of `not x is null`."""
    negated = isinstance(expr, exp.Not)
    test = expr.this if negated else expr
    if not isinstance(test, exp.Is) or not isinstance(test.expression, exp.Null):
        return None
    tested: exp.Expr = test.this
    return tested if bool(test.args.get("negate")) != negated else None


def _note(expr: exp.Expr, scope: Scope) -> None:
    if isinstance(expr, exp.Column):
        source = scope.source_of(expr)
        if source is not None:
            scope.present.add((source.name, fold(expr.this)))


def _scalar(expr: exp.Subquery, scope: Scope, nested: Nested) -> bool:
    query = nested(expr, scope.inner())
    columns: Iterable[Output] = query.columns or ()
    return query.rows == "one" and [c.nullable for c in columns] == [False]


def _case(expr: exp.Case, sure: Callable[..., bool]) -> bool:
    branches = [branch.args["true"] for branch in expr.args["ifs"]]
    return sure(*branches, expr.args.get("default"))


def _casts(expr: exp.Cast) -> bool:
    """A literal in quotes becomes any type; others stay among the plain ones."""
    literal = isinstance(expr.this, exp.Literal) and expr.this.is_string
    return literal or cast_type(expr.to) in PLAIN | {"json", "jsonb"}


def _named(expr: exp.Expr, scope: Scope) -> bool:
    """Say whether it calls a built-in function that never gives NULL."""
    name = expr.name.lower() if isinstance(expr, exp.Anonymous) else ""
    return name in _ALWAYS_NAMED and name not in scope.tables.own


def _qualified(call: exp.Dot) -> bool:
    """Say whether a function that is named with its schema never gives NULL."""
    name = call.expression.name.lower()
    return _is_clock(call) or (_schema(call) == "pg_catalog" and name in _ALWAYS_NAMED)


def _is_clock(call: exp.Dot) -> bool:
    """Say whether it is the time that compiled workflows go by."""
    return _schema(call) == "perdure" and call.expression.name.lower() == "now"


def _schema(call: exp.Dot) -> str:
    name = str(call.this.name)
    return name if call.this.args.get("quoted") else name.lower()
