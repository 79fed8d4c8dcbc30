"""From the IR of one workflow to its legal plan: the passes of the back end in order.

`pipeline` calls this where it needs a plan; what optimising did is told on demand.
"""

from __future__ import annotations

from dataclasses import dataclass

from perdure.diagnostics import Diagnostic
from perdure.ir.tree import Workflow
from perdure.lower import lower
from perdure.lower.inline import inline
from perdure.optimise import Report, Rewrite, fold, improve, lowered, narrow
from perdure.plan.tree import Plan
from perdure.plan.walk import every
from perdure.targets import Target
from perdure.targets.cost import Cost, cost_of, slow_steps
from perdure.targets.legal import legalise


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan that is legal on the target, or why there is none, and what was done.

    `lowered` is the plan before it was made legal.
    """

    plan: Plan | None
    findings: tuple[Diagnostic, ...]
    rewrites: tuple[Rewrite, ...]
    lowered: Plan


def plan_of(workflow: Workflow, target: Target, *, optimise: bool = True) -> Planned:
    """Return the plan of a workflow without errors."""
    rewrites: list[Rewrite] = []
    if optimise:
        workflow, folded = fold(inline(workflow))
        workflow, narrowed = narrow(workflow)
        rewrites += folded + narrowed
    lowered_plan = lower(workflow)
    if optimise:
        rewrites += lowered(workflow, lowered_plan)
        lowered_plan, more = improve(lowered_plan)
        rewrites += more
    plan, found = legalise(lowered_plan, target)
    if plan is not None:
        found += slow_steps(plan, target)
    return Planned(plan, tuple(found), tuple(rewrites), lowered_plan)


def costs_of(workflow: Workflow, target: Target) -> Cost | tuple[Diagnostic, ...]:
    """Return what a workflow costs on a target, or why it is not legal there."""
    planned = plan_of(workflow, target)
    if planned.plan is None:
        return planned.findings
    return cost_of(planned.lowered, planned.plan, target)


def report_of(workflow: Workflow, target: Target) -> Report:
    """Return what optimising does to a workflow that is legal on the target."""
    planned = plan_of(workflow, target)
    plain = plan_of(workflow, target, optimise=False)
    after = _size(planned.plan)
    before = _size(plain.plan) or after
    rewrites = sorted(planned.rewrites, key=lambda each: _order(each.path))
    return Report(workflow.name, before, after, tuple(rewrites))


def _size(plan: Plan | None) -> int:
    return sum(1 for _ in every(plan.root)) if plan else 0


def _order(path: str) -> list[tuple[int, int | str]]:
    """Return what sorts the paths of steps as they stand in the file."""
    parts = path.replace("[", ".").replace("]", "").split(".")
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]
