"""Rows of which a `foreach` reads only some columns: only those are kept.

Rows that a statement reads as a set, `:step.*`, keep all their columns, because what
the statement does with them is its own matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from perdure.ir.tree import ForeachStep, SqlStep, Step, Workflow
from perdure.ir.types import Field, Record, Variable
from perdure.optimise.report import Rewrite
from perdure.optimise.steps import Uses, every_step, uses_of, with_inner

Steps = tuple[Step, ...]


def narrow(workflow: Workflow) -> tuple[Workflow, list[Rewrite]]:
    """Return a workflow whose kept rows have only the columns that are read."""
    wanted = _wanted(workflow, uses_of(workflow))
    if not wanted:
        return workflow, []
    narrowing = _Narrowing(wanted)
    steps = narrowing.steps(workflow.steps)
    variables = tuple(_variable(each, wanted) for each in workflow.variables)
    return replace(workflow, steps=steps, variables=variables), narrowing.done


def _wanted(workflow: Workflow, uses: Uses) -> dict[str, frozenset[str]]:
    """Return the columns to keep, by variable, where they are not all."""
    loops, bound = _sources(workflow)
    wanted: dict[str, frozenset[str]] = {}
    for name, items in loops.items():
        if name not in bound or name in uses.exported:
            continue
        if uses.row_sets.get(name, 0) != len(items):
            continue  # a statement reads them, too
        read = uses.columns[name].union(*(uses.columns[item] for item in items))
        columns = [field.name for field in bound[name]]
        kept = frozenset(read & set(columns)) or frozenset(columns[:1])
        if len(kept) < len(columns):
            wanted[name] = kept
    return wanted


def _sources(
    workflow: Workflow,
) -> tuple[dict[str, list[str]], dict[str, tuple[Field, ...]]]:
    """Return the items of loops by what they go over, and columns of statements."""
    loops: dict[str, list[str]] = {}
    bound: dict[str, tuple[Field, ...]] = {}
    others: set[str] = set()
    for step in every_step(workflow.steps):
        if isinstance(step, ForeachStep):
            loops.setdefault(step.rows.variable, []).append(step.item)
        variable = getattr(step, "variable", None)
        if isinstance(step, SqlStep) and variable:
            bound[variable] = step.columns
        elif variable:
            others.add(variable)
    return loops, {name: each for name, each in bound.items() if name not in others}


@dataclass(slots=True)
class _Narrowing:
    wanted: Mapping[str, frozenset[str]]
    done: list[Rewrite] = field(default_factory=list)

    def steps(self, steps: Steps) -> Steps:
        """Narrow the statements and the loops of a list."""
        return tuple(self._step(step) for step in steps)

    def _step(self, step: Step) -> Step:
        step = with_inner(step, self.steps)
        match step:
            case SqlStep(variable=str(name)) if name in self.wanted:
                return self._statement(step, self.wanted[name])
            case ForeachStep(rows=rows) if rows.variable in self.wanted:
                kept = self.wanted[rows.variable]
                assert isinstance(rows.type, Record)
                type_ = replace(rows.type, fields=_kept(rows.type.fields, kept))
                return replace(step, rows=replace(rows, type=type_))
            case _:
                return step

    def _statement(self, step: SqlStep, kept: frozenset[str]) -> SqlStep:
        gone = [each.name for each in step.columns if each.name not in kept]
        why = f"columns not kept, nothing reads them: {', '.join(gone)}"
        self.done.append(Rewrite(step.head.path, "columns", why))
        return replace(step, columns=_kept(step.columns, kept))


def _variable(variable: Variable, wanted: Mapping[str, frozenset[str]]) -> Variable:
    if variable.id not in wanted:
        return variable
    return replace(variable, fields=_kept(variable.fields, wanted[variable.id]))


def _kept(fields: tuple[Field, ...], names: frozenset[str]) -> tuple[Field, ...]:
    return tuple(each for each in fields if each.name in names)
