"""Which values may be null although the IR says otherwise.

The data of a signal is null after a timeout. The IR takes it for not null, because a
rule of its own (WF422) looks at that; so does every value that is computed from it.
What is emitted must be right for the run that did time out. The rejected way was to
read every value as if it might be null, which hides wrong claims of all other kinds.
"""

from __future__ import annotations

from perdure.ir.expr import Reference
from perdure.ir.tree import ForeachStep, LetStep, RaceStep, SqlStep, WaitForSignalStep
from perdure.lower.index import Index


def doubtful(index: Index) -> frozenset[str]:
    """Return the variables whose value may come from a wait that timed out."""
    waits = index.of(WaitForSignalStep)
    found = {each.variable for each in waits if each.timeout and each.variable}
    reads: list[tuple[str, tuple[object, ...]]] = [
        (each.variable, each.value.parts) for each in index.of(LetStep)
    ]
    reads += [(s.variable, s.statement.parts) for s in index.of(SqlStep) if s.variable]
    exports = [each for race in index.of(RaceStep) for each in race.exports]
    loops = index.of(ForeachStep)
    reads += [
        (each.variable, tuple(Index(each.collect).of(Reference)))
        for each in loops
        if each.variable
    ]
    before = -1
    while found and before != len(found):
        before = len(found)
        found |= {name for name, parts in reads if _any(parts, found)}
        found |= {each.outside for each in exports if each.inside in found}
        found |= {each.item for each in loops if each.rows.variable in found}
    return frozenset(found)


def _any(parts: tuple[object, ...], found: set[str]) -> bool:
    return any(isinstance(p, Reference) and p.variable in found for p in parts)
