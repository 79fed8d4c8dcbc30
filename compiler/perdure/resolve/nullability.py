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


def causes_of(expr: Expr, pieces: list[Piece]) -> tuple[str, ...]:
    """Return the names of what makes an expression null; `pieces` is its print."""
    return causes_with(expr, references_of(pieces), frozenset())


def causes_with(expr: Expr, references: References, facts: Facts) -> tuple[str, ...]:
    """Return the names of what makes a part null where something is proved."""
    found = _causes(expr, references, facts)
    names = (".".join(part.text for part in each.parts) for each in found)
    return tuple(dict.fromkeys(names))


def _causes(expr: Expr, references: References, facts: Facts) -> Iterator[Ref]:
    if not _nullable(expr, references, facts):
        return
    match expr:
        case Ref():
            yield expr
        case Binary(op="and" | "or"):
            sides, proved = _unsettled(expr, references, facts)
            for side in sides:
                yield from _causes(side, references, proved)
        case Binary():
            yield from _causes(expr.left, references, facts)
            yield from _causes(expr.right, references, facts)
        case Unary() | Cast():
            yield from _causes(expr.operand, references, facts)
        case InList() | Between():
            for part in _parts(expr):
                yield from _causes(part, references, facts)
        case Case():
            for part, proved in _results(expr, facts):
                yield from _causes(part, references, proved)
        case Call():
            for arg in expr.args:
                yield from _causes(arg, references, facts)


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
            return bool(_unsettled(expr, references, facts)[0])
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


def _unsettled(
    expr: Binary, references: References, facts: Facts
) -> tuple[list[Expr], Facts]:
    """Return the sides of `and` or `or` that make it null, and what is proved there.

    In `x is not null and x > 1` the second side counts only where the first is true:
    a side that is never null guards the others.
    """
    goes_on: Outcome = "true" if expr.op == "and" else "false"
    sides = list(_row(expr, expr.op))
    while True:
        left = []
        for side in sides:
            if _nullable(side, references, facts):
                left.append(side)
            else:
                facts |= facts_of(side, goes_on)
        if not left or len(left) == len(sides):
            return left, facts
        sides = left


def _row(expr: Expr, op: str) -> Iterator[Expr]:
    """Yield the operands of a row of one operator."""
    if isinstance(expr, Binary) and expr.op == op:
        yield from _row(expr.left, op)
        yield from _row(expr.right, op)
    else:
        yield expr


def _case(expr: Case, references: References, facts: Facts) -> bool:
    results = _results(expr, facts)
    return expr.otherwise is None or any(
        _nullable(result, references, proved) for result, proved in results
    )


def _results(expr: Case, facts: Facts) -> Iterator[tuple[Expr, Facts]]:
    """Yield what a `case` may result in, with what is proved there."""
    for when in expr.whens:
        holds, fails = facts, facts
        if expr.operand is None:
            holds = facts | facts_of(when.condition, "true")
            fails = facts | facts_of(when.condition, "not true")
        yield when.result, holds
        facts = fails
    if expr.otherwise is not None:
        yield expr.otherwise, facts


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
