"""WF440, WF444 and WF446: steps that clean up, below `finally` and `undo`."""

from __future__ import annotations

from collections.abc import Iterator

from perdure.check.walk import (
    Steps,
    bound,
    every_list,
    every_step,
    own_lists,
    references,
)
from perdure.diagnostics import Diagnostic, error, warning
from perdure.diagnostics.wording import word
from perdure.ir import tree as ir
from perdure.ir.expr import Reference
from perdure.ir.show import kind


def exit_from_cleanup(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report steps that leave a `finally` or an `undo`."""
    for step in every_step(workflow.steps):
        if isinstance(step, ir.TryStep):
            yield from _exits(step.finally_, "finally")
        yield from _exits(step.head.undo or (), "undo")


def _exits(steps: Steps, where: str) -> Iterator[Diagnostic]:
    for leaving in _leaving(steps, in_loop=False):
        place = leaving.head.span
        yield error(
            "WF440",
            place,
            f"`{word(place, kind(leaving))}` cannot leave {_ARTICLE[where]} `{where}`",
            "it runs because something else ended, which would be forgotten",
            help=f"leave after the steps that the `{where}` belongs to",
        )


_ARTICLE = {"finally": "a", "undo": "an"}


def _leaving(steps: Steps, *, in_loop: bool) -> Iterator[ir.Step]:
    """Yield the steps that lead out of a list."""
    for step in steps:
        leap = isinstance(step, (ir.BreakStep, ir.ContinueStep)) and not in_loop
        if leap or isinstance(step, ir.ReturnStep):
            yield step
        loops = isinstance(step, (ir.LoopStep, ir.ForeachStep))
        for inner in own_lists(step):
            yield from _leaving(inner, in_loop=in_loop or loops)


def undo_reads_rebound(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report undos that would read a later value of a name."""
    names = {variable.id: variable.name for variable in workflow.variables}
    for steps in every_list(workflow.steps):
        for at, step in enumerate(steps):
            later = {n for s in every_step(steps[at + 1 :]) for n in bound(s)}
            for ref in _read(step.head.undo or ()):
                if ref.variable in later:
                    name = names[ref.variable]
                    yield error(
                        "WF444",
                        ref.span,
                        f'this undo reads "{name}", which is bound again later',
                        "by the time it runs, the name may have the later value",
                        help="give the later step another name",
                    )


def _read(steps: Steps) -> Iterator[Reference]:
    return (ref for step in every_step(steps) for ref in references(step))


def undo_never_runs(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report undos of steps that nothing follows in their list."""
    for steps in every_list(workflow.steps):
        if steps and steps[-1].head.undo:
            yield warning(
                "WF446",
                steps[-1].head.span,
                "the undo of this step never runs, no step follows it in its list",
                help="move it to where the steps follow that may fail",
            )
