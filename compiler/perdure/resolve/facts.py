"""What a condition proves about the values that it reads.

`if: order.note is not null` makes `order.note` a value without null in its `then`,
and `if: order.note is null` followed by a `return` makes it one in the rest. A
comparison that is true proves that both sides had a value, and so that the row was
there; `outcome.winner = 'paid'` proves that the names of that branch have theirs.

A fact is the parts of a reference that is not null. NULL counts as false, so the
other side of a condition is "not true", which is weaker than false.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal as OneOf

from perdure.resolve.scope import Fact, winner_fact
from perdure.syntax.expr import (
    Binary,
    Case,
    Cast,
    Expr,
    IsTest,
    Literal,
    Ref,
    Unary,
)
from perdure.syntax.walk import children

Outcome = OneOf["true", "false", "not true", "not false"]
Facts = frozenset[Fact]

_NONE: Facts = frozenset()
_OPPOSITE: dict[Outcome, Outcome] = {
    "true": "false",
    "false": "true",
    "not true": "not false",
    "not false": "not true",
}
_COMPARISONS = frozenset(
    ("=", "<>", "<", "<=", ">", ">=", "like", "ilike", "not like", "not ilike")
)
_STRICT = frozenset(("+", "-", "*", "/", "%", "||", "->", "->>"))


def facts_of(condition: Expr, outcome: Outcome) -> Facts:
    """Return what holds after a condition had an outcome."""
    match condition:
        case Unary(op="not"):
            return facts_of(condition.operand, _OPPOSITE[outcome])
        case Binary(op="and" | "or"):
            return _of_both(condition, outcome)
        case IsTest():
            return _of_test(condition, outcome in ("true", "not false"))
        case Binary() if condition.op in _COMPARISONS:
            return _of_comparison(condition, outcome)
        case Ref() if outcome in ("true", "false"):
            return _with_value(condition)
        case _:
            return _NONE


def inside(node: object, facts: Facts) -> Iterator[tuple[object, Facts]]:
    """Yield what stands in a part of an expression, with what is proved there."""
    match node:
        case Binary(op="and" | "or"):
            yield node.left, facts
            holds = facts_of(node.left, "true" if node.op == "and" else "false")
            yield node.right, facts | holds
        case Case(operand=None):
            for when in node.whens:
                yield when.condition, facts
                yield when.result, facts | facts_of(when.condition, "true")
                facts |= facts_of(when.condition, "not true")
            yield node.otherwise, facts
        case _:
            yield from ((each, facts) for each in children(node))


def _of_both(condition: Binary, outcome: Outcome) -> Facts:
    """Return the facts of `and` and `or`: of both sides, or what they share."""
    left = facts_of(condition.left, outcome)
    right = facts_of(condition.right, outcome)
    holds = outcome in ("true", "not false")
    return left | right if holds == (condition.op == "and") else left & right


def _of_test(test: IsTest, holds: bool) -> Facts:
    positive = holds != test.negated
    match test.test:
        case "null" | "unknown":
            return _NONE if positive else _with_value(test.operand)
        case "true":
            return facts_of(test.operand, "true" if positive else "not true")
        case "false":
            return facts_of(test.operand, "false" if positive else "not false")


def _of_comparison(comparison: Binary, outcome: Outcome) -> Facts:
    if outcome not in ("true", "false"):
        return _NONE
    facts = _with_value(comparison.left) | _with_value(comparison.right)
    if comparison.op == "=" and outcome == "true":
        facts |= _winner(comparison.left, comparison.right)
        facts |= _winner(comparison.right, comparison.left)
    return facts


def _winner(side: Expr, other: Expr) -> Facts:
    match side, other:
        case Ref(parts=(race, member)), Literal(kind="string"):
            if member.text == "winner":
                return frozenset({winner_fact(race.text, other.text)})
    return _NONE


def _with_value(expr: Expr) -> Facts:
    """Return the references that are not null when an expression is not."""
    match expr:
        case Ref():
            return frozenset({tuple(part.text for part in expr.parts)})
        case Unary() | Cast():
            return _with_value(expr.operand)
        case Binary() if expr.op in _STRICT or expr.op in _COMPARISONS:
            return _with_value(expr.left) | _with_value(expr.right)
        case _:
            return _NONE
