"""`let`: nothing at all when it is inlined, else a query for the value."""

from __future__ import annotations

from perdure.ir.tree import LetStep
from perdure.lower.origin import origin
from perdure.lower.scope import Scope, place_of
from perdure.lower.values import carried, typed
from perdure.plan.query import Code
from perdure.plan.tree import Node, Sql


def lower_let(scope: Scope, step: LetStep) -> list[Node]:
    """Lower a binding; one that nobody reads is kept only for what it may do."""
    read = scope.is_read(step.variable)
    if step.variable in scope.inlined or (step.value.immutable and not read):
        return []
    value = typed(scope, step.value, step.value.type)
    query = (Code("select "), *carried(value, step.value.type), Code(" as value"))
    result = place_of(scope, step.variable).result if read else None
    return [Sql(origin(step.head, "value"), query, result)]
