"""Where paths end: whether control can come out of a step.

The structure alone decides, as in `resolve`: conditions are taken to go either way.
A constant `while: true` is the one condition that is read.
"""

from __future__ import annotations

from collections.abc import Iterator

from perdure.check.walk import Steps, every_step, own_lists
from perdure.ir import tree as ir
from perdure.ir.expr import Expression

ENDS = (ir.ReturnStep, ir.FailStep, ir.BreakStep, ir.ContinueStep)
WAITS = (
    ir.SleepStep,
    ir.SleepUntilStep,
    ir.WaitForScheduleStep,
    ir.WaitForSignalStep,
)


def comes_out(step: ir.Step) -> bool:
    """Say whether the step after this one can be reached."""
    if step.head.when is not None:
        return True
    match step:
        case ir.IfStep() | ir.SwitchStep() | ir.RaceStep():
            return any(map(end_is_reached, own_lists(step)))
        case ir.ParallelStep() | ir.GroupStep() | ir.TransactionStep():
            return all(map(end_is_reached, own_lists(step)))
        case ir.TryStep():
            handled = step.handler is not None and end_is_reached(step.handler)
            return end_is_reached(step.finally_) and (
                end_is_reached(step.steps) or handled
            )
        case ir.LoopStep():
            return has_condition(step) or any(own_breaks(step.steps))
        case _:
            return not isinstance(step, ENDS)


def end_is_reached(steps: Steps) -> bool:
    """Say whether the end of a list of steps can be reached."""
    return all(map(comes_out, steps))


def has_condition(loop: ir.LoopStep) -> bool:
    """Say whether a condition of the loop can end it."""
    return (loop.while_ is not None and not _is(loop.while_, "true")) or (
        loop.until is not None and not _is(loop.until, "false")
    )


def own_breaks(steps: Steps) -> Iterator[ir.BreakStep]:
    """Yield the breaks that end the loop whose steps these are."""
    return (step for step in _in_round(steps) if isinstance(step, ir.BreakStep))


def repeats(loop: ir.LoopStep) -> bool:
    """Say whether a second round can follow the first one."""
    again = any(isinstance(step, ir.ContinueStep) for step in _in_round(loop.steps))
    return again or end_is_reached(loop.steps)


def _in_round(steps: Steps) -> Iterator[ir.Step]:
    """Yield the steps of a round, but for those of loops inside of it."""
    for step in steps:
        yield step
        if not isinstance(step, (ir.LoopStep, ir.ForeachStep)):
            for inner in own_lists(step):
                yield from _in_round(inner)


def exits(loop: ir.LoopStep) -> bool:
    """Say whether anything can end the loop."""
    ends = (ir.ReturnStep, ir.FailStep)
    return (
        has_condition(loop)
        or any(own_breaks(loop.steps))
        or any(isinstance(step, ends) for step in every_step(loop.steps))
    )


def pauses(loop: ir.LoopStep) -> bool:
    """Say whether a round of the loop can wait for anything."""
    return loop.every is not None or any(
        isinstance(step, WAITS) for step in every_step(loop.steps)
    )


def _is(expression: Expression, constant: str) -> bool:
    return expression.parts == (constant,)
