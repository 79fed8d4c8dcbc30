"""WF421 and WF422: waits that may last for ever, and timeouts that nobody looks at.

A wait in a branch of a `race` is bounded when another branch is: that is how a race
with a timer is written.
"""

from __future__ import annotations

from collections.abc import Iterator

from perdure.check.flow import ENDS, comes_out
from perdure.check.walk import (
    Steps,
    conditions,
    every_step,
    expressions,
    in_expression,
    inner_lists,
    own_lists,
    references,
)
from perdure.diagnostics import Diagnostic, warning
from perdure.diagnostics.wording import worded
from perdure.ir import tree as ir
from perdure.ir.expr import Expression

Unchecked = frozenset[str]


# --- no timeout -----------------------------------------------------------------


def endless_wait(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report `wait_for_signal` that nothing bounds."""
    yield from _endless(workflow.steps)


def _endless(steps: Steps) -> Iterator[Diagnostic]:
    for step in steps:
        match step:
            case _ if step.head.timeout is not None:
                pass
            case ir.WaitForSignalStep() if step.timeout is None:
                yield warning(
                    "WF421",
                    step.head.span,
                    f'nothing bounds the wait for signal "{step.signal}"',
                    "a signal that is never sent leaves the run waiting for ever",
                    help="add `timeout`, and look at `timed_out` after it",
                )
            case ir.RaceStep() if any(map(_is_timed, step.branches)):
                pass
            case _:
                for inner in inner_lists(step):
                    yield from _endless(inner)


def _is_timed(branch: ir.Branch) -> bool:
    """Say whether a branch ends by itself after a time."""
    waits = [s for s in every_step(branch.steps) if isinstance(s, ir.WaitForSignalStep)]
    return all(wait.timeout is not None for wait in waits)


# --- timed_out never read -------------------------------------------------------


def unchecked_timeout(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report a signal's data that is read where the wait may have timed out."""
    reader = _Reader()
    reader.steps(workflow.steps, frozenset())
    yield from reader.found.values()


class _Reader:
    """Follows the paths with the set of signals whose `timed_out` was not read."""

    def __init__(self) -> None:
        self.found: dict[str, Diagnostic] = {}
        self.breaks: list[list[Unchecked]] = [[]]

    def steps(self, steps: Steps, before: Unchecked) -> Unchecked | None:
        """Return what is unchecked at the end, None when no path arrives there."""
        current = before
        for step in steps:
            after = self._step(step, current)
            if after is None:
                return None
            current = after
        return current

    def _step(self, step: ir.Step, before: Unchecked) -> Unchecked | None:
        checked = {name for each in conditions(step) for name in _checks(each)}
        current = before - checked
        self._report(step, current)
        after = self._inside(step, current)
        if step.head.undo:
            self.steps(step.head.undo, current if after is None else after)
        return current if after is None and step.head.when else after

    def _inside(self, step: ir.Step, current: Unchecked) -> Unchecked | None:
        match step:
            case ir.WaitForSignalStep() if step.variable:
                timed = step.timeout is not None
                return current | {step.variable} if timed else current - {step.variable}
            case ir.IfStep() | ir.RaceStep() | ir.SwitchStep():
                return _union([self.steps(each, current) for each in own_lists(step)])
            case ir.GroupStep() | ir.TransactionStep():
                return self.steps(step.steps, current)
            case ir.ForeachStep():
                self.breaks.append([])
                self.steps(step.steps, current)
                self.breaks.pop()
                return current
            case ir.TryStep():
                ends = [self.steps(step.steps, current)]
                if step.handler is not None:
                    ends.append(self.steps(step.handler, current))
                end = _union(ends)
                last = self.steps(step.finally_, current if end is None else end)
                return None if end is None else last
            case ir.ParallelStep():
                ends = [self.steps(each, current) for each in own_lists(step)]
                return None if None in ends else _union(ends)
            case ir.LoopStep():
                return self._loop(step, current)
            case ir.BreakStep():
                self.breaks[-1].append(current)
                return None
            case _:
                return None if isinstance(step, ENDS) else current

    def _loop(self, loop: ir.LoopStep, before: Unchecked) -> Unchecked | None:
        self.breaks.append([])
        end = self.steps(loop.steps, before)
        breaks = self.breaks.pop()
        if not comes_out(loop):
            return None
        return _union([before, end, *breaks])

    def _report(self, step: ir.Step, unchecked: Unchecked) -> None:
        own = {name for each in expressions(step) for name in _checks(each)}
        for reference in references(step):
            name = reference.variable
            if name in unchecked - own and reference.path[:1] == ("data",):
                self.found.setdefault(
                    name,
                    warning(
                        "WF422",
                        reference.span,
                        f'the data of "{name}" is read, and its `timed_out` is not',
                        "after a timeout there is no data, every member is null",
                        help="look at it first: "
                        + worded(
                            reference.span,
                            f'"if: {name}.timed_out"',
                            f'"if {name}.timed_out:"',
                        ),
                    ),
                )


def _checks(expression: Expression) -> Iterator[str]:
    """Yield the signals that an expression tells apart: timed out or not."""
    for reference in in_expression(expression):
        if reference.path in (("timed_out",), ("data",)):
            yield reference.variable


def _union(ends: list[Unchecked | None]) -> Unchecked | None:
    arrived = [end for end in ends if end is not None]
    return frozenset().union(*arrived) if arrived else None
