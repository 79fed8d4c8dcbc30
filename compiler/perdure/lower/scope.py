"""Where the value of each variable is found, decided before anything is lowered.

* An immutable `let` whose variables are all bound once is no node: its expression
  stands where it is read. A long one is kept as a node, so that a chain of them does
  not grow exponentially.
* A name bound in a branch of a race is read, after it, from the race's own result.
* Everything else is a result of its own, one name per variable.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from perdure.ir.expr import Expression, Reference
from perdure.ir.tree import (
    CallStep,
    Head,
    HttpStep,
    LetStep,
    RaceStep,
    SqlStep,
    StartStep,
    WaitForSignalStep,
    Workflow,
)
from perdure.ir.types import Variable
from perdure.lower.doubtful import doubtful
from perdure.lower.index import Index
from perdure.lower.names import Names, names_for
from perdure.lower.reads import Reads, reads_of

Binding = (
    SqlStep | HttpStep | WaitForSignalStep | LetStep | RaceStep | CallStep | StartStep
)
INLINE_PARTS = 24


@dataclass(frozen=True, slots=True)
class Place:
    """A named result. `columns` names its columns by part of the variable.

    The parts are the variable's columns, `rows*` (all rows as one JSON list) and
    `whole*` (the envelope of a signal or a response, None: the result itself).
    """

    result: str
    columns: Mapping[str, str | None]


_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")

ROWS = "rows*"
WHOLE = "whole*"


@dataclass(slots=True)
class Scope:
    """All that lowering knows of the variables."""

    workflow: Workflow
    names: Names
    variables: Mapping[str, Variable]
    reads: Mapping[str, Reads]
    doubtful: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    inlined: dict[str, Expression] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def may_be_null(self, expr: Expression) -> bool:
        """Say whether an expression may be null when it runs."""
        return expr.nullable or any(
            isinstance(part, Reference) and part.variable in self.doubtful
            for part in expr.parts
        )

    def is_read(self, variable: str | None) -> bool:
        """Say whether any part of a variable is read."""
        return variable is not None and bool(self.reads.get(variable))

    def result(self, variable: str) -> str:
        """Return the name of a variable's result."""
        return self.names.of(variable, self.variables[variable].name)


def scope_of(workflow: Workflow) -> Scope:
    """Decide where each value is found."""
    index = Index(workflow.steps)
    scope = Scope(
        workflow,
        names_for(index),
        {variable.id: variable for variable in workflow.variables},
        reads_of(workflow, index),
        doubtful(index),
        frozenset(name for head in index.of(Head) for name in head.absent),
    )
    sites = _sites(index)
    for let in index.of(LetStep):
        if _inlines(let, sites, scope):
            scope.inlined[let.variable] = let.value
    for race in index.of(RaceStep):
        _place_race(race, scope)
    return scope


def place_of(scope: Scope, variable: str) -> Place:
    """Return where a variable's value is found, once it is bound."""
    if variable not in scope.places:
        known = scope.variables[variable]
        scope.places[variable] = Place(scope.result(variable), _columns(known))
    return scope.places[variable]


def _columns(variable: Variable) -> dict[str, str | None]:
    """Name the columns of a result; a name that no reference can spell is replaced."""
    columns: dict[str, str | None] = {WHOLE: None, ROWS: "items"}
    for index, each in enumerate(variable.fields, 1):
        plain = _PLAIN.fullmatch(each.name)
        columns[each.name] = each.name if plain else f"column_{index}_"
    return columns


def parts_of(variable: Variable, reads: Reads) -> list[str]:
    """Return the parts of a variable that are read, in the order of its columns."""
    if not reads:
        return []
    if variable.kind in ("http", "signal"):
        return [WHOLE]
    if reads.row_set:
        return [ROWS]
    return [field.name for field in variable.fields if field.name in reads.columns]


def _sites(index: Index) -> Counter[str]:
    """Count the bindings of each variable."""
    sites: Counter[str] = Counter()
    binding: tuple[Binding, ...]
    binding = (
        *index.of(SqlStep),
        *index.of(HttpStep),
        *index.of(WaitForSignalStep),
        *index.of(LetStep),
        *index.of(RaceStep),
        *index.of(CallStep),
        *index.of(StartStep),
    )
    sites.update(step.variable for step in binding if step.variable is not None)
    for race in index.of(RaceStep):
        sites.update({export.outside for export in race.exports})
    for head in index.of(Head):
        sites.update(head.absent)
    return sites


def _used(value: Expression) -> list[str]:
    return [part.variable for part in value.parts if isinstance(part, Reference)]


def _inlines(step: LetStep, sites: Counter[str], scope: Scope) -> bool:
    if not step.value.immutable or sites[step.variable] > 1:
        return False
    used = _used(step.value)
    return all(sites[name] <= 1 for name in used) and (
        sum(_size(name, scope) for name in used) + len(step.value.parts) <= INLINE_PARTS
    )


def _size(variable: str, scope: Scope) -> int:
    value = scope.inlined.get(variable)
    if value is None:
        return 1
    return len(value.parts) + sum(_size(name, scope) for name in _used(value))


def _place_race(step: RaceStep, scope: Scope) -> None:
    """Give each part that leaves the race a column of the race's result."""
    outside = list(dict.fromkeys(export.outside for export in step.exports))
    wanted = [name for name in outside if scope.is_read(name)]
    if not wanted and not scope.is_read(step.variable):
        return
    result = scope.result(step.variable) if step.variable else scope.names.fresh("race")
    taken = {"winner"}
    for name in wanted:
        variable = scope.variables[name]
        columns: dict[str, str | None] = {}
        for part in parts_of(variable, scope.reads[name]):
            columns[part] = _free(f"{variable.name}_{part.strip('*')}", taken)
        scope.places[name] = Place(result, columns)
    if step.variable:
        scope.places[step.variable] = Place(result, {"winner": "winner"})


def _free(wanted: str, taken: set[str]) -> str:
    word = re.sub(r"[^a-z0-9_]", "_", wanted.lower())[:50]
    name, count = word, 1
    while name in taken:
        count += 1
        name = f"{word}_{count}"
    taken.add(name)
    return name
