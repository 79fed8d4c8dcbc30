"""Environments: which names have a value where, and what is known of it.

An environment belongs to one point of the workflow. It is immutable; binding gives a
new one. Where paths meet, environments merge: a name has a value for certain when it
has one on every path that arrives. A path that ended (`return`, `fail`, `break`)
keeps its names, so that the steps after it are still checked, but no longer counts.

What is known of a value (nullability, cardinality) depends on the path, so a binding
holds a view of its own of the variable; the variable of the IR is the weakest view.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import reduce

from perdure.ir.types import Cardinality, Field, Variable
from perdure.source import Span

Fact = tuple[str, ...]
"""The parts of a reference that is known not to be null (see `resolve.facts`)."""


def winner_fact(race: str, branch: str) -> Fact:
    """Return the fact that a branch of a race has won."""
    return (race, "winner", "=", branch)


@dataclass(frozen=True, slots=True)
class Won:
    """What a name is when the branch of the race that bound it is known to have won."""

    fact: Fact
    variable: Variable
    trusted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Binding:
    """A name's value at one point.

    `variable` is None when the step that binds the name was found wrong: uses of it
    are not looked at any further. `definite` says that every path binds the name.
    `trusted` are fields whose own null is not counted against their members: the
    data of a signal is null only after a timeout, which a rule of its own looks at.
    `tried` says that a `try` binds the name, and may have failed before it did.
    """

    variable: Variable | None
    definite: bool = True
    span: Span | None = None
    trusted: frozenset[str] = frozenset()
    won: Won | None = None
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Env:
    """The names at one point; `live` is False after the end of a path.

    `run` says whether there is a run of which facts could be read.
    """

    bindings: Mapping[str, Binding] = field(default_factory=dict)
    live: bool = True
    facts: frozenset[Fact] = frozenset()
    run: bool = True

    def bind(self, name: str, binding: Binding) -> Env:
        """Return the environment after an assignment."""
        known = self.forget({name}).facts
        return Env({**self.bindings, name: binding}, self.live, known, self.run)

    def ended(self) -> Env:
        """Return the environment after a step that ends the path."""
        return replace(self, live=False)

    def knowing(self, facts: frozenset[Fact]) -> Env:
        """Return the environment after something was proved."""
        return replace(self, facts=self.facts | facts)

    def forget(self, names: Set[str]) -> Env:
        """Return the environment without what was proved of some names."""
        kept = (fact for fact in self.facts if fact[0] not in names)
        return replace(self, facts=frozenset(kept))

    def proves(self, parts: Fact) -> bool:
        """Say whether a reference is known not to be null."""
        return any(fact[: len(parts)] == parts for fact in self.facts)


def merge(environments: Iterable[Env]) -> Env:
    """Return the environment where paths meet; paths that ended do not arrive."""
    every = list(environments)
    live = [env for env in every if env.live]
    return reduce(_meet, live or every)


def _meet(one: Env, other: Env) -> Env:
    bindings: dict[str, Binding] = {}
    for name, left in one.bindings.items():
        right = other.bindings.get(name)
        bindings[name] = (
            replace(left, definite=False)
            if right is None
            else _meet_bindings(left, right)
        )
    for name, right in other.bindings.items():
        if name not in bindings:
            bindings[name] = replace(right, definite=False)
    return Env(bindings, one.live, one.facts & other.facts)


def _meet_bindings(left: Binding, right: Binding) -> Binding:
    if left is right or left == right:
        return left
    variable = None
    if left.variable is not None and right.variable is not None:
        variable = weaker(left.variable, right.variable)
    return Binding(
        variable,
        left.definite and right.definite,
        left.span,
        left.trusted & right.trusted,
        tried=left.tried or right.tried,
    )


# --- what is known of a variable -----------------------------------------------

_STRENGTH: tuple[Cardinality, ...] = ("one", "maybe", "many")


def weaker(one: Variable, other: Variable) -> Variable:
    """Return what holds of both views of a variable."""
    fields = tuple(
        replace(a, nullable=a.nullable or b.nullable)
        for a, b in zip(one.fields, other.fields, strict=True)
    )
    cardinality = max(one.cardinality, other.cardinality, key=_STRENGTH.index)
    return replace(one, fields=fields, cardinality=cardinality)


def after_race(variable: Variable) -> Variable:
    """Return what is known of a variable when its branch may have lost."""
    fields = tuple(replace(field, nullable=True) for field in variable.fields)
    cardinality = max(variable.cardinality, "maybe", key=_STRENGTH.index)
    return replace(variable, fields=fields, cardinality=cardinality)


def same_shape(one: Variable, other: Variable) -> bool:
    """Say whether two bindings of a name may share a variable."""
    return one.kind == other.kind and _types(one.fields) == _types(other.fields)


def _types(fields: tuple[Field, ...]) -> list[tuple[str, object]]:
    return [(field.name, field.type) for field in fields]
