"""Walking a plan: the nodes below a node, names bound and read, depth and size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from perdure.plan.query import Query, ResultRef
from perdure.plan.tree import (
    Http,
    If,
    Join,
    Loop,
    Node,
    Race,
    Repeat,
    Retry,
    Return,
    Seq,
    Sleep,
    Sql,
)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes below a node in the order of numbering, conditions included."""
    match node:
        case Seq(nodes=nodes):
            return nodes
        case If(condition=test, then=then, otherwise=otherwise):
            return (test, then, otherwise) if otherwise else (test, then)
        case Join(branches=branches) | Race(branches=branches):
            return branches
        case Repeat(body=body, while_=before, until=after):
            return (body, *(each for each in (before, after) if each))
        case Loop(body=body, condition=test):
            return (body, test) if test else (body,)
        case Retry(node=inner):
            return (inner,)
        case _:
            return ()


def rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """Return a node with the nodes below it changed; conditions stay."""
    match node:
        case Seq(nodes=nodes):
            return replace(node, nodes=tuple(change(each) for each in nodes))
        case If(then=then, otherwise=otherwise):
            other = change(otherwise) if otherwise else None
            return replace(node, then=change(then), otherwise=other)
        case Join(branches=branches) | Race(branches=branches):
            return replace(node, branches=tuple(change(each) for each in branches))
        case Repeat(body=body) | Loop(body=body):
            return replace(node, body=change(body))
        case Retry(node=inner):
            return replace(node, node=change(inner))
        case _:
            return node


def every(root: Node) -> Iterator[Node]:
    """Yield a node and all below it, in pre-order."""
    return (node for node, _ in _levels(root))


def depth(root: Node) -> int:
    """Return how deep nodes are nested, a leaf being 1."""
    return max(level for _, level in _levels(root))


def _levels(root: Node) -> Iterator[tuple[Node, int]]:
    """Yield all nodes with their depth; without recursion, as depth is checked here."""
    left = [(root, 1)]
    while left:
        node, level = left.pop()
        yield node, level
        left += [(each, level + 1) for each in reversed(children(node))]


def bound(node: Node) -> set[str]:
    """Return the names that are bound at or below a node."""
    names = (getattr(each, "result", None) for each in every(node))
    return {name for name in names if name}


def read(node: Node) -> set[str]:
    """Return the names of the results that are read at or below a node."""
    return {
        piece.name
        for each in every(node)
        for query in _queries(each)
        for piece in query
        if isinstance(piece, ResultRef)
    }


def _queries(node: Node) -> list[Query]:
    match node:
        case Sql(query=query):
            return [query]
        case Return(value=value):
            return [value.query]
        case Sleep(duration=Sql(query=query)):
            return [query]
        case Http():
            body = [node.body] if node.body else []
            return [node.url, *body, *(value for _, value in node.headers)]
        case _:
            return []
