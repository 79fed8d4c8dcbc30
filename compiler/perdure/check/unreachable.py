"""WF401: a step that no path leads to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from perdure.check.flow import comes_out, exits, pauses
from perdure.check.walk import every_list
from perdure.diagnostics import Diagnostic, warning
from perdure.ir.tree import FailStep, LoopStep, Step, Workflow


def unreachable(workflow: Workflow) -> Iterator[Diagnostic]:
    """Report the first step of each list that cannot be reached."""
    for steps in every_list(workflow.steps):
        for before, step in pairwise(steps):
            if _goes_on(step):
                continue
            if not comes_out(before) and not _is_reported(before):
                yield warning(
                    "WF401",
                    step.head.span,
                    "this step is never reached",
                    "every path ends in the step before it",
                    help="remove it, or move it before the end of the path",
                )
                break


def _goes_on(step: Step) -> bool:
    """Say whether the step is the end of `on_failure` that nobody wrote."""
    return isinstance(step, FailStep) and step.head.path == "on_failure"


def _is_reported(step: Step) -> bool:
    """Say whether the step before is an error of its own: a loop without an end."""
    return isinstance(step, LoopStep) and not exits(step) and not pauses(step)
