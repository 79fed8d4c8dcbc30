"""Lowering: IR to plan, one module per construct.

What every construct relies on: `scope` decides where each value is found, `values`
reads it, `capture` keeps what is read of a statement. The plan is the same for every
target; what one lacks is the matter of `perdure.targets`.
"""

from perdure.lower.workflow import lower

__all__ = ["lower"]
