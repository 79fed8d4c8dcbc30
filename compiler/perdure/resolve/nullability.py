"""Whether an expression can be null, decided here because PostgreSQL does not say.

Operators and most functions are strict: null in, null out, and only then. The tables
hold the ones that are not. A function outside of the tables that is not PostgreSQL's
own may return null.
"""

from __future__ import annotations

from collections.abc import Iterator

from perdure.ir.expr import Reference
from perdure.resolve.facts import Outcome, facts_of
from perdure.resolve.printing import Piece
from perdure.resolve.scope import Fact
from perdure.syntax.expr import (
    Between,
    Binary,
    Call,
    Case,
    Cast,
    Expr,
    InList,
    IsTest,
    Literal,
    Ref,
    Unary,
)

_FIRST_OF = frozenset({"coalesce", "greatest", "least"})
"""Null only when all arguments are."""

_NEVER = frozenset(
    [
        "concat",
        "jsonb_build_object",
        "jsonb_build_array",
        "json_build_object",
        "json_build_array",
        "num_nulls",
        "num_nonnulls",
        "now",
        "perdure.now",
        "clock_timestamp",
        "statement_timestamp",
        "transaction_timestamp",
        "current_date",
        "current_timestamp",
        "random",
        "gen_random_uuid",
        "uuidv4",
        "uuidv7",
        "row_to_json",
    ]
)

_PERHAPS = frozenset(
    [
        "nullif",
        "array_length",
        "array_upper",
        "array_lower",
        "array_ndims",
        "array_position",
        "substring",
        "regexp_match",
        "regexp_substr",
        "current_setting",
        "to_regclass",
        "to_regtype",
        "to_regproc",
        "jsonb_extract_path",
        "jsonb_extract_path_text",
        "json_extract_path",
        "json_extract_path_text",
        "jsonb_path_query_first",
        "jsonb_path_match",
        "jsonb_path_exists",
        "jsonb_object_field",
        "jsonb_object_field_text",
        "jsonb_array_element",
        "jsonb_array_element_text",
        "obj_description",
        "col_description",
        "inet_client_addr",
        "upper_range",
        "lower_range",
        "txid_status",
        "width_bucket",
    ]
)
"""May return null for arguments that are not."""

_NEVER_OPERATORS = ("is distinct from", "is not distinct from")
_PERHAPS_OPERATORS = ("->", "->>")


def is_nullable(expr: Expr, pieces: list[Piece]) -> bool:
    """Say whether an expression can be null; `pieces` is its print."""
    return _nullable(expr, references_of(pieces), frozenset())


References = dict[Ref, bool]
Facts = frozenset[Fact]


def references_of(pieces: list[Piece]) -> References:
    """Return which references of a print may be null."""
    return {
        piece.ref: piece.content.nullable
        for piece in pieces
        if piece.ref is not None and isinstance(piece.content, Reference)
    }


def nullable_with(part: Expr, references: References, facts: Facts) -> bool:
    """Say whether a part of an expression can be null where something is proved."""
    return _nullable(part, references, facts)


def _nullable(expr: Expr, references: References, facts: Facts) -> bool:
    """Say whether an expression can be null, given what was proved on the way."""
    match expr:
        case Literal():
            return expr.kind == "null"
        case Ref():
            known = tuple(part.text for part in expr.parts) in facts
            return references[expr] and not known
        case Unary() | Cast():
            return _nullable(expr.operand, references, facts)
        case Binary(op="and" | "or"):
            return _logic(expr, references, facts)
        case Binary():
            sides = (expr.left, expr.right)
            strict = any(_nullable(side, references, facts) for side in sides)
            return expr.op in _PERHAPS_OPERATORS or (
                strict and expr.op not in _NEVER_OPERATORS
            )
        case IsTest():
            return False
        case InList() | Between():
            return any(_nullable(part, references, facts) for part in _parts(expr))
        case Case():
            return _case(expr, references, facts)
        case Call():
            return _call(expr, references, facts)


def _logic(expr: Binary, references: References, facts: Facts) -> bool:
    """Say whether `and` or `or` can be null: a side that never is guards the other.

    In `x is not null and x > 1` the second side counts only where the first is true.
    """
    goes_on: Outcome = "true" if expr.op == "and" else "false"
    return not any(
        not _nullable(guard, references, facts)
        and not _nullable(other, references, facts | facts_of(guard, goes_on))
        for guard, other in ((expr.left, expr.right), (expr.right, expr.left))
    )


def _case(expr: Case, references: References, facts: Facts) -> bool:
    if expr.otherwise is None:
        return True
    for when in expr.whens:
        holds, fails = facts, facts
        if expr.operand is None:
            holds = facts | facts_of(when.condition, "true")
            fails = facts | facts_of(when.condition, "not true")
        if _nullable(when.result, references, holds):
            return True
        facts = fails
    return _nullable(expr.otherwise, references, facts)


def _call(expr: Call, references: References, facts: Facts) -> bool:
    name = expr.function.text.lower().removeprefix("pg_catalog.")
    if name in _NEVER:
        return False
    if name in _PERHAPS or "." in name:
        return True
    args = [_nullable(arg, references, facts) for arg in expr.args]
    if name in _FIRST_OF:
        return all(args)
    if name in ("concat_ws", "format"):
        return args[:1] == [True]
    return any(args)


def _parts(expr: InList | Between) -> Iterator[Expr]:
    yield expr.operand
    if isinstance(expr, InList):
        yield from expr.items
    else:
        yield expr.low
        yield expr.high
