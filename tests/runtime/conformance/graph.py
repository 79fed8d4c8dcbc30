"""Graphs as data, and as SQL expressions of the df functions.

A leaf knows what it gives: `values[n % len(values)]` at its execution number n, where
`Fail(sqlstate)` raises. It reports each execution, failed ones too, with the values of
all names of the graph as it sees them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TypeAlias

ERROR = "err"
Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


@dataclass(frozen=True, slots=True)
class Fail:
    sqlstate: str = "P0001"


@dataclass(frozen=True, slots=True)
class Leaf:
    id: int
    values: tuple[bool | int | float | str | Fail | None, ...] = (1,)


@dataclass(frozen=True, slots=True)
class Sleep:
    """A timer, each of another order of magnitude: no two are ever due at once."""

    id: int

    @property
    def seconds(self) -> int:
        return int(10**self.id)


@dataclass(frozen=True, slots=True)
class Break:
    value: bool | int | str | None = None


@dataclass(frozen=True, slots=True)
class Continue:
    pass


@dataclass(frozen=True, slots=True)
class Return:
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class Seq:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Join:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Race:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class As:
    node: Node
    name: str


@dataclass(frozen=True, slots=True)
class Try:
    body: Node
    catch: Node | None = None
    finally_: Node | None = None


@dataclass(frozen=True, slots=True)
class Raise:
    """Fails again with the error that the nearest `Try` has bound."""


@dataclass(frozen=True, slots=True)
class Timeout:
    """A limit of time, of the same orders of magnitude as timers."""

    id: int
    node: Node

    @property
    def seconds(self) -> int:
        return int(10**self.id)


@dataclass(frozen=True, slots=True)
class Foreach:
    """The body for each of some items, each a row whose column v is its number."""

    id: int
    count: int
    body: Node
    parallel: int = 1
    collect: Leaf | None = None

    @property
    def item(self) -> str:
        return f"item{self.id}"


@dataclass(frozen=True, slots=True)
class Transaction:
    """Leaves, with names or without."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class If:
    condition: Node
    then: Node
    otherwise: Node | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """A do-while, for ever without a condition."""

    body: Node
    condition: Node | None = None
    go_on: bool = False


@dataclass(frozen=True, slots=True)
class Repeat:
    body: Node
    before: Node | None = None
    until: Node | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    node: Node
    attempts: int


Node: TypeAlias = (
    Leaf
    | Sleep
    | Break
    | Continue
    | Return
    | Seq
    | Join
    | Race
    | As
    | If
    | Loop
    | Repeat
    | Retry
    | Try
    | Raise
    | Timeout
    | Foreach
    | Transaction
)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all nodes below it."""
    yield node
    for field in fields(node):
        value = getattr(node, field.name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, Node):
                yield from walk(child)


def unnamed(node: Node) -> Node:
    """Return a node without its name: naming it again takes the first one away."""
    return unnamed(node.node) if isinstance(node, As) else node


def names(graph: Node) -> list[str]:
    """Return the names that are bound somewhere in a graph."""
    named = [each for each in walk(graph) if isinstance(each, As)]
    renamed = [each.node for each in named]
    bound = {each.name for each in named if not any(each is r for r in renamed)}
    if any(isinstance(each, Try) and each.catch for each in walk(graph)):
        bound.add(ERROR)
    return sorted(bound) + items(graph)


def items(graph: Node) -> list[str]:
    """Return the names of the items of a graph."""
    return sorted(each.item for each in walk(graph) if isinstance(each, Foreach))


def to_sql(graph: Node) -> str:
    """Return the SQL expression that builds the graph."""
    reads = {name: f"${name}?" for name in names(graph)}
    if ERROR in reads:
        reads[ERROR] = f"${ERROR}.sqlstate?"
    return _Printer(", ".join(reads.values())).text(graph)


@dataclass(frozen=True, slots=True)
class _Printer:
    reads: str

    def text(self, node: Node) -> str:
        match node:
            case Leaf():
                return f"$leaf${self._statement(node)}$leaf$"
            case Sleep():
                return f"df.sleep({node.seconds})"
            case Break(None):
                return "df.break()"
            case Break(value):
                return f"df.break('{json.dumps(value)}')"
            case Continue():
                return "df.continue()"
            case Return(leaf):
                return self._call('"return"', leaf)
            case Seq(nodes):
                return self._call("seq", *nodes)
            case Join(nodes):
                return self._call('"join"', *nodes)
            case Race(nodes):
                return self._call("race", *nodes)
            case As(child, name):
                return f"df.\"as\"({self.text(child)}, '{name}')"
            case If(condition, then, otherwise):
                return self._call('"if"', condition, then, otherwise)
            case Retry(child, attempts):
                return f"df.retry({self.text(child)}, {attempts}, '0')"
            case Loop(body, condition, go_on):
                asked = self.text(condition) if condition else "null"
                return f"df.loop({self.text(body)}, {asked}, {go_on})"
            case Try(body, catch, finally_):
                caught = self.text(catch) if catch else "null"
                last = self.text(finally_) if finally_ else "null"
                return f"df.try({self.text(body)}, {caught}, '{ERROR}', {last})"
            case Raise():
                return f"df.raise('{ERROR}')"
            case Timeout(_, child):
                return f"df.timeout({self.text(child)}, '{node.seconds} s')"
            case Foreach(_, count, body, parallel, collect):
                collected = self.text(collect) if collect else "null"
                return (
                    f"df.foreach('select i as v from generate_series(1, {count}) i',"
                    f" {self.text(body)}, '{node.item}', {parallel}, {collected})"
                )
            case Transaction(nodes):
                return self._call("transaction", *nodes)
            case Repeat(body, before, until):
                asked = self.text(before) if before else "null"
                ended = self.text(until) if until else "null"
                return f"df.repeat({self.text(body)}, {asked}, {ended})"

    def _call(self, function: str, *children: Node | None) -> str:
        given = (self.text(child) for child in children if child is not None)
        return f"df.{function}({', '.join(given)})"

    def _statement(self, leaf: Leaf) -> str:
        values = [
            {"fail": value.sqlstate} if isinstance(value, Fail) else value
            for value in leaf.values
        ]
        given = json.dumps(values).replace("'", "''")
        return (
            f"select public.leaf({leaf.id}, '{given}',"
            f" jsonb_build_array({self.reads})) as v"
        )
