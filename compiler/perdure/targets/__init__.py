"""Targets: a plan becomes legal on a runtime, or is refused with a reason."""

from perdure.plan.target import Target
from perdure.targets.known import PERDURE, parse_target

__all__ = ["PERDURE", "Target", "parse_target"]
