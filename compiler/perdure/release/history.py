"""Whether the versions and changes of a workflow fit together, as they came.

Two branches can each add to a workflow's history without git seeing a conflict: one a
version, the other a rollback. Merged, one of them was made for a state that never is:
its way back would lead to another version than the one before it.
"""

from __future__ import annotations

from perdure.diagnostics import Diagnostic, error, warning
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
    was = f"version {current}" if current else "no version"
    meant = f"version {event.before}" if event.before else "no version"
    again = "compile" if isinstance(event, Entry) else event.kind
    return error(
        "WF708",
        lock.span(f'"{event.migration}"'),
        f"{what}, was made while {meant} was current, and where it now stands {was} is",
        help="two branches changed the workflow: delete the migration of the change "
        "that is deployed nowhere, and its table in the lock, and make it again "
        f"(this one: perdure {again})",
    )


def not_in_force(lock: Lock, entry: Entry, current: Entry | None) -> Diagnostic:
    """Say that the sources give a version that was rolled back."""
    name = entry.workflow
    now = (
        f"version {current.version} is current" if current else "no version is current"
    )
    return warning(
        "WF709",
        lock.span(f"[workflows.{name}.{entry.version}]"),
        f'the sources of "{name}" are those of version {entry.version}, which was '
        f"rolled back: {now}",
        "nothing is compiled: that version is there, and is not called",
        help=f"change the sources, then perdure compile makes the next version; or "
        f"perdure rollback {name} --to {entry.version} puts it in force again",
    )
