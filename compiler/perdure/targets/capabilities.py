"""What each version of pg_durable can do, from 0.2.2 to 0.2.9.

A target serves a version and all later ones, so it may use what had come by then:

`late_schedule`       the next time of a schedule is computed when the wait begins
`multipart`           requests in parts, and bodies that are not text
`inner_loops`         a loop that is not the whole graph repeats nothing but itself
`continue_on_failure` a loop that goes on after a round that failed
`endpoints`           secrets and addresses kept by the server

What compiled workflows need of a version is looked for at the end, on the legal plan,
because waits and computed sleeps become loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perdure.diagnostics import Diagnostic, error
from perdure.plan.target import Target
from perdure.plan.tree import Http, Loop, Node, Plan, Schedule
from perdure.plan.walk import every


@dataclass(frozen=True, slots=True)
class Version:
    """A version: what came with it, how deep graphs may be, and the rounds of a loop.

    Deeper than 127 levels, graphs silently became the text of a statement up to
    0.2.5; it takes 256 since, of which 200 leave room for the passes, which recurse.
    """

    number: tuple[int, ...]
    adds: frozenset[str] = frozenset()
    depth: int = 120
    rounds: int | None = 100_000


VERSIONS: tuple[Version, ...] = (
    Version((0, 2, 2), rounds=None),
    Version((0, 2, 3), rounds=None),
    Version((0, 2, 4), frozenset({"late_schedule"})),
    Version((0, 2, 5), frozenset({"multipart", "inner_loops"})),
    Version((0, 2, 6), depth=200),
    Version((0, 2, 7), depth=200),
    Version((0, 2, 8), frozenset({"continue_on_failure"}), depth=200, rounds=8_388_608),
    Version((0, 2, 9), frozenset({"endpoints"}), depth=200, rounds=8_388_608),
)
OLDEST, NEWEST = VERSIONS[0].number, VERSIONS[-1].number


def version_of(number: tuple[int, ...]) -> Version:
    """Return what a version can do; a newer one than is known can as much as that."""
    had = [each for each in VERSIONS if each.number <= number]
    last = had[-1]
    adds = frozenset().union(*(each.adds for each in had))
    return Version(number, adds, last.depth, last.rounds)


def since(capability: str) -> str:
    """Return the version that a capability came with."""
    found = next(each for each in VERSIONS if capability in each.adds)
    return spelled(found.number)


def spelled(number: tuple[int, ...]) -> str:
    """Return a version as it is written."""
    return ".".join(map(str, number))


def too_old(plan: Plan, target: Target) -> list[Diagnostic]:
    """Return a finding per step of a legal plan that needs a later version."""
    found: dict[tuple[str, str], Diagnostic] = {}
    for node in every(plan.root):
        for capability, what in _needed(node):
            if not target.can(capability):
                place = (node.origin.path, capability)
                found.setdefault(place, _finding(node, capability, what, target))
    return list(found.values())


def _needed(node: Node) -> Iterator[tuple[str, str]]:
    match node:
        case Loop():
            yield "inner_loops", "a step that becomes a loop"
        case Http(parts=tuple()):
            yield "multipart", "a request in parts"
        case Schedule():
            yield "late_schedule", '"wait_for_schedule"'


_WHY = {
    "inner_loops": "before it, each round repeats what stands before the loop, too",
    "multipart": "before it, requests have one body, of text",
    "late_schedule": "before it, the time is computed when the run starts",
}


def _finding(node: Node, capability: str, what: str, target: Target) -> Diagnostic:
    version = since(capability)
    return error(
        "WF630",
        node.origin.span,
        f'{what} needs pg_durable {version}, the target is "{target}"',
        _WHY[capability],
        help=f'set target = "pg_durable>={version}", if all servers have that; '
        "perdure doctor tells",
    )
