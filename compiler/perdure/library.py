"""The workflows of a project as they know each other.

A call needs the workflow that it names: its inputs, its result, and, to take its steps
in, its IR. Called workflows are compiled before their callers. Workflows that call
each other in a ring, or themselves, see only what the others declare: their inputs and
`returns`, which needs no order; the digest of each is made of those of the whole ring,
so that a change in one makes a new version of all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from perdure.diagnostics import Diagnostic, error
from perdure.ir.callee import Callee
from perdure.ir.tree import Workflow as WorkflowIr
from perdure.source import Source
from perdure.syntax.tree import (
    AssertStep,
    BreakStep,
    CallStep,
    FailStep,
    GroupStep,
    IfStep,
    LoopStep,
    ParallelStep,
    ReturnStep,
    StartStep,
    Step,
    Workflow,
)
from perdure.syntax.walk import children, walk


@dataclass(frozen=True, slots=True)
class Entry:
    """A workflow as it was read, with the other files that it reads."""

    source: Source
    syntax: Workflow
    found: tuple[Diagnostic, ...]
    read: tuple[Source, ...]

    @property
    def calls(self) -> tuple[str, ...]:
        """The names of the workflows that it calls or starts, each once."""
        return called(self.syntax)


@dataclass(slots=True)
class ProjectLibrary:
    """Finds workflows by name; `read` gives all of the project's, at the first need.

    `resolve` takes one to IR, `signature` to what it declares.
    """

    read: Callable[[], Mapping[str, Entry]]
    resolve: Callable[[Entry], WorkflowIr | None]
    signature: Callable[[Workflow], Callee]
    whole: Callable[[WorkflowIr, str], Callee]
    digest: Callable[[WorkflowIr], str]
    _entries: Mapping[str, Entry] | None = None
    _resolved: dict[str, WorkflowIr | None] = field(default_factory=dict)
    _reach: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def entries(self) -> Mapping[str, Entry]:
        """All workflows that could be read, by name."""
        if self._entries is None:
            self._entries = self.read()
        return self._entries

    def names(self) -> tuple[str, ...]:
        """Return the names of all workflows."""
        return tuple(sorted(self.entries))

    def find(self, name: str, caller: str) -> Callee | None:
        """Return a workflow as `caller` sees it; None when there is none."""
        entry = self.entries.get(name)
        if entry is None:
            return None
        if caller == name or caller in self.reach(name):
            return self.signature(entry.syntax)
        ir = self.resolved(name)
        digest = ir and self.digest_of(name, ir)
        if ir is None or not digest:
            return Callee(name, sound=False)
        return self.whole(ir, digest)

    def resolved(self, name: str) -> WorkflowIr | None:
        """Return the IR of a workflow, made once; None when it has errors."""
        if name not in self._resolved:
            self._resolved[name] = self.resolve(self.entries[name])
        return self._resolved[name]

    def digest_of(self, name: str, ir: WorkflowIr) -> str | None:
        """Return the digest of a version; None when one of its ring has errors."""
        ring = self.ring(name)
        if not ring:
            return self.digest(ir)
        own = self.digest(ir)
        parts = []
        for each in sorted(ring - {name}):
            other = self.resolved(each)
            if other is None:
                return None
            parts.append(self.digest(other))
        text = "\0".join([own, *sorted([own, *parts])])
        return hashlib.sha256(text.encode()).hexdigest()

    def ring(self, name: str) -> frozenset[str]:
        """Return the workflows that call each other with this one; mostly none."""
        if name not in self.entries or name not in self.reach(name):
            return frozenset()
        return frozenset(each for each in self.reach(name) if name in self.reach(each))

    def reach(self, name: str) -> frozenset[str]:
        """Return the workflows that a workflow calls, directly or not."""
        if name not in self._reach:
            found: set[str] = set()
            left = list(self._calls(name))
            while left:
                each = left.pop()
                if each not in found:
                    found.add(each)
                    left += self._calls(each)
            self._reach[name] = frozenset(found)
        return self._reach[name]

    def sources(self, syntax: Workflow) -> Iterator[Source]:
        """Yield the files of all workflows that one depends on, and what they read."""
        names: set[str] = set()
        for each in called(syntax):
            names |= {each, *self.reach(each)}
        for name in sorted(names & self.entries.keys()):
            entry = self.entries[name]
            yield entry.source
            yield from entry.read

    def endless(self, syntax: Workflow) -> Iterator[Diagnostic]:
        """Report calls that come back to their workflow whatever happens."""
        own = syntax.name.text
        for step in _certain(syntax.steps):
            chain = self._chain(step.workflow.text, own)
            if chain is None:
                continue
            told = " calls ".join(f'"{name}"' for name in (own, *chain))
            yield error(
                "WF245",
                step.workflow.span,
                f'this call of "{step.workflow.text}" never ends',
                f"without any condition, {told}",
                help="put one of the calls below an `if`",
            )

    def _calls(self, name: str) -> tuple[str, ...]:
        entry = self.entries.get(name)
        return entry.calls if entry else ()

    def _chain(self, start: str, goal: str) -> tuple[str, ...] | None:
        """Return the way from a workflow to another by calls that always happen."""
        ways: dict[str, tuple[str, ...]] = {start: (start,)}
        left = [start]
        while left:
            name = left.pop(0)
            if name == goal:
                return ways[name]
            entry = self.entries.get(name)
            for step in _certain(entry.syntax.steps) if entry else ():
                following = step.workflow.text
                if following not in ways:
                    ways[following] = (*ways[name], following)
                    left.append(following)
        return None


def called(syntax: Workflow) -> tuple[str, ...]:
    """Return the names of the workflows that one calls or starts, each once."""
    found = [
        step.workflow.text
        for step in walk(syntax)
        if isinstance(step, (CallStep, StartStep))
    ]
    return tuple(dict.fromkeys(found))


def _certain(steps: tuple[Step, ...]) -> Iterator[CallStep]:
    """Yield calls that happen in every run, up to where one might end."""
    for step in steps:
        if step.head.when is not None:
            if _may_end((step,)):
                return
            continue
        match step:
            case CallStep():
                yield step
            case ParallelStep():
                for branch in step.branches:
                    yield from _certain(branch.steps)
            case GroupStep():
                yield from _certain(step.steps)
            case LoopStep(while_=None):
                yield from _certain(step.steps)
            case IfStep(otherwise=otherwise) if otherwise:
                lists = [*(arm.steps for arm in step.arms), otherwise]
                every = [list(_certain(each)) for each in lists]
                if all(every):
                    yield every[0][0]
            case _:
                pass
        if _may_end((step,)):
            return


def _may_end(steps: tuple[Step, ...]) -> bool:
    """Say whether a step may end the run, or lead past what follows."""

    def inside(node: object) -> bool:
        if isinstance(node, (ReturnStep, FailStep, AssertStep, BreakStep)):
            return True
        return any(map(inside, children(node)))

    return any(map(inside, steps))
