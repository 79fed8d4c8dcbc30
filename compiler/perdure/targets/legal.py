"""Legalisation: what a target lacks is rewritten, or refused with a reason.

    depth ──> refuse ──> failures ──> exits ──> runs ──> signals ──> http
          ──> loops ──> shape ──> limits

Depth is looked at first, before anything walks down a plan. Exits are rewritten while
loops are still the language's own, so that the end of a round is the end of its body.
"""

from __future__ import annotations

from dataclasses import replace

from perdure.diagnostics import Diagnostic
from perdure.plan.target import Target
from perdure.plan.tree import Call, Plan
from perdure.plan.walk import every
from perdure.targets.capabilities import too_old
from perdure.targets.exits import lower_exits
from perdure.targets.failures import lower_failures
from perdure.targets.helpers import Fresh
from perdure.targets.http import lower_http
from perdure.targets.limits import too_deep, too_many
from perdure.targets.loops import lower_loops
from perdure.targets.refuse import refused
from perdure.targets.runs import lower_limits
from perdure.targets.seconds import with_seconds
from perdure.targets.shape import shaped
from perdure.targets.signals import lower_signals
from perdure.targets.stale import stale_joins


def legalise(plan: Plan, target: Target) -> tuple[Plan | None, list[Diagnostic]]:
    """Return a plan that means the same and is legal on the target, or why not."""
    found = too_deep(plan, target)
    if found:
        return None, found
    found = [*refused(plan, target), *stale_joins(plan, target)]
    fresh = Fresh()
    calls = any(isinstance(node, Call) for node in every(plan.root))
    if target.can("catch"):
        plan = replace(plan, root=with_seconds(plan.root))
    else:
        plan, work = lower_failures(plan, target, fresh)
        found += work.found
    if not target.can("return"):
        plan, more = lower_exits(plan, target, fresh)
        found += more
    if not target.can("options"):
        plan = lower_limits(plan, calls)
    if not target.can("inbox"):
        plan = replace(plan, root=lower_signals(plan.root, fresh))
    if not target.can("computed_url"):
        plan = replace(plan, root=lower_http(plan.root))
    if not target.can("repeat"):
        plan = replace(plan, root=lower_loops(plan.root, fresh))
    plan = shaped(plan, target)
    found += [*too_many(plan, target), *too_deep(plan, target)]
    found += too_old(plan, target)
    found = list(dict.fromkeys(found))  # steps may be there several times, as in `call`
    wrong = any(each.severity == "error" for each in found)
    return (None if wrong else plan), found
