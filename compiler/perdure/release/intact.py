"""Whether the lock and the migrations are as they were written, and fit together."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from perdure.diagnostics import Diagnostic, error
from perdure.release.history import misfits
from perdure.release.layouts import LAYOUTS, Folder, Layout
from perdure.release.lock import Change, Entry, Lock, command_of, text_digest
from perdure.release.retirement import refused

_OWN = re.compile(
    r"^-- written by perdure: (\w+), (version|change) (\d+)[,:]", re.MULTILINE
)

_CHANGE = re.compile(
    r"^-- written by perdure: \w+, change \d+: (?:back to|retire) versions? (.+)"
    r"(?s:.*?)\nvalues \('(\w+)', \d+, '(rollback|retire)', (\d+), '",
    re.MULTILINE,
)
"""What a change does, its versions first; and what it registers of itself."""

_Unlocked = dict[tuple[str, str, int], list[str]]  # files, by whose they are

_MERGED = re.compile(r"^<{7} ", re.MULTILINE)
_MADE_FROM = re.compile(
    r"^-- Digest of (?:what was compiled|the change): (\w+)", re.MULTILINE
)


def state_of(lock: Lock, folder: Folder, layout: Layout) -> list[Diagnostic]:
    """Find what is wrong with the lock and the migrations as they are."""
    existing = folder.files
    unlocked = _unlocked(lock, existing)
    known = existing.keys() - {e for names in unlocked.values() for e in names}
    found = _unsound(lock, existing, unlocked)
    return [*found, *_clashes(lock, known, layout), *_mixed(lock, existing, layout)]


def unsound(lock: Lock, existing: Mapping[str, str]) -> list[Diagnostic]:
    """Find where the lock and the migrations do not fit together."""
    return _unsound(lock, existing, _unlocked(lock, existing))


def place_of(event: Entry | Change, path: str, files: Container[str]) -> str:
    """Return where one of its files stands in the migrations folder.

    When a project changes its tool, which would misread the files of the one before,
    they may be moved into a folder that has the name of their layout.
    """
    moved = f"{event.layout}/{path}"
    return moved if moved in files else path


def _unsound(
    lock: Lock, existing: Mapping[str, str], unlocked: _Unlocked
) -> list[Diagnostic]:
    return [
        *_damaged(lock, existing),
        *_strays(lock, unlocked, existing),
        *misfits(lock),
        *_refused(lock, existing),
    ]


def _refused(lock: Lock, existing: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Find what a database is going to refuse."""
    if any(each.kind == "retire" for each in lock.changes):
        scripts = {e.key: _script(e, existing) for e in lock.everything}
        yield from refused(lock, scripts, existing)


def _script(event: Entry | Change, existing: Mapping[str, str]) -> str:
    layout = LAYOUTS[event.layout]
    name = place_of(event, layout.up_file(event.migration), existing)
    return layout.up_sql(existing.get(name, ""))


def _damaged(lock: Lock, existing: Mapping[str, str]) -> list[Diagnostic]:
    """Find files of versions that are gone or were edited."""
    found = []
    for event in lock.everything:
        files = [(place_of(event, e, existing), digest) for e, digest in event.files]
        gone = [name for name, _ in files if name not in existing]
        edited = [
            name
            for name, digest in files
            if name in existing and text_digest(existing[name]) != digest
        ]
        others = [
            name
            for name, _ in files
            if name not in {*gone, *edited}
            and (made := _MADE_FROM.search(existing[name]))
            and made[1] != event.digest
        ]
        if gone:
            found.append(_missing(lock, event, gone))
        if edited:
            merged = any(_MERGED.search(existing[name]) for name in edited)
            found.append(_edited(lock, event, edited, merged))
        if others:
            found.append(_other_digest(lock, event, others))
    return found


def _unlocked(lock: Lock, existing: Mapping[str, str]) -> _Unlocked:
    """Find migrations of ours that the lock does not know.

    It was lost, or is old; or a merge has left the files that another branch made for
    the same version.
    """
    known = {
        place_of(each, name, existing)
        for each in lock.everything
        for name, _ in each.files
    }
    found: _Unlocked = {}
    for name in sorted(existing.keys() - known):
        own = _OWN.search(existing[name])
        if own:
            found.setdefault((own[1], own[2], int(own[3])), []).append(name)
    return found


def _strays(
    lock: Lock, unlocked: _Unlocked, existing: Mapping[str, str]
) -> list[Diagnostic]:
    """Tell of migrations without an entry: once, for they were lost with the lock."""
    known = _files_of(lock)
    again = [
        _second(event, names, known[event], _again({event: names}, existing))
        for event, names in unlocked.items()
        if event in known
    ]
    lost = {event: names for event, names in unlocked.items() if event not in known}
    return [*again, *_lost(lock, lost, existing)]


def _again(unlocked: _Unlocked, existing: Mapping[str, str]) -> str:
    """Return what makes again what files do, once they are deleted, in order."""
    commands = []
    for event in sorted(unlocked, key=lambda each: (each[1] == "change", each)):
        made = (_CHANGE.search(existing[name]) for name in unlocked[event])
        change = next(filter(None, made), None)
        commands.append(_command(change) if change else "perdure compile")
    return " and ".join(dict.fromkeys(commands))


def _command(change: re.Match[str]) -> str:
    versions, workflow, kind, to = change.groups()
    return command_of(kind, workflow, int(to), map(int, versions.split(", ")))


def _files_of(lock: Lock) -> dict[tuple[str, str, int], str]:
    """Return the first file of each version and change of a lock."""
    versions = {(e.workflow, "version", e.version): e.files for e in lock.entries}
    changes = {(e.workflow, "change", e.number): e.files for e in lock.changes}
    return {each: files[0][0] for each, files in {**versions, **changes}.items()}


def _second(
    event: tuple[str, str, int], names: list[str], known: str, again: str
) -> Diagnostic:
    workflow, what, number = event
    does, them = ("are", "them") if len(names) > 1 else ("is", "it")
    return error(
        "WF706",
        None,
        f"{_quoted(names)} {does} of {what} {number} of {workflow}, too, which the "
        f'lock has in "{known}"',
        help=f"delete {them}: a merge left what another branch made of it; what was "
        f"deployed from there, the lock of that branch has, and else {again} makes "
        "it again",
    )


def _lost(
    lock: Lock, unlocked: _Unlocked, existing: Mapping[str, str]
) -> list[Diagnostic]:
    if not unlocked:
        return []
    names = [name for each in unlocked.values() for name in each]
    many = len(names) > 1
    does = "are" if many else "is"
    events = [f"{what} {number} of {name}" for name, what, number in unlocked]
    rest = f" and {len(events) - 3} more" if len(events) > 3 else ""
    them = "migrations, if they were" if many else "migration, if it was"
    return [
        error(
            "WF706",
            None,
            f"{_first(names)} {does} of {', '.join(events[:3])}{rest}, "
            "which the lock does not know",
            help=f"restore the lock from version control ({_restored(lock)}); or "
            f"delete the {them} deployed nowhere, and make again what "
            f"{'they' if many else 'it'} did: "
            f"{_again(unlocked, existing)}",
        )
    ]


def _called(event: Entry | Change) -> str:
    """Return a version or a change as messages call it."""
    if isinstance(event, Entry):
        return f"{event.workflow}, version {event.version}"
    return event.key


def _missing(lock: Lock, event: Entry | Change, names: list[str]) -> Diagnostic:
    are, them = ("are", "them") if len(names) > 1 else ("is", "it")
    return error(
        "WF702",
        lock.span(f'"{event.migration}"'),
        f"{_files(names)} of {_called(event)}, {are} gone",
        help=f"restore {them} from version control; or, if the migration was deployed "
        "nowhere, delete what is left of it and its table in the lock, and make it "
        f"again: {event.command}",
    )


def _other_digest(lock: Lock, event: Entry | Change, names: list[str]) -> Diagnostic:
    return error(
        "WF704",
        lock.span(f'"{event.migration}"'),
        f"the lock was edited: {_called(event)}, has another digest in it than in "
        f"{_quoted(names)}",
        help=f"restore the lock from version control ({_restored(lock)})",
    )


def _edited(
    lock: Lock, event: Entry | Change, names: list[str], merged: bool
) -> Diagnostic:
    have, were, they, them = (
        ("have", "were", "they", "them")
        if len(names) > 1
        else ("has", "was", "it", "it")
    )
    what = f"{were} edited after {they} {were} written"
    help_ = f"restore {them} from version control"
    if isinstance(event, Entry):
        help_ += ", and change the source of the workflow: perdure compile makes the "
        help_ += "next version"
    if merged:
        what = f"{have} an unresolved merge"
        help_ = (
            "keep the side that the lock is from: git checkout --ours, or --theirs, "
            "for the lock and all migrations in conflict; then compile again"
        )
    return error(
        "WF701",
        lock.span(f'"{event.migration}"'),
        f"{_files(names)} of {_called(event)}, {what}",
        help=help_,
    )


def _files(names: Sequence[str]) -> str:
    return f"the migration{'s' if len(names) > 1 else ''} {_quoted(names)}"


def _quoted(names: Iterable[str]) -> str:
    return " and ".join(f'"{name}"' for name in names)


def _first(names: Sequence[str]) -> str:
    """Return the first two names, and how many more there are."""
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return f"{_quoted(names[:2])}{more}"


def _restored(lock: Lock) -> str:
    path = lock.source.path if lock.source else "workflows.lock"
    return f"git checkout HEAD -- {path}"


def _clashes(lock: Lock, existing: Iterable[str], layout: Layout) -> list[Diagnostic]:
    """Find migrations that share a number with one of ours, as two branches do."""
    ours = {name: event for event in lock.everything for name, _ in event.files}
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


def _mixed(lock: Lock, existing: Mapping[str, str], layout: Layout) -> list[Diagnostic]:
    """Find files of the layout before that the tool would take for its own."""
    found: dict[tuple[str, str], list[str]] = {}
    for event in lock.everything:
        for name, _ in event.files if event.layout != layout.name else ():
            there = existing.get(name)
            if there is not None and (does := layout.misreads(name, there)):
                found.setdefault((event.layout, does), []).append(name)
    return [_misread(layout, *what, names) for what, names in found.items()]


def _misread(
    layout: Layout, before: str, does: str, names: Sequence[str]
) -> Diagnostic:
    are, them = ("are", "them") if len(names) > 1 else ("is", "it")
    return error(
        "WF711",
        None,
        f'{_first(names)} {are} laid out for "{before}", and {layout.name} {does}',
        help=f'move {them} into a folder "{before}" beside {them}, where {layout.name} '
        f'does not look and perdure does; or go back to layout = "{before}"',
    )


def _taken(name: str, other: str, ours: Mapping[str, Entry | Change]) -> Diagnostic:
    own = [ours[each] for each in (name, other) if each in ours]
    commands = dict.fromkeys(each.command for each in own)
    again = (
        "and its table in the lock, and make it again, with the next number: "
        f"{' or '.join(commands)}"
    )
    help_ = (
        f"of {' and '.join(each.key for each in own)}, delete the files of the one "
        f"that is deployed nowhere, {again}"
    )
    if len(own) == 1:
        foreign = other if name in ours else name
        help_ = (
            f'give "{foreign}" another number; or, if {own[0].key} is deployed '
            f"nowhere, delete its files {again}"
        )
    return error(
        "WF705", None, f'"{name}" and "{other}" have the same number', help=help_
    )
