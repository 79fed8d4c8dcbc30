"""Who needs a step of a version: new runs, and those in flight that come to it.

A run comes to the steps of another version where it starts that one, or one that does.
A call means the version that it was compiled with, whatever is in force by then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from perdure.release.reach import Reach
from perdure.release.verify import Node, comes_to

Runs = Mapping[str, Reach | None]
"""Runs of a version, with the nodes that they may still execute; None for any."""

Starts = Mapping[str, Mapping[str, Sequence[str] | None]]
"""The versions that each one starts, and its nodes that do; None where not known."""

_SHOWN = 5


def reached(keys: Iterable[str], starts: Starts) -> set[str]:
    """Return versions with all that they start, directly or not."""
    found: set[str] = set()
    left = list(keys)
    while left:
        key = left.pop()
        if key not in found:
            found.add(key)
            left += starts.get(key, ())
    return found


def ways_to(key: str, starts: Starts) -> dict[str, list[str]]:
    """Return the versions that lead to one, and what each of them starts on the way.

    The nearest come first. A version that comes back to itself is among them.
    """
    found: dict[str, list[str]] = {}
    left = [key]
    for one in left:
        for each in (caller for caller, started in starts.items() if one in started):
            if each not in found and each != key:
                left.append(each)
            found.setdefault(each, []).append(one)
    return found


@dataclass(frozen=True, slots=True)
class Need:
    """Who needs a step of a version, and what is to be said about it.

    `runs` are those in flight that come to it, `in_force` the versions that new runs
    come to it with, `starters` the others that lead to it, the nearest first.
    """

    runs: tuple[str, ...]
    notes: tuple[str, ...]
    in_force: tuple[str, ...]
    starters: tuple[str, ...]
    serious: bool


@dataclass(frozen=True, slots=True)
class Needs:
    """What there is that may need versions.

    `runs` are those in flight by version, None where no database was named; `failed`
    those that failed and may be retried. `current` are the versions in force once all
    is deployed, `pending` the migrations that do that and are not deployed.
    """

    places: Mapping[str, Sequence[Node]]
    starts: Starts
    current: Collection[str]
    runs: Mapping[str, Runs] | None = None
    failed: Mapping[str, Runs] = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)

    def of(self, key: str, paths: Sequence[str] | None) -> Need:
        """Return who needs steps of a version; without paths, any of them."""
        ways = ways_to(key, self.starts)
        in_force = tuple(e for e in dict.fromkeys((key, *ways)) if e in self.current)
        starters = tuple(each for each in ways if each not in (key, *in_force))
        notes = list(self._of_new_runs(key, in_force))
        if self.runs is None:
            notes = notes or ["it may have runs; --db URL tells"]
            return Need((), tuple(notes), in_force, starters, serious=True)
        coming = self._coming(self.runs, key, paths, ways)
        notes += [_of_coming(*each) for each in coming.items()]
        if not coming:
            none = "no run in flight comes to it any more"
            notes.append(none if self.runs.get(key) else "no run of it is in flight")
        failed = self._coming(self.failed, key, paths, ways)
        notes += [_of_failed(*each) for each in failed.items()]
        runs = tuple(run for each in coming.values() for run in each)
        return Need(runs, tuple(notes), in_force, starters, bool(in_force or runs))

    def _of_new_runs(self, key: str, in_force: Sequence[str]) -> Iterator[str]:
        """Yield which new runs come to a version, be it by one that starts it."""
        now = [each for each in in_force if each not in self.pending]
        if key in now:
            yield "new runs start with this version"
            return
        if now:
            yield f"new runs of {_listed(now)} start it"
        for each in in_force:
            if each in self.pending:
                via = f"{each}, which starts it," if each != key else "it"
                file = self.pending[each]
                yield f"new runs will start with {via} once {file} is applied"

    def _coming(
        self,
        runs: Mapping[str, Runs],
        key: str,
        paths: Sequence[str] | None,
        ways: Mapping[str, Sequence[str]],
    ) -> dict[str | None, list[str]]:
        """Return the runs that may still come to steps.

        They are those of the version itself, None, and by versions those that start it.
        """
        found: dict[str | None, list[str]] = {}
        found[None] = own = [
            run
            for run, reach in runs.get(key, {}).items()
            if paths is None
            or any(comes_to(each, self.places[key], reach) for each in paths)
        ]
        for caller, started in ways.items():
            found[caller] = [
                run
                for run, reach in runs.get(caller, {}).items()
                if run not in own and self._starts(caller, started, reach)
            ]
        return {each: listed for each, listed in found.items() if listed}

    def _starts(self, caller: str, started: Sequence[str], reach: Reach | None) -> bool:
        """Say whether a run may still start one of the versions that its own starts.

        What it has started is a run by itself, whose own nodes tell what it comes to.
        """
        if reach is None:
            return True
        nodes = [self.starts[caller][each] for each in started]
        return any(
            each is None or any(reach.get(node, True) for node in each)
            for each in nodes
        )


def _of_coming(version: str | None, runs: Sequence[str]) -> str:
    verb = _verb(version, len(runs))
    return f"{_count('run', version, runs)} still {verb}: {_listed(runs)}"


def _of_failed(version: str | None, runs: Sequence[str]) -> str:
    verb = _verb(version, len(runs))
    return (
        f"{_count('failed run', version, runs)} {verb} if retried, and would fail "
        f"there: {_listed(runs)}"
    )


def _count(what: str, version: str | None, runs: Sequence[str]) -> str:
    whose = f" of {version}" if version else ""
    return f"{len(runs)} {what}{'' if len(runs) == 1 else 's'}{whose}"


def _verb(version: str | None, count: int) -> str:
    ending = "s" if count == 1 else ""
    return f"start{ending} it" if version else f"come{ending} to it"


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def advice(
    key: str,
    need: Need,
    retiring: Mapping[str, str],
    *,
    before: bool,
    by_schema: bool,
    movable: bool,
) -> str:
    """Return what to do about a step that does not fit and is needed.

    `retiring` are the migrations that retire versions, by version. `before` says that
    it did not fit under the schema of before, either, `by_schema` that a schema makes
    it fit or not, `movable` that runs can go to another version.
    """
    if need.in_force:
        compiled = _compiled(key, need.in_force)
        if not by_schema:
            return compiled
        if before:
            return f"mend the schema, or {compiled}"
        return f"{compiled} before the change of schema"
    if by_schema and not before:
        return _once_ended(key, need.starters, retiring)
    move = (
        "take the runs that wait to a version that fits (perdure move RUN --to N), "
        "or end them (perdure cancel RUN)"
    )
    ways = move if movable else "end its runs (perdure cancel RUN)"
    return f"mend the schema, or {ways}" if by_schema else ways


def _compiled(key: str, in_force: Sequence[str]) -> str:
    if key in in_force:
        return "compile a version that fits, and deploy it"
    names = sorted({each.partition("@")[0] for each in in_force})
    what = "a version" if len(names) == 1 else "versions"
    them, starts = ("it", "starts") if len(names) == 1 else ("them", "start")
    return (
        f"compile {what} of {', '.join(names)} that {starts} one that fits, and deploy "
        f"{them}"
    )


def _once_ended(key: str, starters: Sequence[str], retiring: Mapping[str, str]) -> str:
    """Return the advice to wait for the runs, and to retire who starts a version, too.

    What has a migration for that already is only to be deployed.
    """
    whose, are = "its runs", "it is"
    if starters:
        whose, are = f"its runs and those of {_listed(starters)}", "they are"
    going = [*reversed(starters), key]
    left = [each for each in going if each not in retiring]
    files = dict.fromkeys(retiring[each] for each in going if each in retiring)
    ways = [f"perdure retire {' '.join(left)}"] if left else []
    ways += [f"deploy {', '.join(files)}"] if files else []
    return (
        f"change the schema once {whose} have ended (perdure versions shows them) and "
        f"{are} retired: {', and '.join(ways)}"
    )
