"""Where two versions of a workflow differ, in the lines of their sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import ndiff
from typing import Any

from perdure.engine.client import Connection, source_files, source_map
from perdure.engine.runs import Place

ON_FAILURE = "on_failure"
"""The path of what holds all steps of a workflow with that key."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A step that the run has done, and what stands in its place, if anything does.

    `lines` are those of the step that differ, as in a diff. `reads` says that the new
    version reads of the step what was not kept: `lacking` are the columns, if known,
    `kept` those that were kept, None for all of its own. `more` says that the new step
    comes after the old one, with which the run has left what they stand in.
    """

    message: str
    old: Place | None
    new: Place | None
    lines: tuple[str, ...] = ()
    reads: bool = False
    lacking: tuple[str, ...] = ()
    kept: tuple[str, ...] | None = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Sides:
    """The labels of the versions that a run is to be moved from and to."""

    connection: Connection
    before: str
    after: str

    def lacking(
        self,
        message: str,
        nodes: Mapping[str, Any],
        columns: Sequence[str],
        kept: tuple[str, ...] | None,
    ) -> Disagreement:
        """Return that a step has kept too little."""
        old, new = self._places(nodes)
        return Disagreement(
            message, old, new, reads=True, lacking=tuple(columns), kept=kept
        )

    def disagreement(
        self, message: str, nodes: Mapping[str, Any], texts: tuple[str, str] | None
    ) -> Disagreement:
        """Return that two nodes are not the same; `texts` is what they execute."""
        old, new = self._places(nodes)
        if nodes.get("more"):
            return Disagreement(message, old, new, more=True)
        lines: tuple[str, ...] = ()
        if old and new and (old.path == ON_FAILURE) == (new.path == ON_FAILURE):
            lines = self._changed(old, new)
            if not lines and texts is not None:
                lines = _diff([texts[0]], [texts[1]])
        return Disagreement(message, old, new, lines)

    def _places(self, nodes: Mapping[str, Any]) -> tuple[Place | None, Place | None]:
        old = _place(source_map(self.connection, self.before), nodes.get("old"))
        return old, _place(source_map(self.connection, self.after), nodes.get("new"))

    def _changed(self, old: Place, new: Place) -> tuple[str, ...]:
        """Return the lines that differ: the steps' own, else those of steps in them."""
        before = _Source(self.connection, self.before, old)
        after = _Source(self.connection, self.after, new)
        return _diff(before.own(), after.own()) or _diff(before.whole(), after.whole())


def _place(places: list[Place], node: int | None) -> Place | None:
    found = [each for each in places if each.node == str(node)]
    return found[0] if found else None


def _diff(old: Iterable[str], new: Iterable[str]) -> tuple[str, ...]:
    found = ndiff([e for e in old if e.strip()], [e for e in new if e.strip()])
    return tuple(each for each in found if each.startswith(("- ", "+ ")))


class _Source:
    """The lines of a step in the source of its version."""

    def __init__(self, connection: Connection, label: str, place: Place) -> None:
        own, files = source_files(_source(connection, label))
        self.lines = files.get(place.file or "", own).splitlines()
        self.place = place
        self.others = {
            each.line: each.path
            for each in reversed(source_map(connection, label))
            if each.file == place.file and each.line is not None
        }

    def whole(self) -> list[str]:
        """Return the step with all that is in it."""
        return [line for _, line in self._numbered()]

    def own(self) -> Iterator[str]:
        """Yield the step without the steps in it: they stand further to the right."""
        inner: int | None = None
        for number, line in self._numbered():
            if inner is not None and line.strip() and _indent(line) <= inner:
                inner = None
            if inner is None and self._begins_inside(number):
                inner = _indent(line)
            if inner is None:
                yield line

    def _numbered(self) -> Iterator[tuple[int, str]]:
        """Yield the lines from the step to the next one that does not stand in it."""
        first = self.place.line
        if first is None or first > len(self.lines):
            return
        depth = _indent(self.lines[first - 1])
        for number, line in enumerate(self.lines[first - 1 :], first):
            outside = number in self.others and not self._begins_inside(number)
            further_out = bool(line.strip()) and _indent(line) < depth
            if number > first and (outside or further_out):
                return
            yield number, line

    def _begins_inside(self, number: int) -> bool:
        inside = f"{self.place.path}."
        return number != self.place.line and self.others.get(number, "").startswith(
            inside
        )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _source(connection: Connection, label: str) -> str:
    """Return the source that a version registers."""
    name, _, version = label.rpartition("@")
    row = connection.execute(
        "select source from perdure.workflow_versions"
        " where name = %s and version = %s::integer",
        [name, version],
    ).fetchone()
    return str(row[0]) if row else ""
