"""WF405: a condition that is decided before the workflow runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from perdure.check.walk import bound, every_step
from perdure.diagnostics import Diagnostic, warning
from perdure.ir import tree as ir
from perdure.ir.constant import UNKNOWN, Known, Value, constants, value_of
from perdure.ir.expr import Expression


def decided_condition(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report conditions that are always, or never, true, and what that leaves out.

    Those of loops are the matter of WF404. A loop over constants is written out: what
    stands in it is decided only if all of its rounds agree, and reported once.
    """
    steps = list(every_step(workflow.steps))
    lets = [(s.variable, s.value) for s in steps if isinstance(s, ir.LetStep)]
    known = constants(lets, _bound_otherwise(steps))
    places: dict[object, list[_Decision]] = {}
    for step in steps:
        for each in _of_step(step, known):
            places.setdefault(each.expression.span or object(), []).append(each)
    for rounds in places.values():
        if all(_agree(each.value, rounds[0].value) for each in rounds):
            yield from rounds[0].finding()


@dataclass(frozen=True, slots=True)
class _Decision:
    """What is known of a condition, or of the subject of a switch; why it matters."""

    expression: Expression
    value: Value
    if_true: str
    if_false: str

    def finding(self) -> Iterator[Diagnostic]:
        """Yield what there is to say."""
        if self.value is UNKNOWN:
            return
        if not self.if_false:
            yield _finding(self.expression, "this value is a constant", self.if_true)
        elif self.value is not True:
            message = "this condition is never true"
            yield _finding(self.expression, message, self.if_false)
        elif self.if_true:
            message = "this condition is always true"
            yield _finding(self.expression, message, self.if_true)


def _agree(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _bound_otherwise(steps: list[ir.Step]) -> Iterator[str]:
    for step in steps:
        yield from step.head.absent
        if not isinstance(step, ir.LetStep):
            yield from bound(step)


def _of_step(step: ir.Step, known: Mapping[str, Known]) -> Iterator[_Decision]:
    if step.head.when is not None:
        yield _of_condition(step.head.when, known, "the step")
    match step:
        case ir.IfStep():
            for at, arm in enumerate(step.arms):
                more = step.arms[at + 1 :] or step.otherwise
                after = "what follows it in the `if` is never reached" if more else ""
                yield _of_condition(arm.condition, known, "what it guards", after)
        case ir.AssertStep():
            value = value_of(step.condition, known)
            why = "what follows never runs"
            yield _Decision(step.condition, value, "", why)
        case ir.SwitchStep():
            yield _Decision(step.subject, value_of(step.subject, known), _ONE_CASE, "")


_ONE_CASE = "the same case is taken in every run"


def _of_condition(
    condition: Expression, known: Mapping[str, Known], guarded: str, after: str = ""
) -> _Decision:
    always = after or f"{guarded} always runs"
    value = value_of(condition, known)
    return _Decision(condition, value, always, f"{guarded} never runs")


def _finding(condition: Expression, message: str, why: str) -> Diagnostic:
    help_ = "remove what is never taken, or read a value that changes"
    return warning("WF405", condition.span, message, why, help=help_)
