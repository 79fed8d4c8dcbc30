"""What of each variable is read anywhere: a result that nobody reads is not captured.

A captured result is stored, and copied into every branch and round, so only the
columns that are read are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perdure.ir.expr import Reference
from perdure.ir.tree import RaceStep, Workflow
from perdure.ir.types import Variable
from perdure.lower.index import Index

SINGLE = ("input", "value")
"""Kinds that are one value; the path of a reference starts below it."""


@dataclass(slots=True)
class Reads:
    """The columns of one variable that are read, and whether its rows are, as a set."""

    columns: set[str] = field(default_factory=set)
    row_set: bool = False

    def __bool__(self) -> bool:
        """Say whether anything is read."""
        return bool(self.columns) or self.row_set

    def merge(self, other: Reads) -> bool:
        """Add what `other` reads; say whether that was news."""
        before = (len(self.columns), self.row_set)
        self.columns |= other.columns
        self.row_set = self.row_set or other.row_set
        return before != (len(self.columns), self.row_set)


def reads_of(workflow: Workflow, index: Index) -> Mapping[str, Reads]:
    """Return what is read, by variable; variables that nobody reads are empty."""
    kinds = {variable.id: variable for variable in workflow.variables}
    reads = {variable.id: Reads() for variable in workflow.variables}
    for reference in index.of(Reference):
        wanted = reads.setdefault(reference.variable, Reads())
        if reference.row_set:
            wanted.row_set = True
        else:
            wanted.columns.add(column_of(reference, kinds.get(reference.variable)))
    exports = [export for step in index.of(RaceStep) for export in step.exports]
    while any(reads[e.inside].merge(reads[e.outside]) for e in exports):
        pass
    return reads


def column_of(reference: Reference, variable: Variable | None) -> str:
    """Return the column that a reference reads; a single value's is `value`."""
    if variable is None or variable.kind in SINGLE or not reference.path:
        return "value"
    return reference.path[0]
