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
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from perdure.diagnostics import Diagnostic, error
from perdure.plan.tree import Parameter
from perdure.plan.version import Previous
from perdure.release.layouts import LAYOUTS
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
        if self.kind == "rollback":
            return f"perdure rollback {self.workflow} --to {self.to}"
        labels = [f"{self.workflow}@{number}" for number in self.versions]
        return f"perdure retire {' '.join(labels) if self.to else self.workflow}"

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


_Event = TypeVar("_Event", Entry, Change)


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


def text_digest(text: str) -> str:
    """Return the digest of a file's text; how lines end does not matter."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def write_lock(entries: Iterable[Entry], changes: Iterable[Change] = ()) -> str:
    """Return the text of the lock."""
    ordered = sorted(entries, key=lambda each: (each.workflow, each.version))
    later = sorted(changes, key=lambda each: (each.workflow, each.number))
    head = f"{_HEADER}\nformat = {FORMAT}\n"
    return "\n".join([head, *map(_table, ordered), *map(_change_table, later)])


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
    entries = list(_tables(data, "workflows", _entry))
    changes = list(_tables(data, "changes", _change))
    events: list[Entry | Change] = [*entries, *changes]
    for each in events:
        if each.layout not in LAYOUTS:
            raise ValueError(f'the layout "{each.layout}" of {each.key}')
    return Lock(
        tuple(sorted(entries, key=lambda each: (each.workflow, each.version))),
        source,
        tuple(sorted(changes, key=lambda each: (each.workflow, each.number))),
    )


def _tables(
    data: Mapping[str, Any],
    kind: str,
    read: Callable[[str, int, Mapping[str, Any]], _Event],
) -> Iterator[_Event]:
    """Yield what the tables of a kind say."""
    for workflow, numbered in data.get(kind, {}).items():
        for number, table in numbered.items():
            try:
                yield read(workflow, int(number), table)
            except KeyError as failure:
                head = f"[{kind}.{_key(workflow)}.{number}]"
                raise ValueError(f'"{failure.args[0]}" in {head}') from failure


def _entry(workflow: str, version: int, table: Mapping[str, Any]) -> Entry:
    return Entry(
        workflow,
        version,
        str(table["digest"]),
        str(table["target"]),
        str(table["schema"]),
        str(table["layout"]),
        str(table["migration"]),
        _files_of(table),
        tuple(
            Parameter(each["name"], each["type"], False, each.get("default"))
            for each in table["signature"]
        ),
        table.get("description"),
        table.get("role"),
        bool(table.get("scheduled", False)),
        int(table["replaces"]) if "replaces" in table else None,
        tuple((str(e["name"]), str(e["digest"])) for e in table.get("uses", ())),
    )


def _change(workflow: str, number: int, table: Mapping[str, Any]) -> Change:
    if table["kind"] not in ("rollback", "retire"):
        raise ValueError(f"kind {table['kind']}")
    return Change(
        workflow,
        number,
        table["kind"],
        int(table["after"]),
        int(table["before"]),
        int(table["to"]),
        tuple(int(each) for each in table["versions"]),
        str(table["target"]),
        str(table["schema"]),
        str(table["layout"]),
        str(table["migration"]),
        _files_of(table),
    )


def _files_of(table: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(each["path"]), str(each["digest"])) for each in table["files"])


def _table(entry: Entry) -> str:
    lines = [f"[workflows.{_key(entry.workflow)}.{entry.version}]"]
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
        f"[changes.{_key(change.workflow)}.{change.number}]",
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


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _string(name)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _conflict(source: Source) -> Diagnostic:
    at = re.search(r"^(<{7}|>{7}|={7}).*", source.text, re.MULTILINE)
    span = Span(source.path, *at.span()) if at else None
    ours, theirs = (_of_side(source.text, each, _TABLE) for each in ("ours", "theirs"))
    both = ", ".join(f'"{name}"' for name in sorted(ours & theirs))
    if _sides_fit(source.text):
        return error(
            "WF704",
            span,
            "the lock has an unresolved merge: two branches made versions of "
            "different workflows",
            help="keep both sides, without the marks, and compile; if two migrations "
            "took the same number, it says which",
        )
    return error(
        "WF704",
        span,
        "the lock has an unresolved merge: "
        + (
            "the tables of two branches are mixed up"
            if ours and theirs and not both
            else f"two branches changed the same workflow{both and f', {both}'}"
        ),
        *_migrations_of_sides(source.text),
        help="keep the side that is deployed, the whole file (git checkout --ours or "
        f"--theirs {source.path}, and the same for migrations in conflict), delete "
        "the new migrations of the other, which must be deployed nowhere, and compile "
        "again",
    )


_MERGE = re.compile(
    r"^<{7}.*\n(?P<ours>(?s:.*?))"
    r"(?:^[|]{7}.*\n(?P<base>(?s:.*?)))?"
    r"^={7}.*\n(?P<theirs>(?s:.*?))^>{7}",
    re.MULTILINE,
)
_TABLE = re.compile(r"^\[(?:workflows|changes)[.]([^.\]]+)[.]", re.MULTILINE)
_MIGRATION = re.compile(r'^migration = "(.+)"', re.MULTILINE)


def _sides_fit(text: str) -> bool:
    """Say whether both sides of every conflict, one after the other, are a lock.

    Git leaves what two tables have in common at the end outside of its marks.
    """
    found = list(_MERGE.finditer(text))
    for each in found:
        whole = all(each[side].startswith("[") for side in ("ours", "theirs"))
        after = text[each.end() :].partition("\n")[2].lstrip()
        if not whole or after[:1] not in ("", "[") or (each["base"] or "").strip():
            return False
    ours, theirs = (_of_side(text, each, _TABLE) for each in ("ours", "theirs"))
    if not ours or not theirs or ours & theirs:
        return False
    try:
        _read(Source("", _MERGE.sub(r"\g<ours>\g<theirs>#", text)))
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _migrations_of_sides(text: str) -> list[str]:
    """Return which migrations each side of a merge has and the other one has not."""
    ours, theirs = (_of_side(text, each, _MIGRATION) for each in ("ours", "theirs"))
    sides = (("--ours", ours - theirs), ("--theirs", theirs - ours))
    return [
        f"{side} has the migration{'s' if len(names) > 1 else ''} "
        f"{', '.join(sorted(names))}"
        for side, names in sides
        if names
    ]


def _of_side(text: str, side: str, wanted: re.Pattern[str]) -> set[str]:
    """Return what one side of the conflicts names: workflows, or migrations."""
    found = _MERGE.finditer(text)
    return {name for each in found for name in wanted.findall(each[side])}


def _unreadable(source: Source, reason: str) -> Diagnostic:
    at = re.search(r"\(at line (\d+)", reason)
    table = re.search(r"\[.+\]", reason)
    line = min(int(at[1]), len(source.line_starts)) if at else 1
    if table:
        line, _ = source.position(max(source.text.find(table[0]), 0))
    start = source.line_starts[line - 1]
    return error(
        "WF704",
        Span(source.path, start, start + len(source.line(line))),
        f"the lock can't be read: {reason.split(' (at ')[0]}",
        help=f"restore it from version control (git checkout HEAD -- {source.path})",
    )
