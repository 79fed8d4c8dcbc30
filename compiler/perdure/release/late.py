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
    repo: Mapping[str, str] | None,
) -> list[Difference]:
    """Return what changed under runs in flight; `runs` has their numbers by key.

    Where the schema of the repo, if it can be read, has the change, too, the two agree,
    and it is a warning.
    """
    return [
        _drifted(each, runs, _agree(each.name, definitions, repo))
        for each in changed_uses(entries, definitions)
    ]


def _agree(name: str, there: Mapping[str, str], repo: Mapping[str, str] | None) -> bool:
    """Say whether the repo's schema has what the database has, or lacks it, too."""
    if repo is None or (name in repo) != (name in there):
        return False
    return name not in repo or not differs(repo[name], there[name])


def _drifted(each: ChangedUse, runs: Mapping[str, int], agree: bool) -> Difference:
    key = f"{each.workflow}@{each.version}"
    count = runs.get(key, 0)
    flying = "1 run is" if count == 1 else f"{count} runs are"
    became = "is gone" if each.change == "gone" else "was changed"
    too = ", in the project's schema, too" if agree else ""
    advice = (
        "check that its steps still do what they should; perdure verify --db "
        "describes them again"
    )
    return Difference(
        "late-binding",
        key,
        f"uses {each.name}, which {became} since it was compiled{too}; "
        f"{flying} in flight",
        "neither" if agree else "database",
        advice if agree else f"{advice}; and make the change in the project's schema",
        severity="warning" if agree else "error",
    )
