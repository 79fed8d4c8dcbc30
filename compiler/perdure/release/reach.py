"""What a run can still execute, told from those nodes of its graph that began.

The graph is walked from the root: through a node that did not begin as a run would go
through it, and through one that did from where the run stands in it. What lies behind
a way that the run did not take, or after a step that ends the run, is not come to.
Inside of a loop, of items and of what is tried again, all may come again. (A model of
the positions in the sources was the other way: there, nobody knows what was decided.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_ROOT = "1"
_OK, _FAILED, _RETURN, _BREAK, _CONTINUE = "ok", "failed", "return", "break", "continue"
_MAY_FAIL = frozenset({_OK, _FAILED})
_ENDS = {
    "RETURN": frozenset({_RETURN, _FAILED}),
    "BREAK": frozenset({_BREAK}),
    "CONTINUE": frozenset({_CONTINUE}),
    "RAISE": frozenset({_FAILED}),
}
"""How leaves end that do not simply lead to what comes next."""

_EXECUTING = ("SQL", "RETURN")
"""Leaves that are in the middle of a statement while they run; others wait after it."""

_STATEMENTS = (
    *("SQL", "RETURN", "CALL", "SLEEP_FOR", "SLEEP_UNTIL", "HTTP", "HTTP_MULTIPART"),
    *("FOREACH", "TRANSACTION"),
)
"""What executes, or sends, something that is written in the node."""

Outcomes = frozenset[str]
"""How a node may end, of what a run can still do in it."""


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node by the API's type, with the nodes in it; the last two are of a TRY."""

    type: str
    children: tuple[str, ...] = ()
    catches: bool = False
    cleans_up: bool = False


Graph = Mapping[str, GraphNode]
"""The nodes of a graph by their numbers; the root is 1."""


def graph_of(rows: Iterable[tuple[str, str, str | None, str]]) -> Graph:
    """Return a graph of nodes with types, parents, and the configuration of a TRY.

    A node comes before those in it, and before those that follow it.
    """
    known = list(rows)
    inside: dict[str | None, list[str]] = {}
    for number, _, parent, _ in known:
        inside.setdefault(parent, []).append(number)
    return {
        number: GraphNode(
            type,
            tuple(inside.get(number, ())),
            catches='"catch": true' in config,
            cleans_up='"finally": true' in config,
        )
        for number, type, _, config in known
    }


@dataclass(frozen=True, slots=True)
class Progress:
    """The status of a run, the states of those of its nodes that began, and what
    conditions gave."""

    status: str
    states: Mapping[str, str]
    decided: Mapping[str, bool] = field(default_factory=dict)


Reach = Mapping[str, bool]
"""Whether a run may still execute the nodes that have a statement, by their numbers."""


def reach(graph: Graph, progress: Progress) -> Reach:
    """Return which nodes a run may still execute; of a failed one, by a retry."""
    walk = _Walk(graph, progress)
    walk.go(_ROOT, new=False)
    return {
        number: number in walk.found
        for number, node in graph.items()
        if node.type in _STATEMENTS
    }


class _Walk:
    """A walk through a graph; `found` are the nodes that may be executed."""

    def __init__(self, graph: Graph, progress: Progress) -> None:
        self.found: set[str] = set()
        self._graph = graph
        self._states = progress.states
        self._decided = progress.decided
        self._failed = progress.status == "failed"
        self._whole = progress.status not in ("failed", "paused")
        self._held = _with_parents(graph, self._positions())

    def _positions(self) -> list[str]:
        """Return the nodes that a run is at.

        A transaction that is set aside to be tried again has no trace but its failure.
        """
        known = ("running", "failed", "cancelled") if self._failed else ("running",)
        found = [each for each, state in self._states.items() if state in known]
        for number, node in self._graph.items() if not self._whole else ():
            inner = [self._states.get(each) for each in node.children]
            if node.type == "TRANSACTION" and "failed" in inner:
                found.append(number)
        return found

    def go(self, number: str, *, new: bool) -> Outcomes:
        """Go through a node: from its beginning, or from where the run is in it."""
        node = self._graph[number]
        new = new or number not in self._states
        match node.type:
            case "THEN":
                return self._sequence(node, new)
            case "IF":
                return self._choice(node, new)
            case "JOIN":
                return _joined([self.go(each, new=new) for each in node.children])
            case "RACE":
                return self._race(node, new)
            case "TIMEOUT":
                ends = self.go(node.children[0], new=new)
                return ends if ends == {_OK} else ends | {_FAILED}
            case "RETRY":
                ends = self.go(node.children[0], new=new)
                again = _FAILED in ends and not new
                return ends | self.go(node.children[0], new=True) if again else ends
            case "TRY":
                return self._try(number, node, new)
            case "LOOP" | "REPEAT" | "FOREACH":
                return self._rounds(number, node, new)
        return self._leaf(number, node, new)

    def _sequence(self, node: GraphNode, new: bool) -> Outcomes:
        at = 0 if new else self._standing(node.children)
        found: Outcomes = frozenset({_OK})
        for each in node.children[at:]:
            found = (found - {_OK}) | self.go(each, new=new)
            if _OK not in found:
                break
            new = True
        return found

    def _choice(self, node: GraphNode, new: bool) -> Outcomes:
        condition, *arms = node.children
        if not new:
            if any(each in self._states for each in arms):
                return self.go(arms[self._standing(arms)], new=False)
            if condition in self._decided:
                arms = arms[:1] if self._decided[condition] else arms[1:]
                return self.go(arms[0], new=True) if arms else frozenset({_OK})
        ends = self.go(condition, new=new)
        if _OK not in ends:
            return ends
        ways = [self.go(each, new=True) for each in arms]
        past = {_OK} if len(arms) == 1 else set()
        return (ends - {_OK}).union(past, *ways)

    def _race(self, node: GraphNode, new: bool) -> Outcomes:
        ends: Outcomes = frozenset()
        for each in node.children:
            before = len(self.found)
            own = self.go(each, new=new)
            ended = len(self.found) == before and each not in self._held
            if own and ended and not new:  # it has won
                return own
            ends |= own
        return ends

    def _try(self, number: str, node: GraphNode, new: bool) -> Outcomes:
        """Go through a try.

        A run that is retried may come again to a `finally` that has been done.
        """
        body, *others = node.children
        at = 0 if new else self._standing(node.children)
        finally_ = others[-1] if node.cleans_up else None
        current = node.children[at]
        if current == finally_:
            ends = self._unhandled(node)
        else:
            ends = self.go(current, new=new)
            if current == body and node.catches and _FAILED in ends:
                ends = (ends - {_FAILED}) | self.go(others[0], new=True)
        if finally_ is None:
            return ends
        undone = finally_ not in self._held and self._states.get(number) == "running"
        last = self.go(finally_, new=new or current != finally_ or undone)
        return (ends if _OK in last else frozenset()) | (last - {_OK})

    def _unhandled(self, node: GraphNode) -> Outcomes:
        """Return how what comes before a `finally` may have ended."""
        before = set(self.found)
        count = 2 if node.catches else 1
        ends = [self.go(each, new=True) for each in node.children[:count]]
        self.found = before
        return frozenset().union(*ends)

    def _rounds(self, number: str, node: GraphNode, new: bool) -> Outcomes:
        """Go through what may come several times; of items, the query comes once.

        What is set aside leaves no trace in the state of a loop, so that a run that is
        paused or failed may be in one that seems to have ended.
        """
        if not new and self._whole and self._states[number] == "completed":
            return frozenset({_OK})
        items = node.type == "FOREACH"
        if items and (new or not any(each in self._states for each in node.children)):
            self.found.add(number)
        inner = frozenset().union(*[self.go(e, new=True) for e in node.children])
        ends = inner & {_RETURN, _FAILED}
        if items:
            return ends | _MAY_FAIL
        return ends | {_OK} if len(node.children) > 1 or _BREAK in inner else ends

    def _leaf(self, number: str, node: GraphNode, new: bool) -> Outcomes:
        """Go through a leaf, or a transaction, which is executed as one."""
        ends = _ENDS.get(node.type, _MAY_FAIL)
        state = None if new else self._state(number, node)
        if state == "completed":
            return ends - {_FAILED}
        if state in ("failed", "cancelled") and not self._failed:
            return frozenset({_FAILED} if state == "failed" else ())
        if state != "running" or node.children or node.type in _EXECUTING:
            self.found.update((number, *node.children))
        return ends

    def _state(self, number: str, node: GraphNode) -> str:
        if not node.children:
            return self._states[number]
        if number in self._held:
            return "running"
        inner = {self._states.get(each) for each in node.children}
        return "completed" if inner == {"completed"} else "failed"

    def _standing(self, numbers: Sequence[str]) -> int:
        """Return at which of some nodes a run is, as far as that is known."""
        for known in (self._held, self._states):
            if found := [i for i, each in enumerate(numbers) if each in known]:
                return found[-1]
        return 0


def _joined(branches: Iterable[Outcomes]) -> Outcomes:
    """Return how branches end together: well only where all of them do."""
    every = list(branches)
    ends = frozenset().union(*every)
    return ends if all(_OK in each for each in every) else ends - {_OK}


def _with_parents(graph: Graph, numbers: Iterable[str]) -> set[str]:
    parents = {each: n for n, node in graph.items() for each in node.children}
    found: set[str] = set()
    for each in numbers:
        at: str | None = each
        while at is not None and at not in found:
            found.add(at)
            at = parents.get(at)
    return found
