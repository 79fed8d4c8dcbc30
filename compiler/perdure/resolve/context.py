"""What resolving one workflow accumulates: findings, variables, open constructs.

Passes over loops: what a round weakens (a column that becomes nullable) must already
hold where the next round reads it. The workflow is therefore resolved again, from the
start, as long as a round teaches something new about the names at the head of its
loop. Views only get weaker, so this ends; two passes are the rule. The rejected way,
resolving each loop twice, doubles the work at each level of nesting.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, field, replace

from perdure.catalog.model import Catalog
from perdure.diagnostics import Diagnostic
from perdure.ir.callee import Alone, Library
from perdure.ir.types import TEXT, Field, Scalar, Type, Variable
from perdure.resolve.scope import Binding, Env, same_shape, weaker
from perdure.source import Span

RUN = Variable(
    "run",
    "run",
    "run",
    (
        Field("id", TEXT, nullable=False),
        Field("workflow", TEXT, nullable=False),
        Field("version", Scalar("integer"), nullable=False),
        Field("started_at", Scalar("timestamp with time zone"), nullable=False),
    ),
)
RESERVED = {
    "run": "the run itself",
    "err": "the error in a catch",
    "secrets": "the secrets of the worker",
}

Heads = dict[str, dict[str, Variable]]
"""Per path of a loop and name: what its rounds leave of a variable."""

Wider = dict[str, str]
"""Per id of a variable: the type of all the numbers that its name is bound to."""


@dataclass
class Loop:
    """A loop that is open; `depth` is the number of branches around it."""

    depth: int
    breaks: list[Env] = field(default_factory=list)
    continues: list[Env] = field(default_factory=list)


@dataclass(frozen=True)
class Branch:
    """A branch that is open, the names on entry, and what its siblings bound."""

    construct: str
    name: str
    entry: Env
    siblings: dict[str, str]


@dataclass
class Context:
    """The state of one pass over a workflow.

    `started` tells, per variable, of which workflow it has the id of a run. `untyped`
    are the variables that have been bound to a bare null only. `blocked` says that a
    workflow that is called has errors, which are reported there.
    """

    catalog: Catalog
    heads: Heads
    step_names: dict[str, str]
    unread: frozenset[str] = frozenset()
    returns: Type | None = None
    returns_nullable: bool = False
    diagnostics: list[Diagnostic] = field(default_factory=list)
    variables: dict[str, Variable] = field(default_factory=dict)
    layers: list[dict[str, Variable]] = field(default_factory=lambda: [{}])
    loops: list[Loop] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)
    learnt: bool = False
    wider: Wider = field(default_factory=dict)
    untyped: set[str] = field(default_factory=set)
    library: Library = field(default_factory=Alone)
    workflow: str = ""
    started: dict[str, str] = field(default_factory=dict)
    blocked: bool = False

    def report(self, diagnostic: Diagnostic) -> None:
        """Add a finding."""
        self.diagnostics.append(diagnostic)

    def report_once(self, diagnostic: Diagnostic) -> None:
        """Add a finding that each round of a loop over constants makes again."""
        if diagnostic not in self.diagnostics:
            self.report(diagnostic)

    def declare(self, variable: Variable) -> Variable | None:
        """Enter a binding of a name; None when the name has another shape already.

        The variable that is returned has the id that all bindings of the name share.
        """
        layer = self.layers[-1]
        known = layer.get(variable.name)
        if known is None:
            known = replace(variable, id=self._fresh_id(variable.name))
            layer[variable.name] = known
            self.variables[known.id] = known
            return known
        if not same_shape(known, variable):
            return None
        own = replace(variable, id=known.id)
        self.variables[known.id] = weaker(self.variables[known.id], own)
        return own

    def declare_apart(self, variable: Variable) -> Variable:
        """Enter a variable that shares its name with no other binding."""
        known = replace(variable, id=self._fresh_id(variable.name))
        self.variables[known.id] = known
        return known

    def enter_loop(self, path: str, entry: Env, bound: Set[str]) -> Env:
        """Open a loop that binds some names; return what is known at its head."""
        self.loops.append(Loop(len(self.branches)))
        known = self.heads.get(path, {})
        bindings = dict(entry.bindings)
        for name, variable in known.items():
            binding = bindings.get(name)
            if binding and binding.variable:
                weak = weaker(binding.variable, variable)
                bindings[name] = replace(binding, variable=weak)
        return replace(entry.forget(bound), bindings=bindings)

    def learn(self, path: str, head: Env, back: Env) -> None:
        """Note what a round makes of the names at the head of its loop."""
        if not back.live:
            return
        for name, binding in head.bindings.items():
            after = back.bindings[name].variable
            if binding.variable is None or after is None:
                continue
            weak = weaker(binding.variable, after)
            if weak != binding.variable:
                self.heads.setdefault(path, {})[name] = weak
                self.learnt = True

    def leave(self, loop: Loop, env: Env) -> Env:
        """Return what of an environment arrives when a step leaves to `loop`.

        Crossing a branch drops what was bound in it: the other branches of a
        `parallel` still run to their end, those of a `race` are cancelled.
        """
        if len(self.branches) == loop.depth:
            return env
        return replace(self.branches[loop.depth].entry, live=env.live)

    def id_of(self, name: str) -> str:
        """Return the id of the variable that a binding of a name here would have."""
        known = self.layers[-1].get(name)
        return known.id if known is not None else self._fresh_id(name)

    def _fresh_id(self, name: str) -> str:
        base = re.sub(r"[^a-z0-9_]", "_", name.lower())
        candidate, number = base, 1
        while candidate in self.variables or candidate == RUN.id:
            number += 1
            candidate = f"{base}_{number}"
        return candidate


def unknown(span: Span | None) -> Binding:
    """Return the binding of a name whose step was found wrong."""
    return Binding(None, span=span)
