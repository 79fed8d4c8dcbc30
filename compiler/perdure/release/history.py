"""Whether the versions and changes of a workflow fit together, as they came.

Two branches can each add to a workflow's history without git seeing a conflict: one a
version, the other a rollback. Merged, one of them was made for a state that never is:
its way back would lead to another version than the one before it.
"""

from __future__ import annotations

from perdure.diagnostics import Diagnostic, error, warning
from perdure.release.interface import Call
from perdure.release.lock import Change, Entry, Lock


def misfits(lock: Lock) -> list[Diagnostic]:
    """Find what was made after another version than the one that is current there."""
    found = []
    changed = {each.workflow for each in lock.changes}
    changed |= {each.workflow for each in lock.entries if each.replaces is not None}
    for workflow in sorted(changed):
        current, counted = 0, 0
        for event in lock.events(workflow):
            if isinstance(event, Change):
                counted += 1
            wrong_number = isinstance(event, Change) and event.number != counted
            if event.before != current or wrong_number:
                found.append(_misfit(lock, event, current))
                break
            current = event.to if isinstance(event, Change) else event.version
    return found


def _misfit(lock: Lock, event: Entry | Change, current: int) -> Diagnostic:
    what = (
        f"{event.workflow}, version {event.version}"
        if isinstance(event, Entry)
        else f"{event.key} ({event.note})"
    )
    now = f"version {current}" if current else "no version"
    meant = f"version {event.before}" if event.before else "no version"
    return error(
        "WF708",
        lock.span(f'"{event.migration}"'),
        f"{what}, was made while {meant} was current; in this lock {now} is current "
        "at that point",
        help="two branches changed the workflow: delete the migration of the change "
        "that is deployed nowhere, and its table in the lock, and make it again "
        f"(this one: {event.command})",
    )


def not_in_force(lock: Lock, entry: Entry, current: Entry | None) -> Diagnostic:
    """Say that the sources give a version that was rolled back."""
    return warning(
        "WF709",
        lock.span(f"[workflows.{entry.workflow}.{entry.version}]"),
        f'the sources of "{entry.workflow}" are those of version {entry.version}, '
        f"{_rolled_back(current)}",
        "nothing is compiled: that version is there, and is not called",
        help=_ways_out(entry, current),
    )


def misled(
    workflow: str, call: Call, entry: Entry, current: Entry | None
) -> Diagnostic:
    """Say that a workflow is checked against a version that was rolled back."""
    name = entry.workflow
    what = "would take in the steps of" if call.inline else "is checked against"
    way = f'it takes in "{call.within}", which calls "{name}"'
    return error(
        "WF710",
        call.span,
        f'"{workflow}" {what} version {entry.version} of "{name}", '
        f"{_rolled_back(current)}",
        *([way] if call.within else []),
        help=_ways_out(entry, current),
    )


def _rolled_back(current: Entry | None) -> str:
    now = f"version {current.version}" if current else "no version"
    return f"which was rolled back: {now} is current"


def _ways_out(entry: Entry, current: Entry | None) -> str:
    name, version = entry.workflow, entry.version
    change = f'change the sources of "{name}"'
    if current is not None:
        back = f"back to version {current.version}"
        change = f'take the sources of "{name}" {back}, or change them'
    return (
        f"{change}, which makes version {version + 1}; or put version {version} in "
        f"force again: perdure rollback {name} --to {version}"
    )
