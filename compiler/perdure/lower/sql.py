"""`sql`: a statement, its result captured as far as it is read."""

from __future__ import annotations

from perdure.ir.tree import SqlStep
from perdure.lower.capture import statement
from perdure.lower.origin import origin
from perdure.lower.retry import retried
from perdure.lower.scope import Scope, place_of
from perdure.plan.tree import Node, Sql


def lower_sql(scope: Scope, step: SqlStep) -> list[Node]:
    """Lower a statement."""
    query, needs = statement(scope, step)
    result = None
    if step.variable and scope.is_read(step.variable):
        result = place_of(scope, step.variable).result
    return [retried(step, Sql(origin(step.head, "sql"), query, result, needs))]
