"""`retry` as a loop that a success, or the last failure, ends.

Every attempt has a scope of its own. A loop of the extension takes a second a round at
least, so shorter waits are a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from perdure.diagnostics import Diagnostic, error
from perdure.plan.query import Piece, ResultRef, StringLiteral
from perdure.plan.tree import (
    Break,
    Continue,
    Foreach,
    If,
    Node,
    Repeat,
    Retry,
)
from perdure.plan.walk import children
from perdure.targets.helpers import as_role, in_order, run_id, sql, wait_until
from perdure.targets.scopes import Again, Part, Pieces, Scope, Where, Work, handed_on

Inner = Callable[[Work, Node, Where], list[Node]]


def retried(work: Work, node: Retry, where: Where, inner: Inner) -> list[Part]:
    """Return the attempts, and the failure of the last one."""
    origin = node.origin
    jump = jump_out_of(node.node)
    if jump is not None:
        work.found.append(_refused(work, jump))
        return [Part(node.node)]
    name = work.fresh.name("attempt")
    scope = Scope("", ResultRef(name, "token"))
    attempt = ResultRef(name, "attempt")
    begin = sql(origin, "attempts", "select 0 as attempt", result=name)
    count = sql(
        origin,
        "attempt",
        "select (",
        attempt,
        ")::integer + 1 as attempt, gen_random_uuid() as token",
        result=name,
    )
    again = Again(attempt, node.max_attempts, node.on)
    inside = replace(where, scope=scope, looped=True, again=again, round=scope.pieces)
    tried = inner(work, node.node, inside)
    at = work.fresh.name("again")
    body = in_order(origin, count, *tried, *_decided(node, scope, attempt, at))
    end = replace(handed_on(origin, where, [scope]), flat=False)
    loop = in_order(origin, begin, Repeat(as_role(origin, "attempts"), body), end.node)
    return [Part(loop, risky=where.scope is not None)]


def _decided(node: Retry, scope: Scope, attempt: ResultRef, name: str) -> list[Node]:
    """Return the end of the loop, or the wait for the next attempt."""
    origin = node.origin
    cap = "null" if node.max_backoff is None else str(node.max_backoff)
    query: Pieces = (
        "select perdure.retry_at(",
        run_id(),
        ", ",
        *scope.pieces,
        ", (",
        attempt,
        f")::integer, {node.max_attempts}, {node.backoff}, {node.factor}, {cap}, ",
        f"{'true' if node.jitter else 'false'}, ",
        *on_array(node.on),
        ") as at",
    )
    at = ResultRef(name, "at", optional=True)
    over = sql(origin, "over", "select (", at, ")::timestamptz is null as ok")
    wait = wait_until(origin, ResultRef(name, "at"))
    return [
        sql(origin, "again", *query, result=name),
        If(as_role(origin, "over"), over, Break(as_role(origin, "break")), wait),
    ]


def on_array(on: tuple[str, ...] | None) -> Pieces:
    """Return in SQL the failures that are worth an attempt, null for the usual ones."""
    if on is None:
        return ("null",)
    pieces: list[str | Piece] = []
    for word in on:
        pieces += [", " if pieces else "array[", StringLiteral(word)]
    return (*pieces, "]::text[]")


def jump_out_of(node: Node) -> Node | None:
    """Return the first break or continue that leads out of a node."""
    if isinstance(node, (Break, Continue)):
        return node
    if isinstance(node, (Repeat, Foreach)):
        return None
    found = (jump_out_of(each) for each in children(node))
    return next((each for each in found if each is not None), None)


def _refused(work: Work, jump: Node) -> Diagnostic:
    word = "break" if isinstance(jump, Break) else "continue"
    return error(
        "WF601",
        jump.origin.span,
        f'a `{word}` cannot leave a group with "retry" on target "{work.target}"',
        "the attempts are a loop there, which it would end instead",
        help=f'put the `{word}` after the group, or use target "perdure"',
    )
