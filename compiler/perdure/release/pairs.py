"""Which step of a workflow is which step of another one.

First come the steps of one name, then those that say the same, in the order of their
lists; then those that say it in like words, the most alike first; last what is left
over between the same neighbours, unless it has little in common. Numbers of steps
tell nothing: one that is inserted would make every step below it another one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from perdure.release.outline import Item

_ALIKE = 0.5
_ALIKE_ELSEWHERE = 0.7
"""The share of words in common where the list, or both names, are other ones."""

_LITTLE_IN_COMMON = 0.3
_SHORT = 3
"""Words that are too few to tell what two steps have in common."""

_List = tuple[int | None, str]


def match(old: Sequence[Item], new: Sequence[Item]) -> dict[int, int]:
    """Return the old step of each new one that has one, by index."""
    found = _Pairs(old, new)
    found.named()
    found.align()
    blocks = set(found.before.inside), set(found.after.inside)
    found.equal(*blocks)
    found.alike(*blocks)
    found.align()
    found.equal(range(len(old)), range(len(new)))
    found.alike(range(len(old)), range(len(new)))
    found.left_over()
    return found.pairs


class _Side:
    """The steps of one workflow, and what is compared of them.

    `lists` are the steps of a list in order, `inside` those anywhere in a step.
    `own` is what a step says, `whole` that with what is in it: None where it is
    nothing; `words` are those of both.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.lists: dict[_List, list[int]] = defaultdict(list)
        self.inside: dict[int, list[int]] = defaultdict(list)
        for item in items:
            self.lists[(item.parent, item.slot)].append(item.index)
            above = item.parent
            while above is not None:
                self.inside[above].append(item.index)
                above = items[above].parent
        self.own = [(e.kind, e.bare) if e.bare else None for e in items]
        self.whole = [self._whole(e) for e in items]
        self.words = [Counter(self._words(e)) for e in items]

    def slots(self, index: int) -> Iterator[str]:
        """Yield the lists in a step."""
        seen = (self.items[at] for at in self.inside.get(index, ()))
        yield from dict.fromkeys(e.slot for e in seen if e.parent == index)

    def _whole(self, item: Item) -> object:
        inside = self.inside.get(item.index)
        if not inside:
            return self.own[item.index]
        said = [self.items[at] for at in inside]
        texts = [(e.kind, e.name, e.bare, e.slot, e.order) for e in said]
        return (item.kind, item.bare, *texts)

    def _words(self, item: Item) -> list[str]:
        inside = [self.items[at] for at in self.inside.get(item.index, ())]
        text = "\n".join(line for e in (item, *inside) for line in e.lines)
        return re.findall(r"\w+", text.lower())


class _Pairs:
    """Pairs that are found one after the other: the old steps by the new ones."""

    def __init__(self, old: Sequence[Item], new: Sequence[Item]) -> None:
        self.before, self.after = _Side(old), _Side(new)
        self.pairs: dict[int, int] = {}
        self.taken: set[int] = set()

    def named(self) -> None:
        """Pair steps of one name."""
        names: dict[str | None, list[int]] = defaultdict(list)
        for item in self.before.items:
            names[item.name].append(item.index)
        for item in self.after.items:
            if item.name and names.get(item.name):
                self._pair(names[item.name].pop(0), item.index)

    def align(self) -> None:
        """Pair steps that say the same, in lists that are the same, in their order."""
        for old, new in self._lists():
            for texts in ("whole", "own"):
                said = getattr(self.before, texts), getattr(self.after, texts)
                self._align(old, new, *said)

    def equal(self, old: Iterable[int], new: Iterable[int]) -> None:
        """Pair steps that say the same, wherever they stand."""
        for texts in ("whole", "own"):
            before, after = getattr(self.before, texts), getattr(self.after, texts)
            waiting: dict[object, list[int]] = defaultdict(list)
            for index in sorted(old):
                if index not in self.taken and before[index] is not None:
                    waiting[before[index]].append(index)
            for index in sorted(new):
                found = waiting.get(after[index])
                if index not in self.pairs and found:
                    self._pair(found.pop(0), index, whole=texts == "whole")

    def alike(self, old: Iterable[int], new: Iterable[int]) -> None:
        """Pair steps that say it in like words, wherever they stand."""
        found = []
        for at, to in self._candidates(old, new):
            same_list = self._same_list(at, to)
            needed = _ALIKE if same_list else _ALIKE_ELSEWHERE
            if self._both_named(at, to):
                needed = _ALIKE_ELSEWHERE
            likeness = self._likeness(at, to)
            if likeness >= needed:
                far = self._distance(at, to)
                found.append((not same_list, -likeness, far, at, to))
        for *_, at, to in sorted(found):
            self._pair(at, to)

    def left_over(self) -> None:
        """Pair steps of one kind between the same neighbours."""
        for old, new in self._lists():
            before, after = self._gaps(old, new)
            found = []
            for at, to in self._candidates(before, after):
                if before[at] == after[to] and not self._both_named(at, to):
                    likeness = self._likeness(at, to)
                    if self._short(at, to) or likeness >= _LITTLE_IN_COMMON:
                        found.append((-likeness, self._distance(at, to), at, to))
            for *_, at, to in sorted(found):
                self._pair(at, to)

    def _pair(self, old: int, new: int, whole: bool = False) -> None:
        if old in self.taken or new in self.pairs:
            return
        self.pairs[new] = old
        self.taken.add(old)
        if whole:
            inside = self.before.inside.get(old, ()), self.after.inside.get(new, ())
            for at, to in zip(*inside, strict=True):
                self._pair(at, to)

    def _lists(self) -> Iterator[tuple[list[int], list[int]]]:
        """Yield lists that are the same, outer before inner, as pairs are found."""
        yield self.before.lists[(None, "steps")], self.after.lists[(None, "steps")]
        for item in self.after.items:
            old = self.pairs.get(item.index)
            for slot in self.after.slots(item.index) if old is not None else ():
                there = self.before.lists.get((old, slot))
                if there:
                    yield there, self.after.lists[(item.index, slot)]

    def _align(
        self,
        old: Sequence[int],
        new: Sequence[int],
        before: Sequence[object],
        after: Sequence[object],
    ) -> None:
        """Pair equal steps of two lists; pairs and what says nothing stand apart."""
        left = [("old", at) if self._apart(at, before) else before[at] for at in old]
        right = [
            ("old", self.pairs[to]) if to in self.pairs else after[to] or ("new", to)
            for to in new
        ]
        blocks = SequenceMatcher(None, left, right, autojunk=False)
        whole = before is self.before.whole
        for block in blocks.get_matching_blocks():
            for at in range(block.size):
                self._pair(old[block.a + at], new[block.b + at], whole)

    def _apart(self, index: int, texts: Sequence[object]) -> bool:
        return index in self.taken or texts[index] is None

    def _candidates(
        self, old: Iterable[int], new: Iterable[int]
    ) -> Iterator[tuple[int, int]]:
        """Yield what may be a pair: of one kind, not paired, not of two names."""
        before = [at for at in sorted(old) if at not in self.taken]
        for to in sorted(new):
            if to not in self.pairs:
                kind = self.after.items[to].kind
                same = (at for at in before if self.before.items[at].kind == kind)
                yield from ((at, to) for at in same)

    def _gaps(
        self, old: Sequence[int], new: Sequence[int]
    ) -> tuple[dict[int, int], dict[int, int]]:
        """Return the pair that stands before each step of two lists, by old index."""
        back = {at: to for to, at in self.pairs.items()}
        here, there = set(new), set(old)
        before, after = {}, {}
        last = -1
        for at in old:
            last = at if back.get(at) in here else last
            before[at] = last
        last = -1
        for to in new:
            pair = self.pairs.get(to)
            last = pair if pair is not None and pair in there else last
            after[to] = last
        return before, after

    def _likeness(self, old: int, new: int) -> float:
        """Return the share of words in common, in any order."""
        left, right = self.before.words[old], self.after.words[new]
        total = left.total() + right.total()
        return 2 * (left & right).total() / total if total else 0.0

    def _short(self, old: int, new: int) -> bool:
        words = self.before.words[old].total(), self.after.words[new].total()
        return min(words) <= _SHORT

    def _both_named(self, old: int, new: int) -> bool:
        return bool(self.before.items[old].name and self.after.items[new].name)

    def _same_list(self, old: int, new: int) -> bool:
        before, after = self.before.items[old], self.after.items[new]
        parent = None if after.parent is None else self.pairs.get(after.parent, -1)
        return (before.parent, before.slot) == (parent, after.slot)

    def _distance(self, old: int, new: int) -> int:
        return abs(self.before.items[old].order - self.after.items[new].order)
