"""What changed between two sets of workflows, step by step.

A step is the same step when its name is, else when it says the same, else when it
stands at the same place and is of the same kind. It moved when the step that it
stands in is another one, or when it changed places with its neighbours; a step that
only has another number because one before it came or went did not move.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Literal, Protocol

from perdure.ir.tree import Workflow
from perdure.release.outline import Item, outline, signature

Change = Literal["added", "removed", "changed", "moved"]


@dataclass(frozen=True, slots=True)
class StepDiff:
    """One step that is not what or where it was.

    `old_path` and `new_path` are None where there is none. `moved` may hold for a
    changed step, too. `text` is a unified diff of what the step says, without header.
    """

    change: Change
    kind: str
    name: str | None
    old_path: str | None
    new_path: str | None
    moved: bool
    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkflowDiff:
    """One workflow that came, went or changed.

    `signature` is a unified diff of inputs and result, empty when callers see no
    difference.
    """

    name: str
    change: Change
    signature: tuple[str, ...]
    steps: tuple[StepDiff, ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """All workflows that differ, by name."""

    workflows: tuple[WorkflowDiff, ...]


class Compiled(Protocol):
    """What is compared: anything that has the IR of a workflow."""

    @property
    def ir(self) -> Workflow | None:
        """The workflow; None counts as not there."""


def compare(before: Mapping[str, Compiled], after: Mapping[str, Compiled]) -> Diff:
    """Compare two sets of workflows, by name."""
    old = {name: each.ir for name, each in before.items()}
    new = {name: each.ir for name, each in after.items()}
    found = []
    for name in sorted({*old, *new}):
        each = _workflow(name, old.get(name), new.get(name))
        if each is not None:
            found.append(each)
    return Diff(tuple(found))


def _workflow(
    name: str, old: Workflow | None, new: Workflow | None
) -> WorkflowDiff | None:
    before = outline(old) if old else []
    after = outline(new) if new else []
    steps = tuple(_steps(before, after))
    lines = _text(signature(old) if old else (), signature(new) if new else ())
    if old is None and new is None:
        return None
    if old is None:
        return WorkflowDiff(name, "added", lines, steps)
    if new is None:
        return WorkflowDiff(name, "removed", lines, steps)
    return WorkflowDiff(name, "changed", lines, steps) if lines or steps else None


def _steps(old: Sequence[Item], new: Sequence[Item]) -> Iterable[StepDiff]:
    """Yield differing steps: removed ones where they stood, the others in new order."""
    pairs = _match(old, new)
    matched = {before: after for after, before in pairs.items()}
    moved = _moved(old, new, pairs)
    for item in old:
        if item.index not in matched:
            lines = _text(item.lines, ())
            yield StepDiff(
                "removed", item.kind, item.name, item.path, None, False, lines
            )
    for item in new:
        if item.index not in pairs:
            lines = _text((), item.lines)
            yield StepDiff("added", item.kind, item.name, None, item.path, False, lines)
            continue
        before = old[pairs[item.index]]
        lines = _text(_all(before), _all(item))
        change: Change = "changed" if lines else "moved"
        if lines or item.index in moved:
            yield StepDiff(
                change,
                item.kind,
                item.name,
                before.path,
                item.path,
                item.index in moved,
                lines,
            )


def _all(item: Item) -> tuple[str, ...]:
    """Return what a step says, its name and kind included where they may differ."""
    name = (f"name: {item.name}",) if item.name else ()
    return (*name, f"{item.kind}:", *item.lines)


def _match(old: Sequence[Item], new: Sequence[Item]) -> dict[int, int]:
    """Return the old step of each new one that has one, by index."""
    pairs: dict[int, int] = {}
    left = list(old)
    for key in (_by_name, _by_content, _by_place):
        waiting: dict[object, list[Item]] = defaultdict(list)
        for item in left:
            waiting[key(item)].append(item)
        for item in new:
            found = waiting.get(key(item)) if key(item) is not None else None
            if item.index not in pairs and found:
                pairs[item.index] = found.pop(0).index
        taken = set(pairs.values())
        left = [item for item in left if item.index not in taken]
    return pairs


def _by_name(item: Item) -> object:
    return item.name


def _by_content(item: Item) -> object:
    return (item.kind, item.lines) if item.lines else None


def _by_place(item: Item) -> object:
    return (item.kind, item.path)


def _moved(
    old: Sequence[Item], new: Sequence[Item], pairs: Mapping[int, int]
) -> set[int]:
    """Return the new steps that stand in another step, or in another order."""
    moved = set()
    lists: dict[tuple[int | None, str], list[Item]] = defaultdict(list)
    for item in new:
        if item.index not in pairs:
            continue
        before = old[pairs[item.index]]
        parent = None if item.parent is None else pairs.get(item.parent, -1)
        if (before.parent, before.slot) != (parent, item.slot):
            moved.add(item.index)
        else:
            lists[(item.parent, item.slot)].append(item)
    for items in lists.values():
        places = [old[pairs[item.index]].order for item in items]
        staying = _longest_rise(places)
        moved |= {item.index for at, item in enumerate(items) if at not in staying}
    return moved


def _longest_rise(numbers: Sequence[int]) -> set[int]:
    """Return the indexes of a longest increasing subsequence."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int | None] = []
    for at, number in enumerate(numbers):
        place = bisect_left(tails, number)
        before.append(ends[place - 1] if place else None)
        tails[place : place + 1] = [number]
        ends[place : place + 1] = [at]
    chosen = set()
    last: int | None = ends[-1] if ends else None
    while last is not None:
        chosen.add(last)
        last = before[last]
    return chosen


def _text(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """Return a unified diff without header and places."""
    lines = list(unified_diff(old, new, lineterm="", n=3))[2:]
    return tuple(line for line in lines if not line.startswith("@@"))
