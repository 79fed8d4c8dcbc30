"""Whether versions of before still fit a schema: what is found.

A version is compiled again from its stored sources, once under the schema as it will
be and, where there is one to compare with, under the schema as it is. What is wrong
under both is not the doing of the change, and may be that of a newer compiler.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from perdure.ir.show import type_text
from perdure.ir.tree import SqlStep, Step, Workflow
from perdure.release.interface import every_step
from perdure.release.reach import Reach

FORMAT = 1
"""The version of the JSON; it goes up when a member changes or goes."""

Severity = Literal["error", "warning"]


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


def comes_to(path: str, places: Iterable[Node], reach: Reach | None) -> bool:
    """Say whether a run that reaches some nodes may still come to a step.

    Of a step without a statement, such as a wait, those in it count; where there are
    none, it may be about what other nodes compute, as a `let` is.
    """
    if reach is None:
        return True
    known = [each for each in places if each.node in reach]
    own = [each for each in known if each.path == path]
    found = own or [each for each in known if each.path.startswith(f"{path}.")]
    return any(reach[each.node] for each in found) if found else any(reach.values())


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
