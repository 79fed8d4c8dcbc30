"""`workflows.lock`: which versions exist, and the digests of what was written for them.

One table per version, sorted, and one per change of what is in force (a rollback, a
version that is retired). Two branches that both make version 3 write the same
table with different contents, so that git stops at it. A lock that is made whole
again from both sides would hide that one of the two versions must get a new number.

A change stands after the highest version of its workflow at that time, so that the
order in which versions and changes came is the order of their numbers.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from perdure.plan.tree import Parameter
from perdure.plan.version import Previous
from perdure.source import Source, Span

FORMAT = 1
_HEADER = """\
# Every version of every workflow. Written by `perdure compile`; commit it.
# When git finds a conflict here, two branches changed the same workflow: perdure
# compile says which side to keep, what to delete, and what to make again.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One version: what it was compiled from and for, and the files that install it.

    `migration` is what the names of its files have in common in the layout; `files` are
    the digests of their texts. `replaces` is the version that was current before, where
    that is not the one before it in number; 0 for none. `uses` are functions and views
    that its steps use, with digests of their definitions when it was compiled; versions
    of before that was kept have none.
    """

    workflow: str
    version: int
    digest: str
    target: str
    schema: str
    layout: str
    migration: str
    files: tuple[tuple[str, str], ...]
    parameters: tuple[Parameter, ...]
    description: str | None = None
    role: str | None = None
    scheduled: bool = False
    replaces: int | None = None
    uses: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """How people write it."""
        return f"{self.workflow}@{self.version}"

    @property
    def command(self) -> str:
        """What makes it."""
        return "perdure compile"

    @property
    def before(self) -> int:
        """The version that was current before, 0 for none."""
        return self.version - 1 if self.replaces is None else self.replaces

    def previous(self) -> Previous:
        """Return what the next version must know of this one."""
        return Previous(
            self.version,
            self.parameters,
            self.description,
            self.role,
            self.scheduled,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """Another version in force, or versions retired, with the files that do it.

    Changes of a workflow are counted from 1. `after` is its highest version at that
    time; `before` and `to` are the current versions before and after it, 0 for none.
    `versions` are those that are retired.
    """

    workflow: str
    number: int
    kind: Literal["rollback", "retire"]
    after: int
    before: int
    to: int
    versions: tuple[int, ...]
    target: str
    schema: str
    layout: str
    migration: str
    files: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        """How people write it."""
        return f"{self.workflow}, change {self.number}"

    @property
    def note(self) -> str:
        """What it does."""
        if self.kind == "rollback":
            return f"back to version {self.to}"
        shown = ", ".join(map(str, self.versions))
        return f"retire version{'' if len(self.versions) == 1 else 's'} {shown}"

    @property
    def command(self) -> str:
        """What makes it."""
        return command_of(self.kind, self.workflow, self.to, self.versions)

    @property
    def digest(self) -> str:
        """What the database keeps of it, to tell it from another of its number."""
        facts = [self.workflow, self.number, self.kind, self.after, self.before]
        facts += [self.to, *self.versions, self.target, self.schema]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Lock:
    """All versions, by workflow and version; `source` is where they were read."""

    entries: tuple[Entry, ...] = ()
    source: Source | None = field(default=None, compare=False)
    changes: tuple[Change, ...] = ()

    def latest(self, workflow: str) -> Entry | None:
        """Return the highest version of a workflow."""
        found = [each for each in self.entries if each.workflow == workflow]
        return max(found, key=lambda each: each.version, default=None)

    @property
    def everything(self) -> tuple[Entry | Change, ...]:
        """All versions and changes."""
        return (*self.entries, *self.changes)

    def current(self, workflow: str) -> Entry | None:
        """Return the version of a workflow that is in force, None for none."""
        last = [each for each in self.events(workflow) if moves(each)][-1:]
        number = _leads_to(last[0]) if last else 0
        return self.find(workflow, number)

    @property
    def in_force(self) -> list[Entry]:
        """The versions in force, one of each workflow that has one."""
        current = map(self.current, self.workflows)
        return [each for each in current if each is not None]

    def find(self, workflow: str, version: int) -> Entry | None:
        """Return a version."""
        for each in self.entries:
            if (each.workflow, each.version) == (workflow, version):
                return each
        return None

    def events(self, workflow: str) -> list[Entry | Change]:
        """Return the versions and changes of a workflow in the order they came."""
        own = [each for each in self.everything if each.workflow == workflow]
        return sorted(own, key=place)

    def retired(self, workflow: str) -> set[int]:
        """Return the versions of a workflow that are retired."""
        changes = [each for each in self.changes if each.workflow == workflow]
        return {version for each in changes for version in each.versions}

    def versions(self, workflow: str) -> list[int]:
        """Return the numbers of a workflow's versions that are not retired."""
        numbers = {each.version for each in self.entries if each.workflow == workflow}
        return sorted(numbers - self.retired(workflow))

    @property
    def workflows(self) -> list[str]:
        """The names of all workflows that ever had a version."""
        return sorted({each.workflow for each in self.entries})

    def span(self, text: str) -> Span | None:
        """Return where a text stands in the file."""
        if self.source is None:
            return None
        at = max(self.source.text.find(text), 0)
        return Span(self.source.path, at, at + len(text))


def place(event: Entry | Change) -> tuple[int, int, str]:
    """Return what orders events: versions by number, a change after its version."""
    if isinstance(event, Entry):
        return event.version, 0, event.workflow
    return event.after, event.number, event.workflow


def moves(event: Entry | Change) -> bool:
    """Say whether another version is in force after it."""
    return isinstance(event, Entry) or event.to != event.before


def _leads_to(event: Entry | Change) -> int:
    return event.version if isinstance(event, Entry) else event.to


def command_of(kind: str, workflow: str, to: int, versions: Iterable[int]) -> str:
    """Return the command that rolls back to a version, or retires some."""
    if kind == "rollback":
        return f"perdure rollback {workflow} --to {to}"
    labels = [f"{workflow}@{number}" for number in versions]
    return f"perdure retire {' '.join(labels) if to else workflow}"


def text_digest(text: str) -> str:
    """Return the digest of a file's text; how lines end does not matter."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def write_lock(entries: Iterable[Entry], changes: Iterable[Change] = ()) -> str:
    """Return the text of the lock."""
    ordered = sorted(entries, key=lambda each: (each.workflow, each.version))
    later = sorted(changes, key=lambda each: (each.workflow, each.number))
    head = f"{_HEADER}\nformat = {FORMAT}\n"
    return "\n".join([head, *map(_table, ordered), *map(_change_table, later)])


def _table(entry: Entry) -> str:
    lines = [f"[workflows.{table_key(entry.workflow)}.{entry.version}]"]
    lines += [
        f"{name} = {_string(value)}"
        for name, value in (
            ("digest", entry.digest),
            ("target", entry.target),
            ("schema", entry.schema),
            ("layout", entry.layout),
            ("migration", entry.migration),
        )
    ]
    if entry.description is not None:
        lines.append(f"description = {_string(entry.description)}")
    lines += _files(entry.files)
    if entry.role is not None:
        lines.append(f"role = {_string(entry.role)}")
    if entry.scheduled:
        lines.append("scheduled = true")
    if entry.before != entry.version - 1:
        lines.append(f"replaces = {entry.before}")
    lines += _signature(entry.parameters)
    if entry.uses:
        lines += _uses(entry.uses)
    return "\n".join(lines) + "\n"


def _change_table(change: Change) -> str:
    lines = [
        f"[changes.{table_key(change.workflow)}.{change.number}]",
        f"kind = {_string(change.kind)}",
        f"after = {change.after}",
        f"before = {change.before}",
        f"to = {change.to}",
        f"versions = {list(change.versions)}",
        f"target = {_string(change.target)}",
        f"schema = {_string(change.schema)}",
        f"layout = {_string(change.layout)}",
        f"migration = {_string(change.migration)}",
        *_files(change.files),
    ]
    return "\n".join(lines) + "\n"


def _files(files: tuple[tuple[str, str], ...]) -> list[str]:
    lines = [
        f"  {{ path = {_string(path)}, digest = {_string(digest)} }},"
        for path, digest in files
    ]
    return ["files = [", *lines, "]"]


def _uses(uses: tuple[tuple[str, str], ...]) -> list[str]:
    lines = [
        f"  {{ name = {_string(name)}, digest = {_string(digest)} }},"
        for name, digest in uses
    ]
    return ["uses = [", *lines, "]"]


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


def table_key(name: str) -> str:
    """Return the name of a workflow as a key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _string(name)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
