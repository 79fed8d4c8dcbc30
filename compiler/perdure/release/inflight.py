"""Runs in flight, and what a change means for them.

They stay on their version: what is compiled never changes under them. What can change
are the names that others use (a signal that the new version calls otherwise is still
waited for by the old runs) and what a step finds when it runs: functions and views.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from perdure.ir.results import signals_of
from perdure.ir.tree import Workflow
from perdure.release.diff import Diff


@dataclass(frozen=True, slots=True)
class Waiting:
    """Where runs of a version are: `what` is `signal`, `timer`, `http`, `sql`, ...

    `signal` is the name of the one waited for; `step` names the step, or its path.
    """

    what: str
    signal: str | None
    step: str
    place: str | None
    runs: int


@dataclass(frozen=True, slots=True)
class InFlight:
    """The runs of a version that have not ended."""

    workflow: str
    version: int
    runs: int
    waiting: tuple[Waiting, ...] = ()


@dataclass(frozen=True, slots=True)
class Affected:
    """Runs in flight, and what the change means for them, a sentence each."""

    runs: InFlight
    meaning: tuple[str, ...]


def affected(
    flights: Sequence[InFlight],
    diff: Diff,
    after: Mapping[str, Workflow],
    changed: Mapping[tuple[str, int], Sequence[str]],
    retired: Container[tuple[str, int]] = (),
) -> tuple[Affected, ...]:
    """Return what a change means for the runs of each version that has any.

    `changed` are the functions and views that a version uses and that are about to
    change, as text; `retired` the versions that are about to be taken out of use.
    """
    found = []
    renamed = {each.old_name: each.name for each in diff.workflows if each.old_name}
    touched = {each.old_name or each.name for each in diff.workflows}
    for flight in flights:
        later = changed.get((flight.workflow, flight.version), ())
        meaning = [_count(flight.runs, f"calls {each}") for each in later]
        label = flight.workflow, flight.version
        if flight.workflow in touched or label in retired:
            new = after.get(renamed.get(flight.workflow, flight.workflow))
            payloads = _payloads(flight, diff)
            meaning = [
                _stays(flight, label in retired),
                *_signals(flight, new),
                *payloads,
                *meaning,
            ]
        if meaning:
            found.append(Affected(flight, tuple(meaning)))
    return tuple(found)


def _stays(flight: InFlight, retired: bool) -> str:
    label = f"{flight.workflow}@{flight.version}"
    one = flight.runs == 1
    if retired:
        return (
            f"{_count(flight.runs, 'stands')} in the way of the retirement of {label}: "
            f"deploying stops until {'it has' if one else 'they have'} ended"
        )
    if one:
        return f"1 run stays on {label} until it ends"
    return f"{flight.runs} runs stay on {label} until they end"


def _signals(flight: InFlight, new: Workflow | None) -> list[str]:
    """Say which signals must go on being sent for runs that wait for them."""
    if new is None:
        return []
    heard = {name for name, _ in signals_of(new)}
    instead = " or ".join(f'"{name}"' for name in sorted(heard))
    found = []
    for each in flight.waiting:
        if each.signal is None or each.signal in heard:
            continue
        now = (
            f"the new version waits for {instead}"
            if instead
            else "the new version waits for no signal"
        )
        who = "it" if each.runs == 1 else "them"
        found.append(
            _count(each.runs, f'waits for "{each.signal}"')
            + f'; {now}: go on sending "{each.signal}" to {who}'
        )
    return found


def _payloads(flight: InFlight, diff: Diff) -> list[str]:
    """Say which signals the new version takes with another payload."""
    names = {
        point.name: point.after
        for each in diff.workflows
        if flight.workflow in (each.old_name, each.name)
        for point in each.interface
        if point.rule == "payload-restricted"
    }
    label = f"{flight.workflow}@{flight.version}"
    return [
        _count(each.runs, f'waits for "{each.signal}"')
        + f", which the new version takes as {names[each.signal]}: go on sending what "
        f"{label} takes"
        for each in flight.waiting
        if each.signal in names
    ]


def _count(runs: int, verb: str) -> str:
    if runs == 1:
        return f"1 run {verb}"
    first, _, rest = verb.partition(" ")
    return f"{runs} runs {first.removesuffix('s')} {rest}"
