"""What has to be written: the migrations of new versions, and the lock.

A workflow gets a new version when its digest, the target or the schema changed. What
was written before is never touched; a migration that was edited by hand is an error,
because what is deployed would no longer be what the lock says. A workflow that left
the sources keeps its versions and its current function: runs of it may be in flight,
and callers in the database are not known here; that is worth a warning.

After a rollback the sources are compared with the version that is current, too: taken
back to what they were then, they give nothing new.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from perdure.diagnostics import Diagnostic, error, warning
from perdure.plan.version import Previous, VersionSql
from perdure.release.history import misfits, not_in_force
from perdure.release.layouts import Folder, Layout, Migration, UnusableFolder
from perdure.release.lock import Change, Entry, Lock, text_digest, write_lock

_OWN = re.compile(
    r"^-- written by perdure: (\w+), (version|change) (\d+)[,:]", re.MULTILINE
)

_Unlocked = dict[tuple[str, str, int], list[str]]  # files, by whose they are

_MERGED = re.compile(r"^<{7} ", re.MULTILINE)
_MADE_FROM = re.compile(
    r"^-- Digest of (?:what was compiled|the change): (\w+)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A workflow as it is in the sources.

    `build` gives the SQL of it as a version, after the version before that one; the
    numbers are those of the versions that it calls. `uses` gives the functions and
    views that its steps use, with digests of their definitions; `calls` the workflows
    that it starts, and those that they start.
    """

    name: str
    digest: str
    target: str
    build: Callable[[int, Previous | None, Mapping[str, int]], VersionSql]
    uses: Callable[[], tuple[tuple[str, str], ...]] = tuple
    calls: Callable[[], Iterable[str]] = tuple


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
            numbers = _numbers(candidates, lock, schema)
            work = Work(lock, folder, layout)
            for candidate in _in_order(candidates, lock, schema):
                findings += _add(work, candidate, schema, numbers)
            return work.release(findings)
        except UnusableFolder as failure:
            findings.append(error("WF707", None, f"{layout.name}: {failure}"))
    return Release({}, write_lock(lock.entries, lock.changes), (), tuple(findings))


def state_of(lock: Lock, folder: Folder, layout: Layout) -> list[Diagnostic]:
    """Find what is wrong with the lock and the migrations as they are."""
    existing = folder.files
    unlocked = _unlocked(lock, existing)
    known = existing.keys() - {e for names in unlocked.values() for e in names}
    found = _unsound(lock, existing, unlocked)
    return [*found, *_clashes(lock, known, layout)]


def unsound(lock: Lock, existing: Mapping[str, str]) -> list[Diagnostic]:
    """Find where the lock and the migrations do not fit together."""
    return _unsound(lock, existing, _unlocked(lock, existing))


def _unsound(
    lock: Lock, existing: Mapping[str, str], unlocked: _Unlocked
) -> list[Diagnostic]:
    return [
        *_damaged(lock, existing),
        *_strays(lock, unlocked),
        *misfits(lock),
    ]


def _in_order(
    candidates: Iterable[Candidate], lock: Lock, schema: str
) -> list[Candidate]:
    """Return what is not in force by name, but what is called before its callers."""
    pending = {
        each.name: each
        for each in sorted(candidates, key=lambda each: each.name)
        if not (current := lock.current(each.name)) or not _same(current, each, schema)
    }
    found: dict[str, Candidate] = {}
    begun: set[str] = set()

    def visit(name: str) -> None:
        if name not in begun:
            begun.add(name)
            for callee in sorted(pending.keys() & set(pending[name].calls())):
                visit(callee)
            found[name] = pending[name]

    for name in pending:
        visit(name)
    return list(found.values())


def _add(
    work: Work, candidate: Candidate, schema: str, numbers: Mapping[str, int]
) -> list[Diagnostic]:
    """Make the next version of a workflow, if the sources are not those of one."""
    lock = work.lock
    latest, current = lock.latest(candidate.name), lock.current(candidate.name)
    if current is not None and _same(current, candidate, schema):
        return []
    known = latest is not None and latest.version not in lock.retired(candidate.name)
    if latest is not None and known and _same(latest, candidate, schema):
        return [not_in_force(lock, latest, current)]
    sql = _build(candidate, latest, current, schema, numbers)
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


def _replaces(version: int, current: Entry | None) -> int | None:
    """Return what an entry says of the version before it, None for the usual."""
    before = current.version if current else 0
    return None if before == version - 1 else before


class Work:
    """A release that is being put together, migration by migration."""

    def __init__(self, lock: Lock, folder: Folder, layout: Layout) -> None:
        self.lock, self.folder, self.layout = lock, folder, layout
        self.files: dict[str, str] = {}
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
        needed = self.stems or self.layout.broken(self.folder)
        shared = self.layout.shared(self.folder, self.stems) if needed else {}
        return Release(
            {**self.files, **shared},
            write_lock(self.entries, self.changes),
            tuple(self.versions),
            tuple(findings),
        )


def _same(latest: Entry, candidate: Candidate, schema: str) -> bool:
    return (latest.digest, latest.target, latest.schema) == (
        candidate.digest,
        candidate.target,
        schema,
    )


def _numbers(
    candidates: Sequence[Candidate], lock: Lock, schema: str
) -> dict[str, int]:
    """Return the version of each workflow after the release, which callers name."""
    numbers: dict[str, int] = {}
    for name in lock.workflows:
        current = lock.current(name)
        if current is not None:
            numbers[name] = current.version
    for each in candidates:
        latest, current = lock.latest(each.name), lock.current(each.name)
        fits = [e for e in (latest, current) if e and _same(e, each, schema)]
        if latest is None or not fits:
            numbers[each.name] = latest.version + 1 if latest else 1
    return numbers


def _build(
    candidate: Candidate,
    latest: Entry | None,
    current: Entry | None,
    schema: str,
    numbers: Mapping[str, int],
) -> VersionSql:
    """Build the next version; one in another schema replaces no function."""
    version = latest.version + 1 if latest else 1
    fits = current is not None and current.schema == schema
    previous = current.previous() if current is not None and fits else None
    return candidate.build(version, previous, numbers)


def _damaged(lock: Lock, existing: Mapping[str, str]) -> list[Diagnostic]:
    """Find files of versions that are gone or were edited."""
    found = []
    for event in lock.everything:
        for name, digest in event.files:
            if name not in existing:
                found.append(_missing(lock, event, name))
            elif text_digest(existing[name]) != digest:
                merged = _MERGED.search(existing[name]) is not None
                found.append(_edited(lock, event, name, merged))
            elif (made := _MADE_FROM.search(existing[name])) and made[
                1
            ] != event.digest:
                found.append(_other_digest(lock, event, name))
                break
    return found


def _unlocked(lock: Lock, existing: Mapping[str, str]) -> _Unlocked:
    """Find migrations of ours that the lock does not know.

    It was lost, or is old; or a merge has left the files that another branch made for
    the same version.
    """
    known = {name for each in lock.everything for name, _ in each.files}
    found: _Unlocked = {}
    for name in sorted(existing.keys() - known):
        own = _OWN.search(existing[name])
        if own:
            found.setdefault((own[1], own[2], int(own[3])), []).append(name)
    return found


def _strays(lock: Lock, unlocked: _Unlocked) -> list[Diagnostic]:
    """Tell of migrations without an entry: once, for they were lost with the lock."""
    known = _files_of(lock)
    again = [
        _second(event, names, known[event])
        for event, names in unlocked.items()
        if event in known
    ]
    lost = {event: names for event, names in unlocked.items() if event not in known}
    return [*again, *_lost(lock, lost)]


def _files_of(lock: Lock) -> dict[tuple[str, str, int], str]:
    """Return the first file of each version and change of a lock."""
    versions = {(e.workflow, "version", e.version): e.files for e in lock.entries}
    changes = {(e.workflow, "change", e.number): e.files for e in lock.changes}
    return {each: files[0][0] for each, files in {**versions, **changes}.items()}


def _second(event: tuple[str, str, int], names: list[str], known: str) -> Diagnostic:
    workflow, what, number = event
    files = " and ".join(f'"{name}"' for name in names)
    does, them = ("are", "them") if len(names) > 1 else ("is", "it")
    return error(
        "WF706",
        None,
        f"{files} {does} of {what} {number} of {workflow}, too, which the lock has in "
        f'"{known}"',
        help=f"delete {them}: a merge left what another branch made of it; what was "
        "deployed from there, the lock of that branch has",
    )


def _lost(lock: Lock, unlocked: _Unlocked) -> list[Diagnostic]:
    if not unlocked:
        return []
    names = [name for each in unlocked.values() for name in each]
    files = " and ".join(f'"{name}"' for name in names[:2])
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    does = "are" if len(names) > 1 else "is"
    events = [f"{what} {number} of {name}" for name, what, number in unlocked]
    rest = f" and {len(events) - 3} more" if len(events) > 3 else ""
    path = lock.source.path if lock.source else "workflows.lock"
    return [
        error(
            "WF706",
            None,
            f"{files}{more} {does} of {', '.join(events[:3])}{rest}, which the lock "
            "does not know",
            help="restore the lock from version control (git checkout HEAD -- "
            f"{path}); or delete "
            f"{'them, if they were' if len(names) > 1 else 'it, if it was'} "
            "deployed nowhere",
        )
    ]


def _called(event: Entry | Change) -> str:
    """Return a version or a change as messages call it."""
    if isinstance(event, Entry):
        return f"{event.workflow}, version {event.version}"
    return event.key


def _missing(lock: Lock, event: Entry | Change, name: str) -> Diagnostic:
    return error(
        "WF702",
        lock.span(f'"{event.migration}"'),
        f'the migration "{name}" of {_called(event)}, is gone',
        help="restore it from version control; a version that was never deployed "
        "can be taken out of the lock instead, with both of its files",
    )


def _other_digest(lock: Lock, event: Entry | Change, name: str) -> Diagnostic:
    return error(
        "WF704",
        lock.span(f'"{event.migration}"'),
        f"the lock was edited: {_called(event)}, has another digest in it than in "
        f'"{name}"',
        help="restore it from version control",
    )


def _edited(lock: Lock, event: Entry | Change, name: str, merged: bool) -> Diagnostic:
    what = "was edited after it was written"
    help_ = "restore it from version control, change the workflow, and compile "
    help_ += "a new version"
    if merged:
        what = "has an unresolved merge"
        help_ = (
            "keep the side that the lock is from: git checkout --ours, or --theirs, "
            "for the lock and all migrations in conflict; then compile again"
        )
    return error(
        "WF701",
        lock.span(f'"{event.migration}"'),
        f'the migration "{name}" of {_called(event)}, {what}',
        help=help_,
    )


def _clashes(lock: Lock, existing: Iterable[str], layout: Layout) -> list[Diagnostic]:
    """Find migrations that share a number with one of ours, as two branches do."""
    ours = {name: event.key for event in lock.everything for name, _ in event.files}
    first: dict[int, str] = {}
    found = []
    for name in sorted(existing):
        number = layout.number(name)
        if number is None:
            continue
        other = first.setdefault(number, name)
        if other != name and ours.get(name) != ours.get(other):
            found.append(_taken(name, other, ours))
    return found


def _taken(name: str, other: str, ours: Mapping[str, str]) -> Diagnostic:
    own = [each for each in (name, other) if each in ours]
    again = " or ".join(f"of {ours[each]}" for each in own)
    which = "the one" if len(own) == 2 else "the migration"
    return error(
        "WF705",
        None,
        f'"{name}" and "{other}" have the same number',
        help=f"delete {which} {again} that is deployed nowhere, with its other half "
        "and its table in the lock, and make it again (perdure compile, rollback or "
        "retire): it gets the next number"
        + ("" if len(own) == 2 else "; or give the other one another number"),
    )


def _gone(lock: Lock, candidates: Sequence[Candidate]) -> list[Diagnostic]:
    present = {candidate.name for candidate in candidates}
    gone = sorted(set(lock.workflows) - present)
    return [
        warning(
            "WF703",
            lock.span(f"[workflows.{name}."),
            f'workflow "{name}" is in the lock but no longer in the sources',
            "its versions and the function that starts it stay in the database",
            help=f"restore its file, or take it out of the database with a migration: "
            f"perdure retire {name}",
        )
        for name in gone
        if lock.versions(name)
    ]
