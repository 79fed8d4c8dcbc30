"""WF405: a condition that is decided before the workflow runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from perdure.check.walk import bound, every_step
from perdure.diagnostics import Diagnostic, warning
from perdure.ir import tree as ir
from perdure.ir.constant import UNKNOWN, Known, constants, value_of
from perdure.ir.expr import Expression


def decided_condition(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report conditions that are always, or never, true, and what that leaves out.

    Those of loops are the matter of WF404.
    """
    steps = list(every_step(workflow.steps))
    lets = [(s.variable, s.value) for s in steps if isinstance(s, ir.LetStep)]
    known = constants(lets, _bound_otherwise(steps))
    for step in steps:
        if step.head.when is not None:
            yield from _found(step.head.when, known, "the step", "")
        yield from _of_step(step, known)


def _bound_otherwise(steps: list[ir.Step]) -> Iterator[str]:
    for step in steps:
        yield from step.head.absent
        if not isinstance(step, ir.LetStep):
            yield from bound(step)


def _of_step(step: ir.Step, known: Mapping[str, Known]) -> Iterator[Diagnostic]:
    match step:
        case ir.IfStep():
            for at, arm in enumerate(step.arms):
                more = step.arms[at + 1 :] or step.otherwise
                after = "what follows it in the `if` is never reached" if more else ""
                yield from _found(arm.condition, known, "what it guards", after)
        case ir.AssertStep():
            if value_of(step.condition, known) is not True:
                yield from _found(step.condition, known, "what follows", "")
        case ir.SwitchStep():
            if value_of(step.subject, known) is not UNKNOWN:
                yield _finding(step.subject, "this value is a constant", _ONE_CASE)


_ONE_CASE = "the same case is taken in every run"


def _found(
    condition: Expression, known: Mapping[str, Known], guarded: str, after: str
) -> Iterator[Diagnostic]:
    value = value_of(condition, known)
    if value is True:
        why = after or f"{guarded} always runs"
        yield _finding(condition, "this condition is always true", why)
    elif value is not UNKNOWN:
        why = f"{guarded} never runs"
        yield _finding(condition, "this condition is never true", why)


def _finding(condition: Expression, message: str, why: str) -> Diagnostic:
    help_ = "remove what is never taken, or read a value that changes"
    return warning("WF405", condition.span, message, why, help=help_)
