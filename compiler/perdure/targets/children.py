"""Runs that another run waits for: workflows that are called, requests that may fail.

The extension cannot wait for a run, and a request that fails ends its run. So both are
started by a statement, and the run asks for their end, every second at first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from perdure.plan.query import Code, Piece, Query, ResultRef, StringLiteral
from perdure.plan.tree import (
    Call,
    Http,
    HttpPart,
    If,
    Node,
    Origin,
    Race,
    Repeat,
    Sleep,
    Sql,
)
from perdure.plan.walk import every
from perdure.targets.helpers import as_role, in_order, run_id, sql
from perdure.targets.retries import on_array
from perdure.targets.runs import TIMER
from perdure.targets.scopes import Part, Where, Work
from perdure.targets.statements import attempt, step_of

Inner = Callable[[Work, Node, Where], list[Node]]

SOON = 60
"""Seconds during which the run asks every second; later it asks every ten."""


def _ended(work: Work, origin: Origin, run: ResultRef) -> Node:
    """Return the wait for the end of a run."""
    name = work.fresh.name("since")
    since = sql(
        origin,
        "since",
        f"select clock_timestamp() + interval '{SOON} seconds' as settled",
        result=name,
    )
    long = sql(
        origin,
        "far",
        "select clock_timestamp() > (",
        ResultRef(name, "settled"),
        ")::timestamptz as ok",
    )
    pause = If(
        as_role(origin, "pace"),
        long,
        Sleep(as_role(origin, "sleep"), 10_000),
        Sleep(as_role(origin, "sleep"), 1000),
    )
    test = sql(origin, "waiting", "select perdure.is_awaited((", run, ")::text) as ok")
    wait = Repeat(as_role(origin, "wait"), pause, while_=test)
    return in_order(origin, since, wait)


# --- calls ------------------------------------------------------------------------


def called(work: Work, node: Call, where: Where, inner: Inner) -> list[Part]:
    """Return a start that happens once, the wait, and the result."""
    origin = node.origin
    head, key = work.entered(origin, where)
    name = work.fresh.name("run")
    run = ResultRef(name, "run_id")
    work.columns = {**work.columns, name: ("run_id",)}
    query: tuple[Piece, ...] = (
        Code("select coalesce(perdure.started('call', k.key), "),
        Code("perdure.keep_start('call', k.key, s.run_id)) as run_id\nfrom (select "),
        run_id(),
        Code(" || '/' || "),
        *(
            Code(each) if isinstance(each, str) else each
            for each in (*where.within, *key.pieces)
        ),
        Code(" as key) as k\nleft join lateral ("),
        *node.start.query,
        Code("\n  where perdure.started('call', k.key) is null) as s on true"),
    )
    start = Sql(as_role(origin, "start"), query, name)
    end: tuple[Piece, ...] = (
        Code("select perdure.called(("),
        run,
        Code(")::text)::text as called"),
    )
    result = Sql(origin, end, node.result)
    first = [*head, *inner(work, start, where)]
    wait = _ended(work, origin, run)
    caught = where.scope is not None
    last = inner(work, result, where)
    return [
        *(Part(each, risky=caught) for each in first),
        Part(wait),
        *(Part(each, risky=caught) for each in last),
    ]


def raced(work: Work, node: Node, where: Where) -> tuple[list[Node], Where, list[Node]]:
    """Return what stands before a race, where it stands, and what ends lost calls.

    A loser makes no further progress, but a run that it waits for does. A race with the
    timer of a timeout has seen to that.
    """
    timer = isinstance(node, Race) and node.branches[-1].origin.role == TIMER
    if timer or not any(isinstance(each, Call) for each in every(node)):
        return [], where, []
    head, key = work.entered(node.origin, where)
    within = (*where.within, *key.pieces, " || '/' || ")
    query = ("select perdure.cancel_called(", run_id(), " || '/' || ", *within, "'')")
    cancel = sql(node.origin, "cancel", *query, " as ok")
    return head, replace(where, within=within), [cancel]


# --- requests ---------------------------------------------------------------------


def request(work: Work, node: Http, where: Where) -> list[Part]:
    """Return a request by a run of its own, and its response or its failure."""
    assert where.scope is not None
    origin = node.origin
    name = work.fresh.name("request")
    work.columns = {**work.columns, name: ("request",)}
    start = Sql(as_role(origin, "send"), _sent(node), name)
    run = ResultRef(name, "request")
    again: tuple[str | Piece, ...] = ("false, null",)
    if where.again is not None:
        count = ("(", where.again.attempt, f")::integer < {where.again.most}, ")
        again = (*count, *on_array(where.again.on))
    response = sql(
        origin,
        origin.role,
        "select perdure.response(",
        run_id(),
        ", ",
        *where.scope.pieces,
        ", ",
        StringLiteral(step_of(origin)),
        ", (",
        run,
        ")::text, ",
        *again,
        ") as response",
        result=node.result,
    )
    return [
        attempt(work, where, start),
        Part(_ended(work, origin, run)),
        Part(response, risky=True),
    ]


def _sent(node: Http) -> Query:
    """Return the statement that starts a request."""
    values: list[Query] = []
    headers = {}
    for name, value in node.headers:
        values.append(_text(value))
        headers[name] = f"$q.h{len(values)}"
    listed: list[Query] = []
    parts = [_part(part, listed) for part in node.parts or ()]
    body: Query = _text(node.body) if node.body else (Code("null"),)
    return (
        Code("select perdure.start_request("),
        run_id(),
        Code(", "),
        StringLiteral(node.method),
        Code(",\n  "),
        *_text(node.url),
        Code(",\n  "),
        *body,
        Code(",\n  "),
        *_json(headers or None),
        Code(", "),
        *_array(values),
        Code(",\n  "),
        *_json(parts or None),
        Code(", "),
        *_array(listed),
        Code(f", {node.timeout // 1000}) as request"),
    )


def _part(part: HttpPart, values: list[Query]) -> dict[str, str]:
    fields = {"name": part.name, "data_b64": part.content}
    if part.filename is not None:
        fields["filename"] = part.filename
    shown = {}
    for name, value in fields.items():
        values.append(_text(value))
        shown[name] = f"$q.p{len(values)}"
    if part.content_type is not None:
        shown["content_type"] = part.content_type
    return shown


def _text(query: Query) -> Query:
    """Return text of a request as SQL."""
    pieces: list[Piece] = []
    for piece in query:
        pieces += [Code(" || ")] if pieces else []
        if isinstance(piece, ResultRef):
            pieces += [Code("("), replace(piece, optional=True), Code(")::text")]
        else:
            pieces += [piece, Code("::text")]
    return tuple(pieces) or (StringLiteral(""), Code("::text"))


def _json(value: object) -> Query:
    if value is None:
        return (Code("null"),)
    return (StringLiteral(json.dumps(value, ensure_ascii=False)), Code("::jsonb"))


def _array(values: Sequence[Query]) -> Query:
    pieces: list[Piece] = [Code("array[")]
    for at, value in enumerate(values):
        pieces += [Code(", ")] if at else []
        pieces += value
    return (*pieces, Code("]::text[]"))
