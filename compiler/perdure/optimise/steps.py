"""Walking over IR: the lists of steps in a step, read and replaced; what is read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, cast

from perdure.ir.expr import Reference
from perdure.ir.tree import Export, Step, Workflow

Steps = tuple[Step, ...]


def every_step(steps: Steps) -> Iterator[Step]:
    """Yield all steps at any depth, undos included, in the order of the file."""
    for step in steps:
        yield step
        for inner in _lists(step):
            yield from every_step(inner)


def with_inner(step: Step, change: Callable[[Steps], Steps]) -> Step:
    """Return a step with all lists of steps in it changed; an empty undo is none."""
    undo = step.head.undo
    changed = cast("Step", _changed(step, change))
    if undo is not None:
        head = replace(step.head, undo=change(undo) or None)
        changed = replace(changed, head=head)
    return changed


def _lists(node: Any) -> Iterator[Steps]:
    head = getattr(node, "head", None)
    for each in fields(node):
        value = getattr(node, each.name)
        if _is_list(value):
            yield value
        elif _is_holders(value):
            for item in value:
                yield from _lists(item)
    if head is not None and head.undo is not None:
        yield head.undo


def _changed(node: Any, change: Callable[[Steps], Steps]) -> Any:
    new: dict[str, Any] = {}
    for each in fields(node):
        value = getattr(node, each.name)
        if _is_list(value):
            new[each.name] = change(value)
        elif _is_holders(value):
            new[each.name] = tuple(_changed(item, change) for item in value)
    return replace(node, **new) if new else node


def _is_list(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and hasattr(value[0], "head")


def _is_holders(value: Any) -> bool:
    """Say whether a value is a tuple of arms, cases or branches."""
    return (
        isinstance(value, tuple)
        and bool(value)
        and is_dataclass(value[0])
        and any(each.name == "steps" for each in fields(value[0]))
    )


@dataclass(frozen=True, slots=True)
class Uses:
    """What is read of each variable; `row_sets` counts the uses of all its rows.

    `exported` are the variables whose values leave a race, or come from one.
    """

    columns: Mapping[str, set[str]]
    row_sets: Mapping[str, int]
    exported: frozenset[str]


def uses_of(workflow: Workflow) -> Uses:
    """Return what is read anywhere in a workflow."""
    columns: defaultdict[str, set[str]] = defaultdict(set)
    row_sets: Counter[str] = Counter()
    exported: set[str] = set()
    for node in _nodes((workflow.steps, workflow.options)):
        if isinstance(node, Reference):
            if node.row_set:
                row_sets[node.variable] += 1
            columns[node.variable] |= set(node.path[:1])
        elif isinstance(node, Export):
            exported |= {node.inside, node.outside}
    return Uses(columns, row_sets, frozenset(exported))


def _nodes(node: Any) -> Iterator[Any]:
    """Yield all data in a form, called workflows left out."""
    if isinstance(node, tuple):
        for item in node:
            yield from _nodes(item)
    elif is_dataclass(node) and not isinstance(node, type):
        yield node
        for each in fields(node):
            if each.compare:
                yield from _nodes(getattr(node, each.name))
