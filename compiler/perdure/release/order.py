"""The order in which migrations are applied: that of their files, as tools take it.

A version may call another workflow's, and its migration stands after that one's; the
order by the versions' numbers, which was the first way, put callers before callees. It
is what decides where the files say nothing. Those of one workflow never pass each
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perdure.release.layouts import LAYOUTS, UnusableFolder
from perdure.release.lock import Change, Entry, Lock, place

_Key = tuple[int, int, tuple[int, int, str]]


def in_order(lock: Lock, files: Mapping[str, str]) -> list[Entry | Change]:
    """Return all versions and changes as they are applied.

    `files` are the texts of the migrations folder, for tools with a list or a chain.
    """
    keys = _keys(lock, files)
    waiting = [lock.events(workflow) for workflow in lock.workflows]
    found = []
    while waiting := [each for each in waiting if each]:
        first = min(waiting, key=lambda events: keys[events[0].key])
        found.append(first.pop(0))
    return found


def _keys(lock: Lock, files: Mapping[str, str]) -> dict[str, _Key]:
    """Return what orders the events, by their keys."""
    ranks = _ranks(lock)
    found: dict[str, _Key] = {}
    for name, rank in ranks.items():
        own = [each for each in lock.everything if each.layout == name]
        places = _places(name, (each.migration for each in own), files)
        found |= {e.key: (rank, places.get(e.migration, 0), place(e)) for e in own}
    return found


def _places(
    layout: str, stems: Iterable[str], files: Mapping[str, str]
) -> Mapping[str, int]:
    try:
        return LAYOUTS[layout].order(stems, files) if layout in LAYOUTS else {}
    except UnusableFolder:  # to compile says what is wrong with it
        return {}


def _ranks(lock: Lock) -> dict[str, int]:
    """Rank layouts by how many came before them: a project can change its tool."""
    before: dict[str, set[str]] = {}
    for workflow in lock.workflows:
        seen: set[str] = set()
        for event in lock.events(workflow):
            before.setdefault(event.layout, set()).update(seen - {event.layout})
            seen.add(event.layout)
    return {layout: len(others) for layout, others in before.items()}
