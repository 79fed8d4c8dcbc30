"""Names of which a type checker of Python says that they may be `None`.

It takes the column of a row for `Any`, but for `Any | None` once an `if` has asked
whether it is null and both ways go on. A nullable input is `None` for it until it is
asked about. Neither can stand in arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from perdure.syntax.expr import IsTest, Ref
from perdure.syntax.tree import (
    BreakStep,
    ContinueStep,
    FailStep,
    IfStep,
    ReturnStep,
    Step,
    Workflow,
)
from perdure.syntax.walk import children, walk

Parts = tuple[str, ...]

_EXITS = (BreakStep, ContinueStep, FailStep, ReturnStep)


def unsure_names(workflow: Workflow) -> frozenset[Parts]:
    """Return the references that a checker takes for something or `None`."""
    steps = list(walk(workflow))
    asked = set(_asked(steps))
    after = {
        each
        for step in steps
        if isinstance(step, IfStep) and not _leaves(step)
        for each in _asked([arm.condition for arm in step.arms])
    }
    inputs = {(each.name.text,) for each in workflow.inputs if each.type.nullable}
    return frozenset(after | (inputs - asked))


def _leaves(step: IfStep) -> bool:
    """Say whether one of the ways through an `if` ends there."""
    ways: list[tuple[Step, ...]] = [arm.steps for arm in step.arms]
    ways += [step.otherwise] if step.otherwise is not None else []
    return any(way and isinstance(way[-1], _EXITS) for way in ways)


def parts_of(ref: Ref) -> Parts:
    """Return the words of a reference."""
    return tuple(each.text for each in ref.parts)


def _asked(node: Any) -> Iterator[Parts]:
    """Yield the references that are compared with null."""
    if isinstance(node, IsTest) and node.test == "null":
        if isinstance(node.operand, Ref):
            yield parts_of(node.operand)
        return
    for each in children(node):
        yield from _asked(each)
