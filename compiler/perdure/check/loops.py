"""WF402 to WF404: loops that cannot end, spin, or never change their condition.

A loop without an end is fine when it waits: that is a service. One that only reads,
without a pause, asks the database the same question as fast as it can.
"""

from __future__ import annotations

from collections.abc import Iterator

from perdure.check.flow import ENDS, exits, has_condition, own_breaks, pauses, repeats
from perdure.check.walk import bound, every_step, in_expression
from perdure.diagnostics import Diagnostic, error, warning
from perdure.diagnostics.wording import word, worded
from perdure.ir import tree as ir
from perdure.ir.expr import Expression

_QUIET = (
    *ENDS,
    ir.AssertStep,
    ir.GroupStep,
    ir.IfStep,
    ir.LetStep,
    ir.LoopStep,
    ir.ParallelStep,
    ir.RaceStep,
    ir.SwitchStep,
    ir.TransactionStep,
    ir.TryStep,
)
_PAUSE = "or a `sleep` or `wait_for_signal` in the loop"


def endless_loop(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report a loop that nothing ends and that never waits."""
    for loop in _loops(workflow):
        if not exits(loop) and not pauses(loop):
            yield error(
                "WF402",
                loop.head.span,
                "this loop cannot end, and never waits",
                help="end it with `while`, `until`, `break`, `return` or "
                f"`{word(loop.head.span, 'fail')}`; for a service without an end "
                + _pause(loop),
            )


def spinning_loop(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report a loop that reads again and again without a pause."""
    for loop in _loops(workflow):
        polls = exits(loop) and repeats(loop) and not pauses(loop)
        if polls and _only_reads(loop):
            yield warning(
                "WF403",
                loop.head.span,
                "this loop polls without a pause",
                "its steps only read, and nothing in it waits",
                help=_pause(loop),
            )


def _pause(loop: ir.LoopStep) -> str:
    every = worded(loop.head.span, "`every: 5s`", '`every("5s")` as its first line')
    return f"add {every}, {_PAUSE}"


def fixed_condition(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report a condition of a loop that no round can change."""
    for loop in _loops(workflow):
        if any(own_breaks(loop.steps)) or _is_left(loop) or not has_condition(loop):
            continue
        changed = {name for step in every_step(loop.steps) for name in bound(step)}
        both = [each for each in (loop.while_, loop.until) if each]
        if not any(_can_change(condition, changed) for condition in both):
            yield warning(
                "WF404",
                both[0].span,
                "no round of the loop changes its condition",
                "it reads nothing that a step of the loop binds",
                help="read the value again in the loop, under the same name",
            )


def _loops(workflow: ir.Workflow) -> Iterator[ir.LoopStep]:
    return (s for s in every_step(workflow.steps) if isinstance(s, ir.LoopStep))


def _is_left(loop: ir.LoopStep) -> bool:
    ends = (ir.ReturnStep, ir.FailStep)
    return any(isinstance(step, ends) for step in every_step(loop.steps))


def _only_reads(loop: ir.LoopStep) -> bool:
    """Say whether the loop has statements, and all that it does is to read."""
    steps = list(every_step(loop.steps))
    statements = [step for step in steps if isinstance(step, ir.SqlStep)]
    others = [step for step in steps if not isinstance(step, ir.SqlStep)]
    return (
        bool(statements)
        and all(map(_reads, statements))
        and all(isinstance(step, _QUIET) for step in others)
    )


def _reads(step: ir.SqlStep) -> bool:
    return step.facts.kind == "select" and not step.facts.writes and step.facts.analysed


def _can_change(condition: Expression, changed: set[str]) -> bool:
    if not condition.immutable:
        return True
    return any(ref.variable in changed for ref in in_expression(condition))
