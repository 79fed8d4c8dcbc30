"""Optimising: fewer nodes that mean the same, and a report of what was done.

    IR ──fold──> narrow ──lower──> plan ──conditions──> empty ──> flatten ──> targets

Folding comes before lowering, so that nothing is captured for what is never read.
What lowering leaves out by itself, values that need no node and results that nobody
reads, is told by `lowered`. Nothing here moves a step over another one, or makes one of
two that the user wrote: each stays a checkpoint of its own. So a `transaction` keeps
its statements apart, too: triggers and functions that they call may see each other's
effects, and a failure names the step that failed.

The digest of a workflow is that of its IR before any of this.
"""

from perdure.optimise.fold import fold
from perdure.optimise.lowered import lowered
from perdure.optimise.narrow import narrow
from perdure.optimise.plan import improve
from perdure.optimise.report import Report, Rewrite

__all__ = ["Report", "Rewrite", "fold", "improve", "lowered", "narrow"]
