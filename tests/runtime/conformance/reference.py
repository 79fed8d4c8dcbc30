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
    As,
    Break,
    Continue,
    Fail,
    If,
    Join,
    Json,
    Leaf,
    Loop,
    Node,
    Race,
    Repeat,
    Retry,
    Return,
    Seq,
    Sleep,
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
    nodes: tuple[Node, ...]
    race: bool


Names: TypeAlias = dict[str, Json]
Wait: TypeAlias = Leaf | Timer | Fork
Steps: TypeAlias = Generator[Wait, Outcome, Outcome]

RETRYABLE = {"40001"}


@dataclass(slots=True)
class Scope:
    """The names that a branch sees, and those of them that it has bound itself.

    `doubtful` are names of an earlier round whose node failed in this one, or is inside
    of a join or a race that began again: the runtime keeps one result per node, so they
    may be gone (see test_differences.py).
    """

    seen: Names = field(default_factory=dict)
    bound: Names = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)

    def bind(self, names: Names) -> None:
        self.seen |= names
        self.bound |= names
        self.doubtful -= names.keys()

    def branch(self, inside: set[str]) -> Scope:
        """Return what a branch begins with, among others that bind `inside`."""
        return Scope(dict(self.seen), {}, self.doubtful | inside & self.seen.keys())


def run(node: Node, scope: Scope) -> Steps:
    """Execute a node in a branch."""
    match node:
        case Leaf():
            return (yield node)
        case Sleep():
            return (yield Timer(node.seconds))
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
            elif name in scope.seen:
                scope.doubtful.add(name)
            return outcome
        case If():
            return (yield from _if(node, scope))
        case Loop(body, condition, go_on):
            return (yield from _rounds(scope, body, None, condition, True, go_on))
        case Repeat(body, before, until):
            return (yield from _rounds(scope, body, before, until, False, False))
        case Retry():
            return (yield from _retry(node, scope))


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
    due: int = 0
    children: list[Branch] = field(default_factory=list)
    outcome: Outcome | None = None


class Interpreter:
    """One run of a graph."""

    def __init__(self, graph: Node) -> None:
        self.now = 0
        self.executions: Counter[int] = Counter()
        self._active: list[Branch] = []
        self._root = self._begin(graph, Scope(), None)

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended; a break or a continue that found no loop fails it."""
        outcome = self._root.outcome
        if outcome is not None and outcome.kind in ("break", "continue"):
            return Outcome("failed", {"sqlstate": "PD006"})
        return outcome

    def ready(self) -> dict[int, Branch]:
        """Return the leaves that may execute now."""
        return {
            branch.waits_for.id: branch
            for branch in self._active
            if isinstance(branch.waits_for, Leaf)
        }

    def scope(self, leaf: int) -> Scope:
        """Return the names as a leaf that may execute now sees them."""
        return self.ready()[leaf].scope

    def execute(self, leaf: int) -> Json | Fail:
        """Execute a leaf; return what it gave."""
        branch = self.ready()[leaf]
        assert isinstance(branch.waits_for, Leaf)
        values = branch.waits_for.values
        value = values[self.executions[leaf] % len(values)]
        self.executions[leaf] += 1
        if isinstance(value, Fail):
            outcome = Outcome("failed", {"sqlstate": value.sqlstate, "leaf": leaf})
        else:
            outcome = Outcome("ok", {"rows": [{"v": value}], "row_count": 1})
        self._go_on(branch, outcome)
        return value

    def pass_time(self) -> bool:
        """End the next timer, if no leaf is ready and there is one."""
        timed = [b for b in self._active if isinstance(b.waits_for, Timer)]
        if self.ready() or not timed:
            return False
        branch = min(timed, key=lambda each: each.due)
        self.now = branch.due
        self._go_on(branch, Outcome("ok"))
        return True

    def _begin(self, node: Node, scope: Scope, parent: Branch | None) -> Branch:
        branch = Branch(scope, run(node, scope), parent)
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
        if isinstance(wait, Timer):
            branch.due = self.now + wait.seconds
        elif isinstance(wait, Fork):
            inside = {name for node in wait.nodes for name in names(node)}
            branch.children = [
                self._begin(node, branch.scope.branch(inside), branch)
                for node in wait.nodes
            ]
            for child in branch.children:
                self._go_on(child, None)

    def _end(self, branch: Branch, outcome: Outcome) -> None:
        branch.outcome = outcome
        self._active.remove(branch)
        parent = branch.parent
        if parent is None:
            return
        assert isinstance(parent.waits_for, Fork)
        for child in parent.children:
            parent.scope.doubtful |= child.scope.doubtful
        if parent.waits_for.race:
            for child in parent.children:
                self._drop(child)
            parent.scope.bind(branch.scope.bound)
            self._go_on(parent, outcome)
        elif all(child.outcome is not None for child in parent.children):
            for child in parent.children:
                parent.scope.bind(child.scope.bound)
            self._go_on(parent, _joined(parent.children))

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


def shown(value: Any) -> Any:
    """Return a value as a statement reads it: JSON beyond scalars is text."""
    composite = isinstance(value, str) and value.startswith(("[", "{"))
    return json.loads(value) if composite else value
