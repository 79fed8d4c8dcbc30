"""`workflows.lock`: which versions exist, and the digests of what was written for them.

One table per version, sorted. Two branches that both make version 3 write the same
table with different contents, so that git stops at it. A lock that is made whole
again from both sides would hide that one of the two versions must get a new number.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from perdure.diagnostics import Diagnostic, error
from perdure.plan.tree import Parameter
from perdure.plan.version import Previous
from perdure.source import Source, Span

FORMAT = 1
_HEADER = """\
# Every version of every workflow. Written by `perdure compile`; commit it.
# When git finds a conflict here, two branches made the same version: keep one side,
# delete the migration of the other, and compile again.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One version: what it was compiled from and for, and the files that install it.

    `migration` is the common beginning of the names of its two files; `up` and `down`
    are the digests of their texts.
    """

    workflow: str
    version: int
    digest: str
    target: str
    schema: str
    migration: str
    up: str
    down: str
    parameters: tuple[Parameter, ...]
    description: str | None = None

    @property
    def files(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """The names of the files with the digests of their texts."""
        return (
            (f"{self.migration}.up.sql", self.up),
            (f"{self.migration}.down.sql", self.down),
        )

    def previous(self) -> Previous:
        """Return what the next version must know of this one."""
        return Previous(self.version, self.parameters, self.description)


@dataclass(frozen=True, slots=True)
class Lock:
    """All versions, by workflow and version; `source` is where they were read."""

    entries: tuple[Entry, ...] = ()
    source: Source | None = field(default=None, compare=False)

    def latest(self, workflow: str) -> Entry | None:
        """Return the current version of a workflow."""
        found = [each for each in self.entries if each.workflow == workflow]
        return max(found, key=lambda each: each.version, default=None)

    def span(self, text: str) -> Span | None:
        """Return where a text stands in the file."""
        if self.source is None:
            return None
        at = max(self.source.text.find(text), 0)
        return Span(self.source.path, at, at + len(text))


def text_digest(text: str) -> str:
    """Return the digest of a file's text; how lines end does not matter."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def write_lock(entries: Iterable[Entry]) -> str:
    """Return the text of the lock."""
    ordered = sorted(entries, key=lambda each: (each.workflow, each.version))
    return "\n".join([f"{_HEADER}\nformat = {FORMAT}\n", *map(_table, ordered)])


def read_lock(source: Source) -> tuple[Lock | None, list[Diagnostic]]:
    """Read the lock; None when it cannot be trusted."""
    if re.search(r"^(<{7}|>{7}|={7})", source.text, re.MULTILINE):
        return None, [_conflict(source)]
    try:
        return _read(source), []
    except tomllib.TOMLDecodeError as failure:
        return None, [_unreadable(source, str(failure))]
    except (KeyError, TypeError, ValueError) as failure:
        return None, [_unreadable(source, f"{failure} is missing or wrong")]


def _read(source: Source) -> Lock:
    data = tomllib.loads(source.text)
    if data["format"] != FORMAT:
        raise ValueError(f"format {data['format']}")
    entries = [
        _entry(workflow, int(version), table)
        for workflow, versions in data.get("workflows", {}).items()
        for version, table in versions.items()
    ]
    ordered = sorted(entries, key=lambda each: (each.workflow, each.version))
    return Lock(tuple(ordered), source)


def _entry(workflow: str, version: int, table: Mapping[str, Any]) -> Entry:
    return Entry(
        workflow,
        version,
        str(table["digest"]),
        str(table["target"]),
        str(table["schema"]),
        str(table["migration"]),
        str(table["up"]),
        str(table["down"]),
        tuple(
            Parameter(each["name"], each["type"], False, each.get("default"))
            for each in table["signature"]
        ),
        table.get("description"),
    )


def _table(entry: Entry) -> str:
    lines = [f"[workflows.{_key(entry.workflow)}.{entry.version}]"]
    lines += [
        f"{name} = {_string(value)}"
        for name, value in (
            ("digest", entry.digest),
            ("target", entry.target),
            ("schema", entry.schema),
            ("migration", entry.migration),
            ("up", entry.up),
            ("down", entry.down),
        )
    ]
    if entry.description is not None:
        lines.append(f"description = {_string(entry.description)}")
    lines += _signature(entry.parameters)
    return "\n".join(lines) + "\n"


def _signature(parameters: tuple[Parameter, ...]) -> list[str]:
    if not parameters:
        return ["signature = []"]
    lines = []
    for each in parameters:
        shown = f"name = {_string(each.name)}, type = {_string(each.type)}"
        if each.default is not None:
            shown += f", default = {_string(each.default)}"
        lines.append(f"  {{ {shown} }},")
    return ["signature = [", *lines, "]"]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _string(name)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _conflict(source: Source) -> Diagnostic:
    at = re.search(r"^(<{7}|>{7}|={7}).*", source.text, re.MULTILINE)
    span = Span(source.path, *at.span()) if at else None
    return error(
        "WF704",
        span,
        "the lock has an unresolved merge: two branches made the same version",
        help="keep one side, delete the migration of the other, and compile again",
    )


def _unreadable(source: Source, reason: str) -> Diagnostic:
    at = re.search(r"\(at line (\d+)", reason)
    line = min(int(at[1]), len(source.line_starts)) if at else 1
    start = source.line_starts[line - 1]
    return error(
        "WF704",
        Span(source.path, start, start + len(source.line(line))),
        f"the lock can't be read: {reason.split(' (at ')[0]}",
        help="restore it from version control",
    )
