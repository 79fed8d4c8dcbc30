"""WF301: a condition in an expression of a Python file that may be null.

`a if x > 1 else b` is `case when x > 1 then a else b end`. In Python a comparison with
None is an error, or true or false; here it is null and the choice falls on `b`. In YAML
the `case` is written, and so meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from perdure.diagnostics.nulls import null_condition
from perdure.diagnostics.wording import is_python
from perdure.resolve.context import Context
from perdure.resolve.facts import facts_of
from perdure.resolve.nullability import causes_with, nullable_with, references_of
from perdure.resolve.printing import Piece
from perdure.resolve.scope import Fact
from perdure.syntax.expr import Binary, Case, Expr

Facts = frozenset[Fact]
Found = Iterator[tuple[Expr, Facts]]


def report_null_choices(context: Context, expr: Expr, pieces: list[Piece]) -> None:
    """Warn of conditions of choices that may be null, once for each place."""
    if not is_python(expr.span):
        return
    known = references_of(pieces)
    for condition, facts in _conditions(expr, frozenset()):
        if not nullable_with(condition, known, facts):
            continue
        causes = causes_with(condition, known, facts)
        finding = null_condition(condition.span, causes)
        if finding not in context.diagnostics:
            context.report(finding)


def _conditions(node: object, facts: Facts) -> Found:
    """Yield the conditions of choices, with what is proved where they are."""
    match node:
        case Binary(op="and" | "or"):
            holds = facts_of(node.left, "true" if node.op == "and" else "false")
            yield from _conditions(node.left, facts)
            yield from _conditions(node.right, facts | holds)
        case Case(operand=None):
            for when in node.whens:
                yield when.condition, facts
                yield from _conditions(when.condition, facts)
                holds = facts_of(when.condition, "true")
                yield from _conditions(when.result, facts | holds)
                facts |= facts_of(when.condition, "not true")
            yield from _conditions(node.otherwise, facts)
        case tuple():
            for each in node:
                yield from _conditions(each, facts)
        case _ if is_dataclass(node):
            for field in fields(node):
                yield from _conditions(getattr(node, field.name), facts)
