"""WF301: a condition in an expression of a Python file that may be null.

`a if x > 1 else b` is `case when x > 1 then a else b end`. In Python a comparison with
None is an error, or true or false; here it is null and the choice falls on `b`. In YAML
the `case` is written, and so meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from perdure.diagnostics.nulls import null_condition
from perdure.diagnostics.wording import is_python
from perdure.resolve.context import Context
from perdure.resolve.facts import Facts, inside
from perdure.resolve.nullability import causes_with, nullable_with, references_of
from perdure.resolve.printing import Piece
from perdure.syntax.expr import Case, Expr

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
        context.report_once(null_condition(condition.span, causes))


def _conditions(node: object, facts: Facts) -> Found:
    """Yield the conditions of choices, with what is proved where they are."""
    whens = node.whens if isinstance(node, Case) and node.operand is None else ()
    conditions = {id(when.condition): when.condition for when in whens}
    for part, proved in inside(node, facts):
        if id(part) in conditions:
            yield conditions[id(part)], proved
        yield from _conditions(part, proved)
