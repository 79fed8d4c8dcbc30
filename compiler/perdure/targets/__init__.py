"""Targets: a plan becomes legal on a runtime, or is refused with a reason."""

from perdure.plan.target import Target
from perdure.targets.known import PERDURE, parse_target
from perdure.targets.legal import legalise

__all__ = ["PERDURE", "Target", "legalise", "parse_target"]
