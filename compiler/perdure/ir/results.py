"""What a workflow returns, where `returns` does not say it, and the signals it takes.

The type of a result without a declaration is that of its `return` steps: objects with
the same members are one shape, everything else that differs is JSON of unknown form.
A path that ends without `return` gives null.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from functools import reduce
from typing import Any

from perdure.ir.callee import Payload
from perdure.ir.expr import (
    Constant,
    Expression,
    Listing,
    Mapping,
    Reference,
    Template,
    Value,
)
from perdure.ir.tree import ReturnStep, WaitForSignalStep, Workflow
from perdure.ir.types import BOOLEAN, JSONB, TEXT, Field, Items, Record, Scalar, Type

Typed = tuple[Type, bool]
_NUMERIC = Scalar("numeric")


def result_of(workflow: Workflow, ends: bool) -> Typed:
    """Return the type of a workflow's result, and whether it may be null.

    `ends` says that every path ends with a `return` or a failure.
    """
    if workflow.returns is not None:
        return workflow.returns, workflow.returns_nullable
    found = [type_of(step.value) for step in returns_of(workflow)]
    if not found:
        return JSONB, True
    type_, nullable = reduce(_meet, found)
    return type_, nullable or not ends


def returns_of(workflow: Workflow) -> Iterator[ReturnStep]:
    """Yield the `return` steps of a workflow, without those of others that it calls."""
    yield from _below(workflow.steps, ReturnStep)


def is_of_schema(workflow: Workflow) -> bool:
    """Say whether the schema may decide on the type of a result.

    It does not where that is declared, and not on constants, texts and inputs.
    """
    if workflow.returns is not None:
        return False
    inputs = {each.variable for each in workflow.inputs}
    found = (each for step in returns_of(workflow) for each in _typed(step.value))
    return any(
        not (isinstance(part, Reference) and part.variable in inputs)
        for each in found
        for part in each.parts
    )


def _typed(value: Value | None) -> Iterator[Expression]:
    """Yield the expressions whose types are in that of a JSON value."""
    match value:
        case Expression():
            yield value
        case Mapping(entries):
            for _, item in entries:
                yield from _typed(item)
        case Listing(items):
            for item in items:
                yield from _typed(item)


def signals_of(workflow: Workflow) -> tuple[tuple[str, Payload], ...]:
    """Return the signals that a workflow waits for; of several waits, the weakest."""
    found: dict[str, Payload] = {}
    for wait in _below(workflow.steps, WaitForSignalStep):
        payload = Payload(wait.payload, wait.payload is None)
        known = found.setdefault(wait.signal, payload)
        if known != payload:
            found[wait.signal] = Payload(None, True)
    return tuple(sorted(found.items(), key=lambda each: each[0]))


def type_of(value: Value | None) -> Typed:
    """Return the type of a JSON value, and whether it may be null."""
    match value:
        case None | Constant(text="null"):
            return JSONB, True
        case Constant(text="true" | "false"):
            return BOOLEAN, False
        case Constant():
            return _NUMERIC, False
        case Template():
            return TEXT, False
        case Expression():
            return value.type, value.nullable
        case Mapping(entries):
            typed = [(name, *type_of(item)) for name, item in entries]
            return Record(tuple(Field(*each) for each in typed)), False
        case Listing(items):
            types = [type_of(item) for item in items]
            if not types:
                return JSONB, False
            type_, nullable = reduce(_meet, types)
            return Items(type_, nullable), False


def _meet(one: Typed, other: Typed) -> Typed:
    """Return what holds of both; a null says nothing of the type."""
    (left, left_null), (right, right_null) = one, other
    nullable = left_null or right_null
    if left == right:
        return left, nullable
    if left == JSONB and left_null:
        return right, True
    if right == JSONB and right_null:
        return left, True
    match left, right:
        case Record(), Record() if _names(left) == _names(right):
            return _members(left, right), nullable
        case _:
            return JSONB, nullable


def _members(left: Record, right: Record) -> Record:
    others = {field.name: field for field in right.fields}
    merged = []
    for field in left.fields:
        other = others[field.name]
        type_, nullable = _meet(
            (field.type, field.nullable), (other.type, other.nullable)
        )
        merged.append(replace(field, type=type_, nullable=nullable))
    return Record(tuple(merged))


def _names(record: Record) -> set[str]:
    return {field.name for field in record.fields}


def _below(node: Any, kind: type[Any]) -> Iterator[Any]:
    """Yield all steps of a kind below a node."""
    if isinstance(node, tuple):
        for item in node:
            yield from _below(item, kind)
    elif isinstance(node, kind):
        yield node
    elif is_dataclass(node) and not isinstance(node, (Expression, type)):
        for each in fields(node):
            if each.compare:
                yield from _below(getattr(node, each.name), kind)
