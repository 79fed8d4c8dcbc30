"""What has to be written: the migrations of new versions, and the lock.

A workflow gets a new version when its digest, the target or the schema changed. What
was written before is never touched; a migration that was edited by hand is an error,
because what is deployed would no longer be what the lock says. A workflow that left
the sources keeps its versions and its current function: runs of it may be in flight,
and callers in the database are not known here; that is worth a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from perdure.diagnostics import Diagnostic, error, warning
from perdure.plan.version import Previous, VersionSql
from perdure.release.lock import Entry, Lock, text_digest, write_lock

_DIGITS = 4
_NUMBER = re.compile(r"(\d+)_.*\.sql")
_OWN = re.compile(r"-- written by perdure: (\w+), version (\d+),")
_UP = re.compile(r"(\d+)_(.*)\.up\.sql")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A workflow as it is in the sources.

    `build` gives the SQL of it as a version, after the version before that one.
    """

    name: str
    digest: str
    target: str
    build: Callable[[int, Previous | None], VersionSql]


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
    existing: Mapping[str, str],
    *,
    schema: str = "workflows",
) -> Release:
    """Return what has to be written; `existing` is the migrations folder as it is."""
    findings = [
        *_damaged(lock, existing),
        *_unlocked(lock, existing),
        *_clashes(lock, existing),
    ]
    findings += _gone(lock, candidates)
    if any(each.severity == "error" for each in findings):
        return Release({}, write_lock(lock.entries), (), tuple(findings))
    number, width = _last_number(lock, existing)
    files: dict[str, str] = {}
    entries = list(lock.entries)
    versions = []
    for candidate in sorted(candidates, key=lambda each: each.name):
        latest = lock.latest(candidate.name)
        if latest is not None and _same(latest, candidate, schema):
            continue
        number += 1
        sql = _build(candidate, latest, schema)
        entry = _entry(candidate, sql, schema, f"{number:0{width}}")
        files.update({f"{entry.migration}.up.sql": sql.up})
        files.update({f"{entry.migration}.down.sql": sql.down})
        entries.append(entry)
        versions.append(sql)
    return Release(files, write_lock(entries), tuple(versions), tuple(findings))


def _same(latest: Entry, candidate: Candidate, schema: str) -> bool:
    return (latest.digest, latest.target, latest.schema) == (
        candidate.digest,
        candidate.target,
        schema,
    )


def _build(candidate: Candidate, latest: Entry | None, schema: str) -> VersionSql:
    """Build the next version; one in another schema replaces no function."""
    if latest is None:
        return candidate.build(1, None)
    previous = latest.previous() if latest.schema == schema else None
    return candidate.build(latest.version + 1, previous)


def _entry(candidate: Candidate, sql: VersionSql, schema: str, number: str) -> Entry:
    return Entry(
        candidate.name,
        sql.version,
        candidate.digest,
        candidate.target,
        schema,
        f"{number}_{candidate.name}_v{sql.version}",
        text_digest(sql.up),
        text_digest(sql.down),
        sql.parameters,
        sql.description,
    )


def _last_number(lock: Lock, existing: Iterable[str]) -> tuple[int, int]:
    """Return the highest number of a migration, and with how many digits to go on."""
    names = [name for entry in lock.entries for name, _ in entry.files]
    found = [_NUMBER.fullmatch(name) for name in (*names, *existing)]
    digits = [each[1] for each in found if each]
    width = max((len(each) for each in digits), default=_DIGITS)
    return max(map(int, digits), default=0), width


def _damaged(lock: Lock, existing: Mapping[str, str]) -> list[Diagnostic]:
    """Find files of versions that are gone or were edited."""
    found = []
    for entry in lock.entries:
        for name, digest in entry.files:
            if name not in existing:
                found.append(_missing(lock, entry, name))
            elif text_digest(existing[name]) != digest:
                found.append(_edited(lock, entry, name))
    return found


def _unlocked(lock: Lock, existing: Mapping[str, str]) -> list[Diagnostic]:
    """Find migrations of ours that the lock does not know: it was lost, or is old."""
    known = {(entry.workflow, entry.version) for entry in lock.entries}
    found = []
    for name, text in existing.items():
        own = _OWN.match(text)
        if own and _UP.fullmatch(name) and (own[1], int(own[2])) not in known:
            found.append(
                error(
                    "WF706",
                    None,
                    f'"{name}" installs version {own[2]} of {own[1]}, which the lock '
                    "does not know",
                    help="restore workflows.lock from version control; or delete the "
                    "migration, with its other half, if it was deployed nowhere",
                )
            )
    return found


def _missing(lock: Lock, entry: Entry, name: str) -> Diagnostic:
    return error(
        "WF702",
        lock.span(f'"{entry.migration}"'),
        f'the migration "{name}" of {entry.workflow}, version {entry.version}, is gone',
        help="restore it from version control; a version that was never deployed "
        "can be taken out of the lock instead, with both of its files",
    )


def _edited(lock: Lock, entry: Entry, name: str) -> Diagnostic:
    return error(
        "WF701",
        lock.span(f'"{entry.migration}"'),
        f'the migration "{name}" of {entry.workflow}, version {entry.version}, '
        "was edited after it was written",
        help="restore it from version control, change the workflow, and compile "
        "a new version",
    )


def _clashes(lock: Lock, existing: Iterable[str]) -> list[Diagnostic]:
    """Find migrations that share a number with one of ours, as two branches do."""
    ours = {name for entry in lock.entries for name, _ in entry.files}
    first: dict[int, str] = {}
    found = []
    for name in sorted(existing):
        up = _UP.fullmatch(name)
        if up is None:
            continue
        other = first.setdefault(int(up[1]), name)
        if other != name and (name in ours or other in ours):
            found.append(
                error(
                    "WF705",
                    None,
                    f'"{name}" and "{other}" have the same number',
                    help="give the one that is deployed nowhere the next free number, "
                    "in its file names and in the lock",
                )
            )
    return found


def _gone(lock: Lock, candidates: Sequence[Candidate]) -> list[Diagnostic]:
    present = {candidate.name for candidate in candidates}
    gone = sorted({entry.workflow for entry in lock.entries} - present)
    return [
        warning(
            "WF703",
            lock.span(f"[workflows.{name}."),
            f'workflow "{name}" is in the lock but no longer in the sources',
            "its versions and the function that starts it stay in the database",
            help=f'restore its file, or drop the function "{name}" in a migration '
            "of your own",
        )
        for name in gone
    ]
