"""`foreach` as loops that take rows from a table.

The rows are kept once, in `perdure.items`; a result would be copied into every round.
In order, one loop takes row after row. In parallel, several do, as lanes of a join,
each the next row that nobody has taken: lanes that each have a fixed share of the rows
would wait for the slowest. A loop takes a second a round at least, so a round of a
small body takes several rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from perdure.plan.query import Code, Identifier, Piece, ResultRef, StringLiteral
from perdure.plan.tree import (
    Break,
    Continue,
    Foreach,
    If,
    Join,
    Loop,
    Node,
    Raise,
    Repeat,
    Return,
    Seq,
    Sql,
    Transaction,
    Try,
)
from perdure.plan.walk import children, every, rebuilt
from perdure.targets.helpers import as_role, in_order, nothing, run_id, sql
from perdure.targets.scopes import Part, Scope, Where, Work, handed_on, is_fine

Inner = Callable[[Work, Node, Where], list[Node]]

LANES = 10
"""The most lanes: the extension has no more connections for steps by default."""

_ROOM = 40
_QUICK = (Sql, Seq, If, Transaction, Try, Raise, Break, Return)
_ROUND = 8
"""A round takes as many rows as have room in so many nodes, but no more than these."""


def each_item(work: Work, node: Foreach, where: Where, inner: Inner) -> list[Part]:
    """Return the list, and the loops that go through it."""
    origin = node.origin
    ref = work.lists.get(node.result or "")
    ref = ref or ResultRef(work.fresh.name("list"), "list")
    keep = inner(work, _kept(work, node, ref), where)
    count = min(node.max_parallel, LANES)
    one = count == 1
    scopes = [Scope(f".{lane}", ref) for lane in range(1, count + 1)]
    lanes = []
    for lane, scope in enumerate(scopes, 1):
        inside = replace(where, looped=True, again=None)
        if not one:
            inside = replace(inside, scope=scope)
        lanes.append(_lane(work, node, ref, lane, inside, inner))
    listed = [Part(each, flat=True, risky=True, solid=True) for each in keep]
    if one:
        return [*listed, Part(lanes[0], risky=where.scope is not None)]
    loops = Part(Join(as_role(origin, "lanes"), tuple(lanes)))
    return [*listed, loops, replace(handed_on(origin, where, scopes), flat=False)]


def _kept(work: Work, node: Foreach, ref: ResultRef) -> Sql:
    """Return what keeps the rows."""
    query: tuple[Piece, ...] = (
        Code("select perdure.keep_items("),
        run_id(),
        Code(", coalesce(jsonb_agg(to_jsonb(q.*)), '[]')) as list\nfrom ("),
        *node.items.query,
        Code(") as q"),
    )
    work.columns = {**work.columns, ref.name: ("list",)}
    return Sql(as_role(node.items.origin, "items"), query, ref.name)


def _lane(
    work: Work, node: Foreach, ref: ResultRef, lane: int, where: Where, inner: Inner
) -> Node:
    """Return a loop that takes rows until none is left."""
    origin = node.origin
    place = _place(work, node)
    begin = sql(origin, "place", f"select 0 as {place.column}", result=place.name)
    body = node.body
    if node.max_parallel > 1:
        body = _stopping(body, ref)
    copies = 1 if _continues(body) else _copies(body)
    rounds: list[Node] = []
    for _ in range(copies):
        rounds += _round(work, node, body, ref, lane, place, where, inner)
    loop = Repeat(as_role(origin, "items"), in_order(origin, *rounds))
    return in_order(origin, begin, loop)


def _copies(body: Node) -> int:
    """Return how many rows a round takes: several, if nothing in the body waits."""
    nodes = list(every(body))
    if not all(isinstance(each, _QUICK) for each in nodes):
        return 1
    return max(1, min(_ROUND, _ROOM // len(nodes)))


def _round(
    work: Work,
    node: Foreach,
    body: Node,
    ref: ResultRef,
    lane: int,
    place: ResultRef,
    where: Where,
    inner: Inner,
) -> list[Node]:
    """Return what takes a row and does its steps, or ends the loop."""
    origin = node.origin
    at = replace(place, optional=True)
    pieces: list[str | Piece] = [f"select n.place as {place.column}"]
    for column in _columns(work, node):
        pieces += [", n.item ->> ", StringLiteral(column), " as ", Identifier(column)]
    pieces += ["\nfrom perdure.next_item((", ref, f")::uuid, {lane}, ("]
    taken = sql(origin, "item", *pieces, at, ")::bigint) as n", result=place.name)
    over = sql(origin, "over", "select (", at, ")::bigint is null as ok")
    leave = Break(as_role(origin, "break"))
    nodes = [body]
    if node.collect is not None:
        nodes.append(_collected(node.collect, ref, place))
    number = ("(", ref, ")::text || '.' || (", place, ")::text")
    steps = inner(work, in_order(origin, *nodes), replace(where, round=number))
    done = in_order(origin, *steps)
    parts: list[Node] = [taken, If(as_role(origin, "item"), over, leave, done)]
    if where.scope is not None:
        fine = is_fine(origin, where.scope)
        stop = in_order(origin, _stop(origin, ref), leave)
        parts.append(If(as_role(origin, "fine"), fine, nothing(origin), stop))
    return parts


def _columns(work: Work, node: Foreach) -> list[str]:
    """Return the columns that are read of an item."""
    return [each for each in work.columns.get(node.item, ()) if each]


def _place(work: Work, node: Foreach) -> ResultRef:
    """Return where the place of the item in the list is found, beside its columns."""
    columns, column = _columns(work, node), "place"
    while column in columns:
        column += "_"
    return ResultRef(node.item if columns else work.fresh.name("place"), column)


def _collected(collect: Sql, ref: ResultRef, place: ResultRef) -> Sql:
    query: tuple[Piece, ...] = (
        Code("select perdure.keep_result(("),
        ref,
        Code(")::uuid, ("),
        place,
        Code(")::bigint, to_jsonb(c.*)) as ok\nfrom ("),
        *collect.query,
        Code(") as c"),
    )
    return Sql(collect.origin, query)


# --- leaving the loop -------------------------------------------------------------


def _stop(origin: object, ref: ResultRef) -> Sql:
    return sql(origin, "stop", "select perdure.stop_items((", ref, ")::uuid) as ok")  # type: ignore[arg-type]


def _stopping(node: Node, ref: ResultRef) -> Node:
    """Return a body that lets no lane begin another row before it leaves."""
    match node:
        case Break() | Return():
            return in_order(node.origin, _stop(node.origin, ref), node)
        case Repeat() | Loop() | Foreach():
            if not any(isinstance(each, Return) for each in every(node)):
                return node
            return rebuilt(node, lambda each: _returning(each, ref))
        case _:
            return rebuilt(node, lambda each: _stopping(each, ref))


def _returning(node: Node, ref: ResultRef) -> Node:
    if isinstance(node, Return):
        return in_order(node.origin, _stop(node.origin, ref), node)
    return rebuilt(node, lambda each: _returning(each, ref))


def _continues(node: Node) -> bool:
    if isinstance(node, (Repeat, Loop, Foreach)):
        return False
    return isinstance(node, Continue) or any(
        _continues(each) for each in children(node)
    )


__all__: Sequence[str] = ["LANES", "each_item"]
