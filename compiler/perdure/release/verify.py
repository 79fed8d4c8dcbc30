"""Whether versions of before still fit a schema: what is found.

A version is compiled again from its stored sources, once under the schema as it will
be and, where there is one to compare with, under the schema as it is. What is wrong
under both is not the doing of the change, and may be that of a newer compiler.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from perdure.ir.show import type_text
from perdure.ir.tree import SqlStep, Step, Workflow
from perdure.release.interface import every_step

FORMAT = 1
"""The version of the JSON; it goes up when a member changes or goes."""

Severity = Literal["error", "warning"]
_LOOP = re.compile(r"\.(?:loop|do)\[")
_ENDED = ("completed", "failed", "cancelled")


class Node(Protocol):
    """A node's place in the sources."""

    @property
    def node(self) -> str:
        """Its number."""

    @property
    def path(self) -> str:
        """The path of its step."""

    @property
    def name(self) -> str | None:
        """The name of its step."""

    @property
    def role(self) -> str:
        """What it is for in its step."""

    @property
    def file(self) -> str | None:
        """The file that the step stands in."""

    @property
    def line(self) -> int | None:
        """The line of it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a version of before.

    `kind` is `broken` (a step no longer fits), `broken-before` (it did not before,
    either), `type` (a column has another type) or `late-binding`. `step` is the name
    or the path of the step; `runs` are those in flight that still come to it, in runs
    that they start if need be.
    """

    severity: Severity
    kind: Literal["broken", "broken-before", "type", "late-binding"]
    workflow: str
    version: int
    message: str
    code: str | None = None
    step: str | None = None
    place: str | None = None
    runs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    advice: str | None = None

    @property
    def key(self) -> str:
        """The version, as people write it."""
        return f"{self.workflow}@{self.version}"


def steps_at(places: Iterable[Node], file: str, line: int) -> list[Node]:
    """Return the steps that stand at a line: the last that begin before it.

    A workflow that is taken in twice has each of its steps twice.
    """
    before = [
        (each.line, each)
        for each in places
        if each.file == file and each.line is not None and each.line <= line
    ]
    last = max((number for number, _ in before), default=None)
    return [each for number, each in before if number == last]


def comes_to(path: str, places: Sequence[Node], states: Mapping[str, str]) -> bool:
    """Say whether a run may still come to a step.

    `states` are those of its nodes that began. A step is past when it, or a step
    around it, has ended, or when a later one of the same list has begun; what stands
    in a loop is past when the loop is. The undo of a step is past when its list is.
    """
    roots: dict[str, str] = {}
    for each in places:
        roots.setdefault(each.path, each.node)
    for own in _around(path):
        if states.get(roots.get(own, "")) in _ENDED:
            return False
        if any(roots[later] in states for later in _later(own, roots)):
            return False
    return True


def still_starts(node: str, places: Sequence[Node], states: Mapping[str, str]) -> bool:
    """Say whether a run may still start another one at a node.

    The one that it has started there is a run by itself, whose own steps tell what it
    comes to; only in a loop, or with a retry, does a next one follow.
    """
    own = next((each for each in places if each.node == node), None)
    if own is None:
        return True
    if not comes_to(own.path, places, states):
        return False
    waits = own.role == "call" and node in states
    return not waits or _is_repeated(own.path, places)


def _is_repeated(path: str, places: Iterable[Node]) -> bool:
    retried = any(each.path == path and each.role == "retry" for each in places)
    return retried or _LOOP.search(path) is not None


def _around(path: str) -> list[str]:
    """Return the step and those around it, from the outermost loop on outwards.

    The step that an undo belongs to is left out: it has ended when the undo begins.
    """
    loop = _LOOP.search(path)
    inner = path[: loop.start()] if loop else path
    found = [inner]
    while (at := inner.rfind(".")) >= 0:
        undo = inner.startswith(".undo[", at)
        inner = inner[:at]
        if inner.endswith("]") and not undo:
            found.append(inner)
    return found


def _later(path: str, paths: Iterable[str]) -> list[str]:
    """Return the steps after one in the same list."""
    head, _, number = path.removesuffix("]").rpartition("[")
    if not number.isdigit():
        return []
    following = re.compile(re.escape(head) + r"\[(\d+)\]")
    return [
        each
        for each in paths
        if (found := following.fullmatch(each)) and int(found[1]) > int(number)
    ]


def _key(step: Step) -> tuple[str, str, int]:
    """Return what tells a step: workflows that are taken in count their steps anew."""
    return step.head.path, step.head.span.path, step.head.span.start


def other_types(old: Workflow, new: Workflow) -> list[tuple[SqlStep, str]]:
    """Return the steps whose columns have other types now, and which."""
    before = {_key(s): s for s in every_step(old.steps) if isinstance(s, SqlStep)}
    found = []
    for step in {_key(each): each for each in every_step(new.steps)}.values():
        was = before.get(_key(step))
        if not isinstance(step, SqlStep) or was is None:
            continue
        types = {each.name: type_text(each.type) for each in was.columns}
        for each in step.columns:
            now = type_text(each.type)
            if types.get(each.name, now) != now:
                text = f'column "{each.name}" was {types[each.name]} and is {now}'
                found.append((step, text))
    return found


def render_json(findings: Sequence[Finding], versions: int) -> str:
    """Return findings as JSON, whose form `format` numbers."""
    names = ("severity", "kind", "workflow", "version", "message", "code", "step")
    data = {
        "format": FORMAT,
        "versions": versions,
        "findings": [
            {
                **{name: getattr(each, name) for name in (*names, "place")},
                "runs": list(each.runs),
                "notes": list(each.notes),
                "advice": each.advice,
            }
            for each in findings
        ],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
