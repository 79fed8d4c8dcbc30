"""Late binding: what versions use, as it was when they were compiled, and as it is.

A step finds functions and views when it runs. The lock holds digests of their
definitions as of the compilation; versions of before that was kept say nothing. So
does the digest of a stored query that another major version of PostgreSQL printed
(see `perdure.catalog.definitions`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from perdure.release.deployed import Difference
from perdure.release.lock import Entry


@dataclass(frozen=True, slots=True)
class ChangedUse:
    """A function or view that is not what it was when a version was compiled."""

    workflow: str
    version: int
    name: str
    change: Literal["changed", "gone"]


def changed_uses(
    entries: Iterable[Entry], definitions: Mapping[str, str]
) -> list[ChangedUse]:
    """Return what is another one now; `definitions` are digests by name."""
    return [
        use
        for each in entries
        for use in changed_names(
            each.workflow, each.version, dict(each.uses), definitions
        )
    ]


def changed_names(
    workflow: str, version: int, uses: Mapping[str, str], now: Mapping[str, str]
) -> list[ChangedUse]:
    """Return what of the things that a version uses is another one now."""
    found = []
    for name, digest in uses.items():
        if name not in now:
            found.append(ChangedUse(workflow, version, name, "gone"))
        elif differs(digest, now[name]):
            found.append(ChangedUse(workflow, version, name, "changed"))
    return found


def differs(before: str, now: str) -> bool:
    """Say whether two digests tell of two definitions; not if they don't compare."""
    old, new = before.partition(":"), now.partition(":")
    if old[1] and new[1] and old[0] != new[0]:
        return False
    return before != now


def late_drift(
    entries: Iterable[Entry],
    definitions: Mapping[str, str],
    runs: Mapping[str, int],
) -> list[Difference]:
    """Return what changed under runs in flight; `runs` has their numbers by key."""
    found = []
    for each in changed_uses(entries, definitions):
        key = f"{each.workflow}@{each.version}"
        count = runs.get(key, 0)
        flying = "1 run is" if count == 1 else f"{count} runs are"
        became = "is gone" if each.change == "gone" else "was changed"
        found.append(
            Difference(
                "late-binding",
                key,
                f"uses {each.name}, which {became} since it was compiled; "
                f"{flying} in flight",
                "database",
                "check that its steps still do what they should; perdure verify --db "
                "describes them again",
            )
        )
    return found
