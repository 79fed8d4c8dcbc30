"""A reference interpreter of the df language.

Each branch is a generator: it yields what it waits for (a leaf's execution, a timer,
its own branches) and is sent what came of it. The interpreter decides nothing about
order: `execute` is told which leaf ran, and refuses one that could not. So any order
of branches that the language allows is accepted, and no other.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tests.runtime.conformance.graph import (
    ERROR,
    As,
    Break,
    Continue,
    Fail,
    Foreach,
    If,
    Join,
    Json,
    Leaf,
    Loop,
    Node,
    Race,
    Raise,
    Repeat,
    Retry,
    Return,
    Seq,
    Sleep,
    Timeout,
    Transaction,
    Try,
    items,
    names,
    unnamed,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    kind: Literal["ok", "failed", "break", "continue", "return"]
    value: Json = None


@dataclass(frozen=True, slots=True)
class Timer:
    seconds: int


@dataclass(frozen=True, slots=True)
class Fork:
    """Branches: the first one decides a race, and a timeout is a race with a timer."""

    nodes: tuple[Node, ...]
    race: bool
    seconds: int | None = None


Names: TypeAlias = dict[str, Json]
Place: TypeAlias = tuple[Json, ...]
Wait: TypeAlias = Leaf | Timer | Fork | Foreach
Steps: TypeAlias = Generator[Wait, Outcome, Outcome]

RETRYABLE = {"40001"}


@dataclass(slots=True)
class Scope:
    """The names that a branch sees, and those of them that it has bound itself.

    `doubtful` are errors of an earlier round that a try inside of a join, a race or a
    timeout may bind again: the runtime keeps one per try, so they may be gone.
    """

    effects: list[int]
    seen: Names = field(default_factory=dict)
    bound: Names = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)

    def bind(self, names: Names) -> None:
        self.seen |= names
        self.bound |= names
        self.doubtful -= names.keys()

    def branch(self, inside: set[str]) -> Scope:
        """Return what a branch begins with, among others that bind `inside`."""
        doubtful = self.doubtful | inside & self.seen.keys()
        return Scope(self.effects, dict(self.seen), {}, doubtful)

    def item(self, name: str, number: int) -> Scope:
        """Return what an item of a foreach begins with."""
        row: Json = {"rows": [{"v": number}], "row_count": 1}
        seen = self.seen | {name: row}
        return Scope(self.effects, seen, {}, self.doubtful - {name})


def run(node: Node, scope: Scope) -> Steps:
    """Execute a node in a branch."""
    match node:
        case Leaf():
            return (yield node)
        case Sleep():
            yield Timer(node.seconds)
            return Outcome("ok", {"slept": True, "seconds": node.seconds})
        case Break(value):
            return Outcome("break", value)
        case Continue():
            return Outcome("continue")
        case Return(leaf):
            outcome = yield leaf
            return Outcome("return", outcome.value) if _ok(outcome) else outcome
        case Seq(nodes):
            outcome = Outcome("ok")
            for child in nodes:
                outcome = yield from run(child, scope)
                if not _ok(outcome):
                    break
            return outcome
        case Join(nodes):
            return (yield Fork(nodes, race=False))
        case Race(nodes):
            return (yield Fork(nodes, race=True))
        case As(child, name):
            outcome = yield from run(unnamed(child), scope)
            if _ok(outcome):
                scope.bind({name: outcome.value})
            return outcome
        case If():
            return (yield from _if(node, scope))
        case Loop(body, condition, go_on):
            return (yield from _rounds(scope, body, None, condition, True, go_on))
        case Repeat(body, before, until):
            return (yield from _rounds(scope, body, before, until, False, False))
        case Retry():
            return (yield from _retry(node, scope))
        case Try():
            return (yield from _try(node, scope))
        case Raise():
            error = first_value(scope.seen.get(ERROR))
            return Outcome("failed", {"sqlstate": error or "PD004"})
        case Timeout(_, child):
            return (yield Fork((child,), race=True, seconds=node.seconds))
        case Foreach():
            return (yield node)
        case Transaction():
            return (yield from _transaction(node, scope))


def _ok(outcome: Outcome) -> bool:
    return outcome.kind == "ok"


def _if(node: If, scope: Scope) -> Steps:
    outcome = yield from run(node.condition, scope)
    if not _ok(outcome):
        return outcome
    chosen = node.then if is_true(outcome.value) else node.otherwise
    return (yield from run(chosen, scope)) if chosen else Outcome("ok")


def _rounds(
    scope: Scope,
    body: Node,
    before: Node | None,
    after: Node | None,
    again_if: bool,
    go_on: bool,
) -> Steps:
    result: Json = None
    while True:
        if before is not None:
            asked = yield from run(before, scope)
            if asked.kind == "continue":
                continue
            if not _ok(asked):
                return _ended(asked)
            if not is_true(asked.value):
                return Outcome("ok", result)
        outcome = yield from run(body, scope)
        if outcome.kind == "continue" or (outcome.kind == "failed" and go_on):
            outcome = Outcome("ok")
        if not _ok(outcome):
            return _ended(outcome)
        result = outcome.value
        if after is not None:
            asked = yield from run(after, scope)
            if asked.kind == "continue":
                continue
            if not _ok(asked):
                return _ended(asked)
            if is_true(asked.value) != again_if:
                return Outcome("ok", result)


def _ended(outcome: Outcome) -> Outcome:
    return Outcome("ok", outcome.value) if outcome.kind == "break" else outcome


def _retry(node: Retry, scope: Scope) -> Steps:
    for attempt in range(1, node.attempts + 1):
        outcome = yield from run(node.node, scope)
        if outcome.kind != "failed" or attempt == node.attempts:
            return outcome
        assert isinstance(outcome.value, dict)
        if outcome.value["sqlstate"] not in RETRYABLE:
            return outcome
    raise AssertionError(node)


def _try(node: Try, scope: Scope) -> Steps:
    outcome = yield from run(node.body, scope)
    if outcome.kind == "failed" and node.catch is not None:
        assert isinstance(outcome.value, dict)
        row: Json = {"sqlstate": outcome.value["sqlstate"]}
        scope.bind({ERROR: {"rows": [row], "row_count": 1}})
        outcome = yield from run(node.catch, scope)
    if node.finally_ is not None:
        last = yield from run(node.finally_, scope)
        if not _ok(last):
            return last
    return outcome


def _transaction(node: Transaction, scope: Scope) -> Steps:
    seen, bound = dict(scope.seen), dict(scope.bound)
    for done, child in enumerate(node.nodes):
        outcome = yield from run(child, scope)
        if not _ok(outcome):
            scope.seen, scope.bound = seen, bound
            del scope.effects[len(scope.effects) - done :]  # nothing ran meanwhile
            break
    return outcome


def _item(node: Foreach, scope: Scope) -> Steps:
    outcome = yield from run(node.body, scope)
    if _ok(outcome) and node.collect is not None:
        outcome = yield node.collect
        if _ok(outcome):
            assert isinstance(outcome.value, dict)
            assert isinstance(outcome.value["rows"], list)
            return Outcome("ok", outcome.value["rows"][0])
    return outcome


def first_value(result: Json) -> Json:
    """Return what `$name` reads of a result."""
    if isinstance(result, dict) and isinstance(rows := result.get("rows"), list):
        row = rows[0] if rows else None
        return next(iter(row.values())) if isinstance(row, dict) else None
    return result


def is_true(result: Json) -> bool:
    """Return whether a result counts as true."""
    value = first_value(result)
    if isinstance(value, str):
        text = value.strip(" \t\r\n").lower()
        if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", text):
            return float(text) != 0
        return text not in ("", "false", "f", "no")
    return bool(value)


@dataclass(slots=True, eq=False)
class Branch:
    """An active branch: its program, where it stands, and who waits for it."""

    scope: Scope
    steps: Steps
    parent: Branch | None = None
    waits_for: Wait | None = None
    due: int | None = None
    children: list[Branch] = field(default_factory=list)
    outcome: Outcome | None = None


class Interpreter:
    """One run of a graph."""

    def __init__(self, graph: Node) -> None:
        self.now = 0
        self.executions: Counter[int] = Counter()
        self.effects: list[int] = []
        self._items = items(graph)
        self._active: list[Branch] = []
        self._root = self._begin(run(graph, scope := Scope(self.effects)), scope, None)

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended; a break or a continue that found no loop fails it."""
        outcome = self._root.outcome
        if outcome is not None and outcome.kind in ("break", "continue"):
            return Outcome("failed", {"sqlstate": "PD006"})
        return outcome

    def ready(self) -> dict[Place, Branch]:
        """Return the leaves that may execute now, each with the items it is in."""
        return {
            (branch.waits_for.id, *self._items_of(branch)): branch
            for branch in self._active
            if isinstance(branch.waits_for, Leaf)
        }

    def _items_of(self, branch: Branch) -> list[Json]:
        return [first_value(branch.scope.seen.get(name)) for name in self._items]

    def scope(self, place: Place) -> Scope:
        """Return the names as a leaf that may execute now sees them."""
        return self.ready()[place].scope

    def execute(self, place: Place) -> Json | Fail:
        """Execute a leaf; return what it gave."""
        branch = self.ready()[place]
        assert isinstance(branch.waits_for, Leaf)
        leaf = branch.waits_for.id
        values = branch.waits_for.values
        value = values[self.executions[leaf] % len(values)]
        self.executions[leaf] += 1
        if isinstance(value, Fail):
            outcome = Outcome("failed", {"sqlstate": value.sqlstate, "leaf": leaf})
        else:
            outcome = Outcome("ok", {"rows": [{"v": value}], "row_count": 1})
            self.effects.append(leaf)
        self._go_on(branch, outcome)
        return value

    def pass_time(self) -> bool:
        """End the next timers, if no leaf is ready and there are any.

        Several are due at once only where items of one foreach do the same.
        """
        timed = [b for b in self._active if b.due is not None]
        if self.ready() or not timed:
            return False
        self.now = min(b.due for b in timed if b.due is not None)
        for branch in timed:
            if branch.due == self.now and branch in self._active:
                self._time_is_up(branch)
        return True

    def _time_is_up(self, branch: Branch) -> None:
        if isinstance(branch.waits_for, Timer):
            self._go_on(branch, Outcome("ok"))
            return
        (child,) = branch.children
        self._drop(child)
        self._leave(branch, child, Outcome("failed", {"sqlstate": "PD031"}))

    def _begin(self, steps: Steps, scope: Scope, parent: Branch | None) -> Branch:
        branch = Branch(scope, steps, parent)
        self._active.append(branch)
        if parent is None:
            self._go_on(branch, None)
        return branch

    def _go_on(self, branch: Branch, sent: Outcome | None) -> None:
        try:
            wait = branch.steps.send(sent)  # type: ignore[arg-type]  # None starts it
        except StopIteration as end:
            self._end(branch, end.value)
            return
        branch.waits_for = wait
        branch.due = None
        if isinstance(wait, Timer):
            branch.due = self.now + wait.seconds
        elif isinstance(wait, Fork):
            inside = {name for node in wait.nodes for name in names(node)} & {ERROR}
            scopes = [branch.scope.branch(inside) for _ in wait.nodes]
            branch.children = [
                self._begin(run(node, scope), scope, branch)
                for node, scope in zip(wait.nodes, scopes, strict=True)
            ]
            if wait.seconds is not None:
                branch.due = self.now + wait.seconds
            for child in branch.children:
                self._go_on(child, None)
        elif isinstance(wait, Foreach):
            branch.children = []
            self._begin_items(branch, wait)

    def _begin_items(self, branch: Branch, node: Foreach) -> None:
        """Begin as many items as may run."""
        while len(branch.children) < node.count:
            if sum(child.outcome is None for child in branch.children) >= node.parallel:
                break
            if any(_stops(child.outcome) for child in branch.children):
                break
            scope = branch.scope.item(node.item, len(branch.children) + 1)
            child = self._begin(_item(node, scope), scope, branch)
            branch.children.append(child)
            self._go_on(child, None)

    def _end(self, branch: Branch, outcome: Outcome) -> None:
        branch.outcome = outcome
        self._active.remove(branch)
        parent = branch.parent
        if parent is None:
            return
        if isinstance(parent.waits_for, Foreach):
            self._end_item(parent, parent.waits_for)
            return
        assert isinstance(parent.waits_for, Fork)
        for child in parent.children:
            parent.scope.doubtful |= child.scope.doubtful
        if parent.waits_for.race:
            for child in parent.children:
                self._drop(child)
            self._leave(parent, branch, outcome)
        elif all(child.outcome is not None for child in parent.children):
            for child in parent.children:
                parent.scope.bind(child.scope.bound)
            self._go_on(parent, _joined(parent.children))

    def _leave(self, parent: Branch, branch: Branch, outcome: Outcome) -> None:
        """Go on with the branch of a race that has decided it."""
        parent.scope.doubtful |= branch.scope.doubtful
        parent.scope.bind(branch.scope.bound)
        self._go_on(parent, outcome)

    def _end_item(self, branch: Branch, node: Foreach) -> None:
        self._begin_items(branch, node)
        outcomes = [child.outcome for child in branch.children]
        if all(outcome is not None for outcome in outcomes):
            self._go_on(branch, _collected(node, [o for o in outcomes if o]))

    def _drop(self, branch: Branch) -> None:
        if branch in self._active:
            self._active.remove(branch)
            for child in branch.children:
                self._drop(child)


def _joined(branches: list[Branch]) -> Outcome:
    outcomes = [b.outcome for b in branches if b.outcome is not None]
    for kinds in (("failed",), ("break", "continue", "return")):
        for outcome in outcomes:
            if outcome.kind in kinds:
                return outcome
    return Outcome("ok", [outcome.value for outcome in outcomes])


def _stops(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.kind in ("failed", "break", "return")


def _collected(node: Foreach, outcomes: list[Outcome]) -> Outcome:
    for kinds in (("failed",), ("break", "return")):
        for outcome in outcomes:
            if outcome.kind in kinds and outcome.kind != "break":
                return outcome
            if outcome.kind in kinds:
                break
    done = [each for each in outcomes if each.kind in ("ok", "continue")]
    if node.collect is None:
        return Outcome("ok", {"rows": [], "row_count": len(done)})
    rows = [each.value for each in done if _ok(each)]
    return Outcome("ok", {"rows": rows, "row_count": len(rows)})


def read(result: Json) -> Json:
    """Return what a statement gets for `$name?`: a value, or JSON beside rows."""
    if isinstance(result, dict) and "rows" in result:
        return first_value(result)
    return None if result is None else json.dumps(result)


def shown(value: Any) -> Any:
    """Return a value as a statement reads it: JSON beyond scalars is text."""
    composite = isinstance(value, str) and value.startswith(("[", "{"))
    return json.loads(value) if composite else value
