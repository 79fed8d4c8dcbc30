"""Conditions: one boolean, never null, because runtimes take too much for true."""

from __future__ import annotations

from perdure.ir.expr import Expression
from perdure.ir.tree import Head
from perdure.lower.origin import origin
from perdure.lower.scope import Scope
from perdure.lower.values import typed
from perdure.plan.query import Code, Query
from perdure.plan.tree import Sql


def truth(scope: Scope, expr: Expression) -> Query:
    """Return SQL that is true or false; null counts as false."""
    value = typed(scope, expr, "boolean")
    return (Code("coalesce("), *value, Code(", false)"))


def condition(scope: Scope, head: Head, role: str, expr: Expression) -> Sql:
    """Return the query of a condition."""
    query = (Code("select "), *truth(scope, expr), Code(" as ok"))
    return Sql(origin(head, role), query)
