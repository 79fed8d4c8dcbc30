"""`loop`: rounds, with conditions before and after, and a pace."""

from __future__ import annotations

from perdure.ir.tree import LoopStep
from perdure.lower.branches import Lower
from perdure.lower.conditions import condition
from perdure.lower.origin import origin, sequence
from perdure.lower.scope import Scope
from perdure.plan.tree import Node, Repeat


def lower_loop(scope: Scope, step: LoopStep, steps: Lower) -> list[Node]:
    """Lower a loop."""
    where = origin(step.head, "loop")
    head = step.head
    return [
        Repeat(
            where,
            sequence(origin(head, "body"), steps(scope, step.steps)),
            condition(scope, head, "while", step.while_) if step.while_ else None,
            condition(scope, head, "until", step.until) if step.until else None,
            step.every,
        )
    ]
