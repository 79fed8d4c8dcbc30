"""`sql`: a statement, its result captured as far as it is read."""

from __future__ import annotations

from dataclasses import replace

from perdure.ir.tree import SqlStep
from perdure.lower.capture import statement
from perdure.lower.origin import origin
from perdure.lower.retry import retried
from perdure.lower.scope import Scope, place_of
from perdure.plan.tree import Node, Origin, Sql


def lower_sql(scope: Scope, step: SqlStep) -> list[Node]:
    """Lower a statement."""
    query, needs = statement(scope, step)
    result = None
    if step.variable and scope.is_read(step.variable):
        result = place_of(scope, step.variable).result
    made = Sql(_place(step), query, result, needs, once=step.head.once)
    return [retried(step, made)]


def _place(step: SqlStep) -> Origin:
    """Return the origin of the statement, which may stand in a file of its own."""
    where, span = origin(step.head, "sql"), step.statement.span
    if span is None or span.path == step.head.span.path:
        return where
    return replace(where, span=span)
