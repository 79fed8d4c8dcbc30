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
    """Return what changed under versions in force, and under runs in flight.

    `runs` has their numbers by key; a version without any is taken for one in force.
    Where the schema of the repo, if it can be read, has the change, too, the two agree:
    that is a warning where there are runs, which began with something else, and nothing
    otherwise. A team changes its functions all the time, and compiles nothing for it.
    """
    found = []
    for entry in entries:
        compiled, count = dict(entry.uses), runs.get(entry.key, 0)
        for each in changed_uses([entry], definitions):
            side = _side(each.name, compiled[each.name], definitions, repo)
            if count or side != "both":
                found.append(_drifted(each, count, side))
    return found


_Side = Literal["database", "both", "neither"]
"""Who has not what was compiled: the database alone, the repo as well, or each its own.

Nobody knows who is newer: the database may have been edited, or restored.
"""


def _side(
    name: str, compiled: str, there: Mapping[str, str], repo: Mapping[str, str] | None
) -> _Side:
    if repo is None:
        return "database"
    own = repo.get(name)
    if own is None or name not in there:
        return "both" if own is None and name not in there else "database"
    if not differs(own, there[name]):
        return "both"
    return "neither" if differs(own, compiled) else "database"


_IN_SCHEMA: Mapping[tuple[bool, _Side], str] = {
    (False, "both"): ", and the project's schema has the same",
    (False, "neither"): ", and is another one in the project's schema",
    (True, "both"): ", nor in the project's schema",
}


def _drifted(each: ChangedUse, runs: int, side: _Side) -> Difference:
    gone = each.change == "gone"
    found = "is not there" if gone else "is not what it was when it was compiled"
    flying = "1 run is in flight" if runs == 1 else f"{runs} runs are in flight"
    new = "new runs need it" if gone else "new runs use it as it is now"
    check = (
        "check that its steps still do what they should (perdure verify --db URL "
        "describes them again)"
    )
    mend = "bring database and project's schema to the same definition"
    advice = [*([check] if runs else []), *([mend] if side != "both" else [])]
    return Difference(
        "late-binding",
        f"{each.workflow}@{each.version}",
        f"uses {each.name}, which {found}{_IN_SCHEMA.get((gone, side), '')}; "
        + (flying if runs else new),
        "neither",
        ", and ".join(advice),
        severity="error" if side != "both" and (runs or gone) else "warning",
    )
