"""What changed between two sets of workflows, point by point and step by step.

`pairs` tells which step is which. A step moved when the step that it stands in is
another one, or when it changed places with its neighbours; a step that only has another
number because one before it came or went did not move.

A workflow that went and one that came are one that was renamed when they are the
same but for the name, or alike enough: more than half of what their steps say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher, unified_diff
from itertools import product
from typing import Literal, Protocol

from perdure.ir.digest import digest
from perdure.ir.tree import Workflow
from perdure.release.classify import Place, Point, Side, described, points
from perdure.release.interface import ways
from perdure.release.outline import Item, outline
from perdure.release.pairs import match
from perdure.release.rules import RULES, Effect, worst
from perdure.source import Source, Span

Change = Literal["added", "removed", "changed", "moved"]
WorkflowChange = Literal["added", "removed", "renamed", "changed"]
_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class StepDiff:
    """One step that is not what or where it was.

    `old_path` and `new_path` are None where there is none. `moved` may hold for a
    changed step, too. `text` is a unified diff of what the step says, without header;
    `place` is `file:line`, where known.
    """

    change: Change
    kind: str
    name: str | None
    old_path: str | None
    new_path: str | None
    moved: bool
    text: tuple[str, ...]
    place: str | None = None


@dataclass(frozen=True, slots=True)
class WorkflowDiff:
    """One workflow that came, went or changed.

    `interface` is what others rely on, `metadata` what readers see only, `steps` the
    rest. `points` has those and one that says that the workflow, or some steps,
    changed; `effect` is the class that matters most among them.
    """

    name: str
    old_name: str | None
    change: WorkflowChange
    whole: Point | None
    interface: tuple[Point, ...]
    metadata: tuple[Point, ...]
    steps: tuple[StepDiff, ...]

    @property
    def effect(self) -> Effect:
        """The class of the change."""
        every = [*self.interface, *self.metadata, *filter(None, [self.whole])]
        return worst(each.effect for each in every) or "metadata"


@dataclass(frozen=True, slots=True)
class Diff:
    """All workflows that differ, by name."""

    workflows: tuple[WorkflowDiff, ...]

    @property
    def effect(self) -> Effect | None:
        """The class that matters most; None when nothing changed."""
        return worst(each.effect for each in self.workflows)


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of the versions of a workflow, beside those that are compiled.

    `current` are the versions in force before and after, where one that was there is
    again; `retired` those that are taken out of use, `gone` says that none is left.
    """

    current: tuple[int, int] | None = None
    retired: tuple[int, ...] = ()
    gone: bool = False


class Compiled(Protocol):
    """What is compared: anything that has the IR of a workflow."""

    @property
    def ir(self) -> Workflow | None:
        """The workflow; None counts as not there."""


Sources = Mapping[str, Source]
OwnSources = Mapping[str, Sources]


def compare(
    before: Mapping[str, Compiled],
    after: Mapping[str, Compiled],
    old_sources: Sources | None = None,
    new_sources: Sources | None = None,
    recompiled: Collection[str] = (),
    own_sources: tuple[OwnSources, OwnSources] = ({}, {}),
    retyped: Collection[str] = (),
    standings: Mapping[str, Standing] | None = None,
) -> Diff:
    """Compare two sets of workflows, by name; the sources are for the places.

    `recompiled` get a new version, be it for another reason than their text.
    `own_sources` are those of old and of new workflows that have files of their own.
    `retyped` are old workflows that had other types than those that they have here.
    `standings` tell of those whose versions changed without being compiled.
    """
    old = {name: each.ir for name, each in before.items() if each.ir is not None}
    new = {name: each.ir for name, each in after.items() if each.ir is not None}
    unknown = {name for name in before if name not in old}
    unknown |= {name for name in before.keys() & after.keys() if name not in new}
    renamed = dict(_renamed(old, {n: w for n, w in new.items() if n not in unknown}))
    own_before, own_after = own_sources
    found = []
    for name in sorted({*old, *new, *unknown} - set(renamed)):
        if name in unknown:
            found.append(_not_compared(name, after))
            continue
        former = next((o for o, n in renamed.items() if n == name), name)
        texts = own_before.get(former, old_sources or {})
        texts_now = own_after.get(name, new_sources or {})
        place = _places({"before": texts, "after": texts_now})
        both = old.get(former), new.get(name)
        each = _workflow(name, former, *both, place, former in retyped)
        if each is not None:
            found.append(each)
    told = {each.name for each in found}
    silent = {*recompiled} & {*old} & {*new} - told
    found += (_silent(name, old, new) for name in silent)
    return Diff(tuple(_with_standings(found, standings or {})))


def _silent(
    name: str, old: Mapping[str, Workflow], new: Mapping[str, Workflow]
) -> WorkflowDiff:
    """Return what is told of a new version whose text says what it said before.

    The digest of one that calls others in a ring is made of theirs, too.
    """
    same = digest(old[name]) == digest(new[name])
    why = _whole("ring" if same and _ring(name, new) else "schema")
    return WorkflowDiff(name, None, "changed", why, (), (), ())


def _with_standings(
    found: Sequence[WorkflowDiff], standings: Mapping[str, Standing]
) -> list[WorkflowDiff]:
    """Add what became of versions, to workflows that did not change otherwise, too."""
    known = {each.name: each for each in found}
    for name, standing in standings.items():
        each = known.get(name)
        if each is None:
            change: WorkflowChange = "removed" if standing.gone else "changed"
            whole = _whole(change) if standing.gone else None
            each = WorkflowDiff(name, None, change, whole, (), (), ())
        own = tuple(_of_versions(standing))
        known[name] = replace(each, interface=(*own, *each.interface))
    return sorted(known.values(), key=lambda each: each.name)


def _of_versions(standing: Standing) -> Iterator[Point]:
    if standing.current is not None:
        was, now = map(str, standing.current)
        yield _about_version("rolled-back", None, was, now)
    for number in map(str, standing.retired):
        yield _about_version("version-retired", number, "in use", "retired")


def _about_version(rule: str, name: str | None, was: str, now: str) -> Point:
    own = RULES[rule]
    return Point("version", name, was, now, rule, own.effect, own.reason, None)


def _ring(name: str, workflows: Mapping[str, Workflow]) -> set[str]:
    """Return the workflows that call this one, and that it calls."""
    reached = _reached(name, workflows)
    return {each for each in reached if name in _reached(each, workflows)}


def _reached(name: str, workflows: Mapping[str, Workflow]) -> set[str]:
    """Return the workflows that one calls, directly or not."""
    found: set[str] = set()
    left = [name]
    while left:
        one = workflows.get(left.pop())
        called = {*ways(one)} - found if one else set()
        found |= called
        left += called
    return found


def _not_compared(name: str, after: Mapping[str, Compiled]) -> WorkflowDiff:
    """Return what is told of a workflow that does not compile on one of the sides."""
    if name not in after:
        return WorkflowDiff(name, None, "removed", _whole("removed"), (), (), ())
    why = _whole("unfit" if after[name].ir is None else "not-compared")
    return WorkflowDiff(name, None, "changed", why, (), (), ())


def _places(sources: Mapping[Side, Sources]) -> Place:
    """Return what gives the file and line of a span."""

    def place(span: Span | None, side: Side) -> str | None:
        source = sources[side].get(span.path) if span else None
        if span is None or source is None:
            return None
        return f"{span.path}:{source.position(span.start)[0]}"

    return place


def _renamed(
    old: Mapping[str, Workflow], new: Mapping[str, Workflow]
) -> Iterator[tuple[str, str]]:
    """Yield the workflows that have another name now: the old one and the new one.

    Those that are most alike come first, of equal ones those of one file.
    """
    gone = {name: _lines(old[name]) for name in set(old) - set(new)}
    came = {name: _lines(new[name]) for name in set(new) - set(old)}
    found = []
    for (name, lines), (other, texts) in product(gone.items(), came.items()):
        alike = SequenceMatcher(None, lines, texts, autojunk=False).ratio()
        if alike > _ALIKE:
            elsewhere = old[name].path != new[other].path
            found.append((-alike, elsewhere, name, other))
    taken: set[str] = set()
    for *_, name, other in sorted(found):
        if not {name, other} & taken:
            taken |= {name, other}
            yield name, other


def _lines(workflow: Workflow) -> list[str]:
    """Return what a workflow says, without its name."""
    inputs = [f"{each.name}: {each.type}" for each in workflow.inputs]
    return [*inputs, *(line for item in outline(workflow) for line in _all(item))]


def _workflow(
    name: str,
    former: str,
    old: Workflow | None,
    new: Workflow | None,
    place: Place,
    retyped: bool,
) -> WorkflowDiff | None:
    before = outline(old) if old else []
    after = outline(new) if new else []
    pairs = match(before, after)
    steps = tuple(_steps(before, after, pairs, place))
    if old is None or new is None:
        change: WorkflowChange = "added" if old is None else "removed"
        return WorkflowDiff(name, None, change, _whole(change), (), (), steps)
    interface = tuple(points(old, new, place, retyped=retyped))
    heads = [(before[pairs[e.index]].head, e.head) for e in after if e.index in pairs]
    metadata = tuple(described(old, new, place, heads))
    if former != name:
        whole = _whole("renamed")
        return WorkflowDiff(name, former, "renamed", whole, interface, metadata, steps)
    if not (interface or metadata or steps or retyped):
        return None
    changed = _whole("changed") if steps else _whole("schema") if retyped else None
    return WorkflowDiff(name, None, "changed", changed, interface, metadata, steps)


def _whole(
    change: WorkflowChange | Literal["schema", "ring", "not-compared", "unfit"],
) -> Point:
    """Return the point that stands for a whole workflow, its steps, or their types."""
    what: str
    if change in ("changed", "schema", "ring"):
        what = "steps" if change == "changed" else change
        rule = RULES[f"{what}-changed"]
    else:
        what, rule = "workflow", RULES[f"workflow-{change}"]
    return Point(what, None, None, None, rule.name, rule.effect, rule.reason, None)


def _steps(
    old: Sequence[Item], new: Sequence[Item], pairs: Mapping[int, int], place: Place
) -> Iterable[StepDiff]:
    """Yield differing steps in new order, removed ones where they stood."""
    matched = set(pairs.values())
    moved = _moved(old, new, pairs)
    gone = [item for item in old if item.index not in matched]
    bounds, bound = {}, len(old)  # by new step, the old one of the next that stayed
    for item in reversed(new):
        if item.index not in moved:
            bound = pairs.get(item.index, bound)
        bounds[item.index] = bound
    for item in new:
        while gone and gone[0].index < bounds[item.index]:
            yield _removed(gone.pop(0), place)
        before = old[pairs[item.index]] if item.index in pairs else None
        where = place(item.span, "after")
        found = _step(before, item, item.index in moved, where)
        if found is not None:
            yield found
    yield from (_removed(item, place) for item in gone)


def _removed(item: Item, place: Place) -> StepDiff:
    text, where = _text(item.lines, ()), place(item.span, "before")
    return StepDiff(
        "removed", item.kind, item.name, item.path, None, False, text, where
    )


def _step(
    before: Item | None, item: Item, moved: bool, where: str | None
) -> StepDiff | None:
    """Return what became of a step; None where it is what and where it was."""
    if before is None:
        text = _text((), item.lines)
        return StepDiff(
            "added", item.kind, item.name, None, item.path, False, text, where
        )
    same = (before.name, before.kind, before.bare) == (item.name, item.kind, item.bare)
    text = () if same else _text(_all(before), _all(item))
    if before.bare == item.bare:  # else the columns follow from the statement
        text += _text(before.columns, item.columns)
    if not text and not moved:
        return None
    change: Change = "changed" if text else "moved"
    if not text and not item.name:  # else nothing says which step it is
        text = tuple(f" {line}" for line in item.lines)
    paths = (before.path, item.path)
    return StepDiff(change, item.kind, item.name, *paths, moved, text, where)


def _all(item: Item) -> tuple[str, ...]:
    """Return what a step says, its name and kind included where they may differ."""
    name = (f"name: {item.name}",) if item.name else ()
    return (*name, f"{item.kind}:", *item.lines)


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
        stood = [item.order == place for item, place in zip(items, places, strict=True)]
        staying = _longest_rise(places, stood)
        moved |= {item.index for at, item in enumerate(items) if at not in staying}
    return moved


def _longest_rise(numbers: Sequence[int], preferred: Sequence[bool]) -> set[int]:
    """Return the indexes of a longest increasing subsequence of different numbers.

    Of equally long ones it is one with most of the preferred. `best` is a Fenwick tree
    of the heaviest sequences by their last number.
    """
    rank = {number: at for at, number in enumerate(sorted(numbers), 1)}
    size = len(numbers) + 1
    best = [(0, -1)] * size
    before: list[int] = []
    for index, number in enumerate(numbers):
        weight, last = _heaviest(best, rank[number] - 1)
        before.append(last)
        longer = (weight + size + preferred[index], index)
        at = rank[number]
        while at < size:
            best[at] = max(best[at], longer)
            at += at & -at
    _, last = _heaviest(best, size - 1)
    chosen = set()
    while last >= 0:
        chosen.add(last)
        last = before[last]
    return chosen


def _heaviest(best: Sequence[tuple[int, int]], at: int) -> tuple[int, int]:
    """Return the weight and last index of the heaviest sequence up to a place."""
    found = (0, -1)
    while at:
        found = max(found, best[at])
        at &= at - 1
    return found


def _text(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """Return a unified diff without header and places."""
    lines = list(unified_diff(old, new, lineterm="", n=3))[2:]
    return tuple(line for line in lines if not line.startswith("@@"))
