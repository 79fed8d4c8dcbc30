"""`retry` on a step."""

from __future__ import annotations

from perdure.ir.tree import (
    CallStep,
    GroupStep,
    HttpStep,
    SendStep,
    SqlStep,
    StartStep,
    TransactionStep,
)
from perdure.lower.origin import origin
from perdure.plan.tree import Node, Retry

Retried = (
    SqlStep | HttpStep | TransactionStep | GroupStep | CallStep | StartStep | SendStep
)


def retried(step: Retried, node: Node) -> Node:
    """Return a node under the retry policy of its step, if it has one."""
    policy = step.retry
    if policy is None or policy.max_attempts <= 1:
        return node
    return Retry(
        origin(step.head, "retry"),
        node,
        policy.max_attempts,
        policy.backoff,
        policy.factor,
        policy.max_backoff,
        policy.jitter,
        policy.on,
    )
