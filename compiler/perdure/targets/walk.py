"""Walking a plan, which `perdure.plan.walk` does, under the name that targets use."""

from perdure.plan.walk import (
    bound,
    children,
    depth,
    every,
    read,
    reads,
    rebuilt,
    rewritten,
)

__all__ = [
    "bound",
    "children",
    "depth",
    "every",
    "read",
    "reads",
    "rebuilt",
    "rewritten",
]
