"""Conditions that are known, and what they decide: IR to IR.

An `if` or `switch` that is decided becomes the steps that it takes; a `when` that
holds, a `while` that always holds and an `assert` that holds need no condition.
Conditions that are kept lose the operands that decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation

from perdure.ir.constant import (
    UNKNOWN,
    Known,
    Value,
    constants,
    simplified,
    value_of,
)
from perdure.ir.expr import Expression
from perdure.ir.tree import (
    Arm,
    AssertStep,
    ForeachStep,
    GroupStep,
    Head,
    IfStep,
    LetStep,
    LoopStep,
    RaceStep,
    Step,
    SwitchStep,
    TryStep,
    Workflow,
)
from perdure.optimise.report import Rewrite
from perdure.optimise.steps import every_step, with_inner

Steps = tuple[Step, ...]


def fold(workflow: Workflow) -> tuple[Workflow, list[Rewrite]]:
    """Return a workflow without what is decided before it runs, and what that was."""
    every = list(every_step(workflow.steps))
    lets = [(s.variable, s.value) for s in every if isinstance(s, LetStep)]
    folding = _Folding(constants(lets, _bound_otherwise(every)))
    return replace(workflow, steps=folding.steps(workflow.steps)), folding.done


def _bound_otherwise(steps: list[Step]) -> Iterator[str]:
    """Yield the variables that are bound by something else than a `let`."""
    for step in steps:
        yield from step.head.absent
        if isinstance(step, RaceStep):
            yield from (each.outside for each in step.exports)
        elif not isinstance(step, LetStep):
            yield getattr(step, "variable", None) or ""


@dataclass(slots=True)
class _Folding:
    lets: Mapping[str, Known]
    done: list[Rewrite] = field(default_factory=list)

    def steps(self, steps: Steps) -> Steps:
        """Fold each step of a list; a decided one may leave several, or none."""
        found: list[Step] = []
        for step in steps:
            found += self._step(step)
        return tuple(found)

    def _step(self, step: Step) -> list[Step]:
        head = self._head(step.head)
        if head is None:
            return []
        step = with_inner(replace(step, head=head), self.steps)
        match step:
            case IfStep():
                return self._if(step)
            case SwitchStep():
                return self._switch(step)
            case LoopStep():
                return self._loop(step)
            case AssertStep():
                return self._assert(step)
            case TryStep(steps=()) if not step.finally_:
                return self._gone(step, "nothing is left to try")
            case TryStep(handler=None, finally_=()):
                self._note(step.head, "dead", "nothing is left of `finally`: no try")
                return _taken(step, step.steps)
            case ForeachStep(steps=(), variable=None):
                return self._gone(step, "nothing is left to do for a row")
            case _:
                return [step]

    def _head(self, head: Head) -> Head | None:
        """Return a head without a `when` that holds; None when the step never runs."""
        if head.when is None:
            return head
        value = self._value(head.when)
        if value is True:
            self._note(head, "fold", "`when` always holds: no condition")
            return replace(head, when=None, absent=())
        if value is not UNKNOWN and not head.absent:
            self._note(head, "dead", "`when` never holds: the step is left out")
            return None
        return replace(head, when=self._shorter(head, head.when))

    def _if(self, step: IfStep) -> list[Step]:
        arms: list[Arm] = []
        otherwise = step.otherwise
        for at, arm in enumerate(step.arms):
            value = self._value(arm.condition)
            if value is True:
                more = step.arms[at + 1 :] or step.otherwise
                self._note(step.head, "fold", _always(at, bool(more)))
                otherwise = arm.steps
                break
            if value is UNKNOWN:
                shorter = self._shorter(step.head, arm.condition)
                arms.append(Arm(shorter, arm.steps))
            else:
                self._note(step.head, "dead", _never(at))
        if not arms:
            return _taken(step, otherwise)
        return [replace(step, arms=tuple(arms), otherwise=otherwise)]

    def _switch(self, step: SwitchStep) -> list[Step]:
        value = self._value(step.subject)
        if value is UNKNOWN or any(_equal(value, c.value) is None for c in step.cases):
            return [step]
        why = "the value is a constant: one case is left"
        self._note(step.head, "fold", why)
        taken = (case.steps for case in step.cases if _equal(value, case.value))
        return _taken(step, next(taken, step.default))

    def _loop(self, step: LoopStep) -> list[Step]:
        before, after = step.while_, step.until
        if before is not None and self._value(before) is True:
            self._note(step.head, "fold", "`while` always holds: no condition")
            before = None
        elif before is not None and self._value(before) is not UNKNOWN:
            return self._gone(step, "`while` never holds: the loop is left out")
        if after is not None and self._value(after) in (False, None):
            self._note(step.head, "fold", "`until` never holds: no condition")
            after = None
        before = before and self._shorter(step.head, before)
        after = after and self._shorter(step.head, after)
        return [replace(step, while_=before, until=after)]

    def _assert(self, step: AssertStep) -> list[Step]:
        if self._value(step.condition) is True:
            return self._gone(step, "it always holds: no node")
        condition = self._shorter(step.head, step.condition)
        return [replace(step, condition=condition)]

    def _gone(self, step: Step, why: str) -> list[Step]:
        self._note(step.head, "dead", why)
        return _taken(step, ())

    def _value(self, expression: Expression) -> Value:
        return value_of(expression, self.lets)

    def _shorter(self, head: Head, condition: Expression) -> Expression:
        parts = simplified(condition, self.lets)
        if parts is None:
            return condition
        self._note(head, "fold", "a part of the condition decides nothing: left out")
        return replace(condition, parts=parts)

    def _note(self, head: Head, what: str, why: str) -> None:
        self.done.append(Rewrite(head.path, what, why))


def _taken(step: Step, steps: Steps) -> list[Step]:
    """Return the steps that are left of a step, in its place.

    They stay a group where the step, or one of them, has something to be done when a
    later step fails: what is later is the matter of the list.
    """
    head = step.head
    plain = head.when is None and head.timeout is None and head.undo is None
    if plain and not any(each.head.undo is not None for each in steps):
        return list(steps)
    return [GroupStep(head, steps, None)]


def _always(at: int, more: bool) -> str:
    """Return what is done about an arm whose condition always holds."""
    which = "the condition" if at == 0 else f"condition {at + 1}"
    after = ", and what follows is left out" if more else ""
    return f"{which} always holds: no condition{after}"


def _never(at: int) -> str:
    which = "the condition" if at == 0 else f"condition {at + 1}"
    return f"{which} never holds: its steps are left out"


def _equal(value: Known, case: str) -> bool | None:
    """Compare a constant with a case; None when that is PostgreSQL's to say."""
    match value:
        case None:
            return False
        case str():
            return value == case
        case Decimal():
            try:
                return value == Decimal(case)
            except InvalidOperation:
                return None
        case _:
            return None
