"""Walking a plan: the nodes below a node, names bound and read, depth and size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from perdure.plan.query import Query, ResultRef, StepOf
from perdure.plan.tree import (
    Call,
    Foreach,
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
    SleepUntil,
    Sql,
    Timeout,
    Transaction,
    Try,
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
        case Retry(node=inner) | Timeout(node=inner):
            return (inner,)
        case Try(body=body, handler=handler, finally_=last):
            return (body, *(each for each in (handler, last) if each))
        case Foreach(body=body, collect=collect):
            return (body, collect) if collect else (body,)
        case Transaction(nodes=nodes):
            return nodes
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
        case Retry(node=inner) | Timeout(node=inner):
            return replace(node, node=change(inner))
        case Try(body=body, handler=handler, finally_=last):
            return replace(
                node,
                body=change(body),
                handler=change(handler) if handler else None,
                finally_=change(last) if last else None,
            )
        case Foreach(body=body):
            return replace(node, body=change(body))
        case Transaction(nodes=nodes):
            return replace(node, nodes=tuple(change(each) for each in nodes))
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
    return {ref.name for ref in reads(node)}


def reads(node: Node) -> Iterator[ResultRef]:
    """Yield what is read of results at or below a node."""
    for each in every(node):
        for query in _queries(each):
            for piece in query:
                if isinstance(piece, ResultRef):
                    yield piece
                elif isinstance(piece, StepOf):
                    yield ResultRef(piece.error, "step")


def rewritten(node: Node, change: Callable[[Query], Query]) -> Node:
    """Return a node with the SQL that is in it changed; requests hold none."""

    def statement(sql: Sql) -> Sql:
        return replace(sql, query=change(sql.query))

    node = rebuilt(node, lambda each: rewritten(each, change))
    match node:
        case Sql():
            return statement(node)
        case If(condition=test):
            return replace(node, condition=statement(test))
        case Repeat(while_=before, until=after):
            first = statement(before) if before else None
            last = statement(after) if after else None
            return replace(node, while_=first, until=last)
        case Loop(condition=Sql() as test):
            return replace(node, condition=statement(test))
        case Return(value=value):
            return replace(node, value=statement(value))
        case Sleep(duration=Sql() as duration):
            return replace(node, duration=statement(duration))
        case SleepUntil(time=time):
            return replace(node, time=statement(time))
        case Call(start=start):
            return replace(node, start=statement(start))
        case Foreach(items=items, collect=collect):
            row = statement(collect) if collect else None
            return replace(node, items=statement(items), collect=row)
        case _:
            return node


def _queries(node: Node) -> list[Query]:
    match node:
        case Sql(query=query):
            return [query]
        case Return(value=value):
            return [value.query]
        case (
            Sleep(duration=Sql(query=query))
            | SleepUntil(time=Sql(query=query))
            | Foreach(items=Sql(query=query))
            | Call(start=Sql(query=query))
        ):
            return [query]
        case Http():
            body = [node.body] if node.body else []
            parts = node.parts or ()
            inner = [each for part in parts for each in (part.name, part.content)]
            inner += [part.filename for part in parts if part.filename]
            headers = (value for _, value in node.headers)
            return [node.url, *body, *headers, *inner]
        case _:
            return []
