"""What has to be written: the migrations of new versions, and the lock.

A workflow gets a new version when its digest, the target or the schema changed. What
was written before is never touched; a migration that was edited by hand is an error,
because what is deployed would no longer be what the lock says. A workflow that left
the sources keeps its versions and its current function: runs of it may be in flight,
and callers in the database are not known here; that is worth a warning.

After a rollback the sources are compared with the version that is current, too: taken
back to what they were then, they give nothing new. While they are still those of the
version that was rolled back, no new version of a caller is made: it would be checked
against the one version, and call the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from perdure.diagnostics import Diagnostic, error, warning
from perdure.plan.version import Previous, VersionSql
from perdure.release.history import misled, not_in_force
from perdure.release.intact import state_of
from perdure.release.interface import Call
from perdure.release.layouts import (
    Folder,
    Layout,
    Migration,
    UnusableFolder,
    Written,
)
from perdure.release.lock import Change, Entry, Lock, text_digest, write_lock


@dataclass(frozen=True, slots=True)
class Candidate:
    """A workflow as it is in the sources.

    `build` gives the SQL of it as a version, after the version before that one; the
    numbers are those of the versions that it calls. `uses` gives the functions and
    views that its steps use, with digests of their definitions; `calls` the workflows
    that it starts, and those that they start; `against` the calls of those whose
    sources it is checked against.
    """

    name: str
    digest: str
    target: str
    build: Callable[[int, Previous | None, Mapping[str, int]], VersionSql]
    uses: Callable[[], tuple[tuple[str, str], ...]] = tuple
    calls: Callable[[], Iterable[str]] = tuple
    against: Callable[[], Iterable[Call]] = tuple


@dataclass(frozen=True, slots=True)
class Release:
    """What to write: files of the migrations folder by name, and the lock's text.

    `versions` are the new ones. With an error among the findings nothing is written.
    """

    files: Mapping[str, str]
    lock: str
    versions: tuple[VersionSql, ...]
    findings: tuple[Diagnostic, ...]

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.files)


def plan_release(
    candidates: Sequence[Candidate],
    lock: Lock,
    folder: Folder,
    layout: Layout,
    *,
    schema: str = "workflows",
) -> Release:
    """Return what has to be written; `folder` is the migrations as they are."""
    findings = [*state_of(lock, folder, layout), *_gone(lock, candidates)]
    if not any(each.severity == "error" for each in findings):
        try:
            standings = {e.name: _standing(e, lock, schema) for e in candidates}
            numbers = _numbers(standings, lock)
            work = Work(lock, folder, layout)
            for each in _in_order(standings):
                findings += _add(work, each, schema, standings, numbers)
            return work.release(findings)
        except UnusableFolder as failure:
            findings.append(unusable(layout, failure))
    return Release({}, write_lock(lock.entries, lock.changes), (), tuple(findings))


def unusable(layout: Layout, failure: UnusableFolder) -> Diagnostic:
    """Tell what is wrong with the tool's own files."""
    return error("WF707", None, f"{layout.name}: {failure}", help=failure.help)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where the sources of a workflow stand among its versions.

    `in_force` says that they are those of the current one, `rolled_back` is the version
    that they are those of, where another one is current; else they give the next one.
    """

    candidate: Candidate
    latest: Entry | None
    current: Entry | None
    in_force: bool
    rolled_back: Entry | None

    @property
    def next(self) -> int:
        """The number of its next version."""
        return self.latest.version + 1 if self.latest else 1


def _standing(candidate: Candidate, lock: Lock, schema: str) -> _Standing:
    name = candidate.name
    latest, current = lock.latest(name), lock.current(name)
    own = version_of(lock, name, (candidate.digest, candidate.target, schema))
    in_force = own is not None and own == current
    return _Standing(candidate, latest, current, in_force, None if in_force else own)


def version_of(lock: Lock, workflow: str, made: tuple[str, str, str]) -> Entry | None:
    """Return the version that sources are those of; None where they give the next one.

    It is the current version, or the latest one, which was rolled back then. `made` are
    the digest, the target and the schema.
    """
    latest = lock.latest(workflow)
    if latest and latest.version in lock.retired(workflow):
        latest = None
    for each in (lock.current(workflow), latest):
        if each and (each.digest, each.target, each.schema) == made:
            return each
    return None


def _in_order(standings: Mapping[str, _Standing]) -> list[_Standing]:
    """Return what is not in force by name, but what is called before its callers."""
    pending = {name: e for name, e in sorted(standings.items()) if not e.in_force}
    found: dict[str, _Standing] = {}
    begun: set[str] = set()

    def visit(name: str) -> None:
        if name not in begun:
            begun.add(name)
            for callee in sorted(pending.keys() & set(pending[name].candidate.calls())):
                visit(callee)
            found[name] = pending[name]

    for name in pending:
        visit(name)
    return list(found.values())


def _add(
    work: Work,
    standing: _Standing,
    schema: str,
    standings: Mapping[str, _Standing],
    numbers: Mapping[str, int],
) -> list[Diagnostic]:
    """Make the next version of a workflow, if the sources are not those of one."""
    candidate, current = standing.candidate, standing.current
    if standing.rolled_back is not None:
        return [not_in_force(work.lock, standing.rolled_back, current)]
    if found := _misled(candidate, standings):
        return found
    sql = _build(standing, schema, numbers)
    migration = Migration(
        candidate.name,
        f"{candidate.name}_v{sql.version}",
        f"{candidate.name}, version {sql.version}",
        sql.install,
        sql.remove,
        "perdure.workflow_versions\n"
        f"where name = '{candidate.name}' and version = {sql.version}",
    )
    stem, files = work.write(migration)
    work.entries.append(
        Entry(
            candidate.name,
            sql.version,
            candidate.digest,
            candidate.target,
            schema,
            work.layout.name,
            stem,
            files,
            sql.parameters,
            sql.description,
            sql.role,
            sql.scheduled,
            _replaces(sql.version, current),
            candidate.uses(),
        )
    )
    work.versions.append(sql)
    return []


def _misled(
    candidate: Candidate, standings: Mapping[str, _Standing]
) -> list[Diagnostic]:
    """Find calls of what was rolled back and stands as before in the sources."""
    if not any(each.rolled_back for each in standings.values()):
        return []
    first: dict[str, Call] = {}
    for call in candidate.against():
        first.setdefault(call.workflow, call)
    return [
        misled(candidate.name, call, other.rolled_back, other.current)
        for call in first.values()
        if (other := standings.get(call.workflow)) and other.rolled_back
    ]


def _replaces(version: int, current: Entry | None) -> int | None:
    """Return what an entry says of the version before it, None for the usual."""
    before = current.version if current else 0
    return None if before == version - 1 else before


class Work:
    """A release that is being put together, migration by migration.

    It begins with the tool's own files put right. Raises UnusableFolder.
    """

    def __init__(self, lock: Lock, folder: Folder, layout: Layout) -> None:
        own = layout.mended(folder, _past(lock, layout))
        known = folder.files
        self.files = {e: text for e, text in own.items() if known.get(e) != text}
        self.folder = replace(folder, files={**known, **self.files})
        self.lock, self.layout = lock, layout
        self.stems: dict[str, str] = {}
        self.entries = list(lock.entries)
        self.changes: list[Change] = list(lock.changes)
        self.versions: list[VersionSql] = []

    def write(self, migration: Migration) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Lay a migration out; return its stem and the digests of its files."""
        stem = self.layout.stem(migration, self.folder)
        files = self.layout.files(stem, migration, self.folder)
        self.folder = replace(self.folder, files={**self.folder.files, **files})
        self.files.update(files)
        self.stems[stem] = migration.name
        return stem, tuple((path, text_digest(text)) for path, text in files.items())

    def release(self, findings: Sequence[Diagnostic]) -> Release:
        """Return what was put together, with the tool's own files brought along."""
        shared = self.layout.shared(self.folder, self.stems) if self.stems else {}
        return Release(
            {**self.files, **shared},
            write_lock(self.entries, self.changes),
            tuple(self.versions),
            tuple(findings),
        )


def called(event: Entry | Change) -> str:
    """Return a version or a change as the tools' lists call it."""
    if isinstance(event, Entry):
        return f"{event.workflow}, version {event.version}"
    return f"{event.key}: {event.note}"


def _past(lock: Lock, layout: Layout) -> list[Written]:
    """Return what a layout has of a lock, the migrations of a workflow in order."""
    return [
        Written(each.workflow, each.migration, called(each))
        for workflow in lock.workflows
        for each in lock.events(workflow)
        if each.layout == layout.name
    ]


def _numbers(standings: Mapping[str, _Standing], lock: Lock) -> dict[str, int]:
    """Return the version of each workflow after the release, which callers name."""
    current = {each.workflow: each.version for each in lock.in_force}
    new = {
        name: each.next
        for name, each in standings.items()
        if not (each.in_force or each.rolled_back)
    }
    return {**current, **new}


def _build(standing: _Standing, schema: str, numbers: Mapping[str, int]) -> VersionSql:
    """Build the next version; one in another schema replaces no function."""
    current = standing.current
    fits = current is not None and current.schema == schema
    previous = current.previous() if current is not None and fits else None
    return standing.candidate.build(standing.next, previous, numbers)


def _gone(lock: Lock, candidates: Sequence[Candidate]) -> list[Diagnostic]:
    present = {candidate.name for candidate in candidates}
    gone = sorted(set(lock.workflows) - present)
    return [
        warning(
            "WF703",
            lock.span(f"[workflows.{name}."),
            f'workflow "{name}" is in the lock but no longer in the sources',
            "its versions and the function that starts it stay in the database",
            help="restore the file that defined it, or take it out of the database "
            f"with a migration: perdure retire {name}",
        )
        for name in gone
        if lock.versions(name)
    ]
