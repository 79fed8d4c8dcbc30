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

_RESULT, _END = "result", "steps"
"""The role of what reads the result of a call, and the path of what ends a run."""

_CHOICES = ("if", "case")
_CONDITIONS = ("condition", "case")
"""The roles of what decides between arms, and of what is asked for it."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A step that the run has done, and what stands in its place, if anything does.

    `lines` are those of the step that differ, as in a diff. `reads` says that the new
    version reads of the step what was not kept: `lacking` are the columns, if known,
    `kept` those that were kept, None for all of its own. `more` says that the new step
    comes after the old one, with which the run has left what they stand in. `asked` is
    the step of the new version, if it is one, whose conditions decide otherwise.
    """

    message: str
    old: Place | None
    new: Place | None
    lines: tuple[str, ...] = ()
    reads: bool = False
    lacking: tuple[str, ...] = ()
    kept: tuple[str, ...] | None = ()
    more: bool = False
    asked: Place | None = None


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
        more = bool(nodes.get("more"))
        lines: tuple[str, ...] = ()
        if path := _deciding(old, new, more):
            before, after = self._steps(path)
            lines = self._changed(before, after) if before and after else ()
            return Disagreement(message, old, new, lines, more=more, asked=after)
        if more:
            return Disagreement(message, old, new, more=True)
        if old and new and (old.path == ON_FAILURE) == (new.path == ON_FAILURE):
            lines = self._changed(old, new)
            if not lines and texts is not None:
                lines = _diff([texts[0]], [texts[1]])
        return Disagreement(message, old, new, lines)

    def is_unread(self, nodes: Mapping[str, Any]) -> bool:
        """Say whether a node only reads the result of its step, as later steps ask.

        A version none of whose steps reads that result has no such node.
        """
        old, new = self._places(nodes)
        if old is None or old.role != _RESULT or old.path == _END:
            return False
        return new is None or new.role != _RESULT or new.path == _END

    def _places(self, nodes: Mapping[str, Any]) -> tuple[Place | None, Place | None]:
        old = _place(source_map(self.connection, self.before), nodes.get("old"))
        return old, _place(source_map(self.connection, self.after), nodes.get("new"))

    def _steps(self, path: str) -> tuple[Place | None, Place | None]:
        """Return the steps that have a path in the two versions."""
        labels = (self.before, self.after)
        old, new = (
            next((e for e in source_map(self.connection, each) if e.path == path), None)
            for each in labels
        )
        return old, new

    def _changed(self, old: Place, new: Place) -> tuple[str, ...]:
        """Return the lines that differ: the steps' own, else those of steps in them."""
        before = _Source(self.connection, self.before, old)
        after = _Source(self.connection, self.after, new)
        return _diff(before.own(), after.own()) or _diff(before.whole(), after.whole())


def _deciding(old: Place | None, new: Place | None, more: bool) -> str | None:
    """Return the path of the `if` or `switch` that decides otherwise, if one does.

    It asks another condition, or one more: before the arm that the run has taken, or
    where no condition held.
    """
    if old is None or new is None:
        return None
    both = old.path == new.path and old.role == new.role
    if old.role in _CONDITIONS and (more or both):
        return old.path
    above = old.path.startswith(f"{new.path}.")
    return new.path if above and new.role in _CHOICES else None


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
