"""What git leaves in the lock where two branches met, and what is to be done about it.

One side is kept, the whole file, and what the other one did is made again: its versions
by compiling, its rollbacks and retirements by their commands, which nothing else keeps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from perdure.diagnostics import Diagnostic, error
from perdure.release.history import misfits
from perdure.release.lock import Change, Entry, Lock, command_of, moves
from perdure.source import Source, Span

MARK = re.compile(r"^(<{7}|>{7}|={7}).*", re.MULTILINE)
_MERGE = re.compile(
    r"^<{7}.*\n(?P<ours>(?s:.*?))"
    r"(?:^[|]{7}.*\n(?P<base>(?s:.*?)))?"
    r"^={7}.*\n(?P<theirs>(?s:.*?))^>{7}",
    re.MULTILINE,
)
_TABLE = re.compile(r"^\[(?:workflows|changes)[.]([^.\]]+)[.]", re.MULTILINE)
_MIGRATION = re.compile(r'^migration = "(.+)"', re.MULTILINE)
Read = Callable[[Source], Lock]
"""Reads a lock; raises KeyError, TypeError or ValueError where it is none."""


def conflict(source: Source, read: Read) -> Diagnostic:
    """Say what met in a lock that has git's marks, and what to do."""
    text = source.text
    at = MARK.search(text)
    span = Span(source.path, *at.span()) if at else None
    if _sides_fit(text, read):
        return error(
            "WF704",
            span,
            "the lock has an unresolved merge: two branches made versions of "
            "different workflows",
            help="keep both sides, without the marks, and compile; if two migrations "
            "took the same number, it says which",
        )
    ours, theirs = (_lock_of(text, side, read) for side in ("ours", "theirs"))
    again = [*_again("--ours", ours, theirs), *_again("--theirs", theirs, ours)]
    repeat = ""
    if again:
        repeat = ", and repeat its rollbacks and retirements as said above"
    elif ours is None or theirs is None:
        repeat = ", and repeat its rollbacks and retirements: compile makes versions"
    return error(
        "WF704",
        span,
        f"the lock has an unresolved merge: {_what_met(text)}",
        *_migrations_of_sides(text),
        *again,
        help="keep the side that is deployed, the whole file (git checkout --ours or "
        f"--theirs {source.path}, and the same for migrations in conflict), delete "
        "the new migrations of the other, which must be deployed nowhere, "
        f"{'' if repeat else 'and '}compile again{repeat}",
    )


def _what_met(text: str) -> str:
    ours, theirs = (_of_side(text, each, _TABLE) for each in ("ours", "theirs"))
    if ours and theirs and not ours & theirs:
        return "the tables of two branches are mixed up"
    both = ", ".join(f'"{name}"' for name in sorted(ours & theirs))
    return f"two branches changed the same workflow{both and f', {both}'}"


def _lock_of(text: str, side: str, read: Read) -> Lock | None:
    """Return the lock that one side has, as far as git left it whole.

    Tables that git took from one side without a conflict are in both.
    """
    try:
        return read(Source("", _MERGE.sub(rf"\g<{side}>#", text)))
    except (KeyError, TypeError, ValueError):
        return None


def _again(side: str, own: Lock | None, other: Lock | None) -> Iterator[str]:
    """Yield what of one side is lost where the other one is kept, and how to repeat it.

    Of rollbacks it is the last thing that happened to the workflow, or nothing: what
    was compiled since is what compiling makes again.
    """
    if own is None or other is None:
        return
    for change in own.changes:
        if not _has_alone(change, own, other):
            continue
        last = [each for each in own.events(change.workflow) if moves(each)][-1:]
        # Where its side's history does not fit, git took what follows from the other.
        lost = last == [change] or not _fits(own, change.workflow)
        if change.kind == "rollback" and lost:
            yield f"{side} has {_rollback(change, own, other)}"
        elif change.kind == "retire" and (command := _retire(change, own, other)):
            yield f"{side} has {_repeated(change, command)}"


def _has_alone(change: Change, own: Lock, other: Lock) -> bool:
    """Say whether a change is of one side only, as far as the text tells.

    One that git took over without a conflict is of the side whose history it fits.
    """
    if not any(each.digest == change.digest for each in other.changes):
        return True
    return _fits(own, change.workflow) and not _fits(other, change.workflow)


def _fits(lock: Lock, workflow: str) -> bool:
    events = lock.events(workflow)
    versions = tuple(each for each in events if isinstance(each, Entry))
    changes = tuple(each for each in events if isinstance(each, Change))
    return not misfits(Lock(versions, None, changes))


def _rollback(change: Change, own: Lock, other: Lock) -> str:
    if _is_in(other, own, change.workflow, change.to):
        return _repeated(change, change.command)
    return (
        f"{change.key}: {change.note}, which only that side has: take the sources of "
        f'"{change.workflow}" back to it before you compile'
    )


def _repeated(change: Change, command: str) -> str:
    return f"{change.key}: {change.note}, which is repeated by {command}"


def _retire(change: Change, own: Lock, other: Lock) -> str | None:
    """Return what retires again what both sides have; None for nothing."""
    name = change.workflow
    left = [each for each in change.versions if _is_in(other, own, name, each)]
    return command_of("retire", name, change.to, left) if left else None


def _is_in(other: Lock, own: Lock, workflow: str, version: int) -> bool:
    """Say whether a version of one side is the same on the other one."""
    there, here = other.find(workflow, version), own.find(workflow, version)
    return there is not None and here is not None and there.digest == here.digest


def _sides_fit(text: str, read: Read) -> bool:
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
        read(Source("", _MERGE.sub(r"\g<ours>\g<theirs>#", text)))
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
