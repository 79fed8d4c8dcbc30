"""What the passes about failures share: scopes, and the parts that lists are made of.

In pg_durable one error ends the run, so a failure that is handled is a fact in a table,
kept under a scope, and control flows around what must not run any more. A scope is a
text that is unique in the run: a constant, or, where it is entered more than once, a
token that is made at the entry. A branch has a scope below the one around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perdure.diagnostics import Diagnostic
from perdure.plan.query import Piece, ResultRef, StringLiteral
from perdure.plan.target import Target
from perdure.plan.tree import Node, Origin, Sql, Transaction
from perdure.plan.walk import every
from perdure.targets.helpers import Fresh, run_id, sql

Pieces = tuple[str | Piece, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where failures are kept: a constant, or a token and what comes after it."""

    path: str
    token: ResultRef | None = None

    def below(self, name: object) -> Scope:
        """Return a scope of its own for a part."""
        return Scope(f"{self.path}.{name}", self.token)

    @property
    def pieces(self) -> Pieces:
        """Its text in SQL."""
        if self.token is None:
            return (StringLiteral(self.path),)
        if not self.path:
            return ("(", self.token, ")::text")
        return ("(", self.token, ")::text || ", StringLiteral(self.path))


@dataclass(frozen=True, slots=True)
class Again:
    """The retry around: number of the attempt, how many at most, which failures."""

    attempt: ResultRef
    most: int
    on: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Where:
    """Where a node stands.

    `scope` is None where a failure ends the run. `looped` says that it may be entered
    more than once; `round` is SQL of what tells the rounds apart, where that is asked.
    `within` is SQL of the races around, with which the keys of calls begin.
    """

    scope: Scope | None = None
    looped: bool = False
    again: Again | None = None
    round: Pieces = ()
    within: Pieces = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A node of a list.

    `flat` says that it does nothing when its scope has failed; `risky` that it may make
    its scope fail; `solid` that what it binds is bound even then.
    """

    node: Node
    flat: bool = False
    risky: bool = False
    solid: bool = False


@dataclass(slots=True)
class Work:
    """What is known of the whole plan: the columns that are read of each result.

    `keeps` says that what a step has done is kept, of all steps or of some.
    """

    target: Target
    columns: Mapping[str, tuple[str | None, ...]]
    fresh: Fresh
    count: int = 0
    caught: dict[str, Scope] = field(default_factory=dict)
    lists: dict[str, ResultRef] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)
    keeps: bool = False

    def kept(self, node: Node) -> bool:
        """Say whether a node, or one in it, is entered in the ledger."""
        return self.keeps and (self.target.can("ledger") or asks_for_once(node))

    def entry(self, where: Where) -> Pieces:
        """Return the key of a step in the ledger."""
        self.count += 1
        if not where.round:
            return (StringLiteral(str(self.count)),)
        return (StringLiteral(f"{self.count}/"), " || ", *where.round)

    def entered(self, origin: Origin, where: Where) -> tuple[list[Node], Scope]:
        """Return a new scope, and what makes its token where it needs one."""
        self.count += 1
        if not where.looped:
            return [], Scope(str(self.count))
        name = self.fresh.name("scope")
        token = sql(origin, "scope", "select gen_random_uuid() as token", result=name)
        return [token], Scope("", ResultRef(name, "token"))


def asks_for_once(node: Node) -> bool:
    """Say whether a statement at or below a node is to have its effects once."""
    return any(
        isinstance(each, (Sql, Transaction)) and each.once for each in every(node)
    )


def is_fine(origin: Origin, scope: Scope) -> Sql:
    """Return the question whether nothing has failed in a scope."""
    query: Pieces = ("select perdure.is_fine(", run_id(), ", ", *scope.pieces)
    return sql(origin, "fine", *query, ") as ok")


def handed_on(origin: Origin, where: Where, scopes: Sequence[Scope]) -> Part:
    """Return what fails with the first failure of some scopes, if there is one."""
    listed: list[str | Piece] = []
    for scope in scopes:
        listed += [", " if listed else "array[", *scope.pieces]
    listed.append("]")
    if where.scope is None:
        query: Pieces = ("select perdure.raise_failure(", run_id(), ", ")
        return Part(sql(origin, "failed", *query, *listed, ") as ok"))
    query = ("select perdure.pass_on(", run_id(), ", ", *where.scope.pieces, ", ")
    node = sql(origin, "failed", *query, *listed, ") as ok")
    return Part(node, flat=True, risky=True)
