"""The graph as calls of df functions, and what each of its nodes stands for.

A runtime numbers nodes in pre-order: a call before its arguments, arguments in order,
every string that stands for a node included, `df.as` not. The source map is made in
the same walk as the calls, so the two cannot disagree.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from perdure.emit.layout import Argument, Call, Named, Statement
from perdure.emit.literals import quote_literal, quote_text
from perdure.emit.numbers import factor, interval
from perdure.emit.query import Values, chunks_of, reference
from perdure.plan.query import Query, ResultRef, StringLiteral
from perdure.plan.tree import (
    Break,
    Continue,
    Http,
    If,
    Join,
    Loop,
    Node,
    Origin,
    Race,
    Repeat,
    Retry,
    Return,
    Seq,
    Signal,
    Sleep,
    Sql,
)

_DEFAULT_HTTP_TIMEOUT = 30_000
_HELPERS = ("request", "winner", "result", "payload")
"""Roles of nodes that prepare or end a step, said in its comment."""


@dataclass(slots=True)
class Graph:
    """Writes calls, and notes the origin of each node in the order of numbering."""

    values: Values
    origins: list[Origin] = field(default_factory=list)
    path: str = "steps"

    def node(self, node: Node) -> Call:
        """Return the call of a node; a new step gets a comment."""
        self.origins.append(node.origin)
        outer, comment = self.path, None
        if node.origin.path != outer:
            self.path = node.origin.path
            comment = _comment(node.origin)
        call = self._call(node)
        self.path = outer
        result = getattr(node, "result", None)
        if result is not None:
            call = Call("df.as", (call, f"'{result}'"))
        return Call(call.function, call.arguments, comment)

    def query(self, sql: Sql) -> Statement:
        """Return a statement that is no node of its own."""
        return Statement(chunks_of(sql.query, self.values))

    def condition(self, sql: Sql) -> Statement:
        """Return a statement that stands for a node."""
        self.origins.append(sql.origin)
        return self.query(sql)

    def _call(self, node: Node) -> Call:
        match node:
            case Sql():
                return Call("df.sql", (self.query(node),))
            case Seq(nodes=nodes):
                return Call("df.seq", tuple(self.node(each) for each in nodes))
            case If():
                return self._if(node)
            case Join(branches=branches):
                return Call("df.join", tuple(self.node(each) for each in branches))
            case Race(branches=branches):
                return Call("df.race", tuple(self.node(each) for each in branches))
            case Repeat():
                return self._repeat(node)
            case Loop():
                return self._loop(node)
            case Break():
                return Call("df.break", ())
            case Continue():
                return Call("df.continue", ())
            case Return():
                return Call("df.return", (self.query(node.value),))
            case Sleep():
                return self._sleep(node)
            case Signal():
                return _signal(node)
            case Http():
                return _http(node)
            case Retry():
                return self._retry(node)

    def _if(self, node: If) -> Call:
        arguments: list[Argument] = [self.condition(node.condition)]
        arguments.append(self.node(node.then))
        if node.otherwise is not None:
            arguments.append(self.node(node.otherwise))
        return Call("df.if", tuple(arguments))

    def _repeat(self, node: Repeat) -> Call:
        arguments: list[Argument] = [self.node(node.body)]
        if node.while_ is not None:
            arguments.append(Named("while_condition", self.condition(node.while_)))
        if node.until is not None:
            arguments.append(Named("until_condition", self.condition(node.until)))
        if node.every is not None:
            arguments.append(Named("every", f"interval {interval(node.every)}"))
        return Call("df.repeat", tuple(arguments))

    def _loop(self, node: Loop) -> Call:
        arguments: list[Argument] = [self.node(node.body)]
        if node.condition is not None:
            arguments.append(self.condition(node.condition))
        return Call("df.loop", tuple(arguments))

    def _sleep(self, node: Sleep) -> Call:
        if isinstance(node.duration, Sql):
            return Call("df.sleep_for", (self.query(node.duration),))
        if node.duration % 1000:
            text = f"$sql$select interval {interval(node.duration)} as duration$sql$"
            return Call("df.sleep_for", (text,))
        return Call("df.sleep", (str(node.duration // 1000),))

    def _retry(self, node: Retry) -> Call:
        arguments: list[Argument] = [self.node(node.node), str(node.max_attempts)]
        if node.backoff != 1000:
            arguments.append(Named("backoff", interval(node.backoff)))
        if node.factor != 2:
            arguments.append(Named("factor", factor(node.factor)))
        if node.max_backoff is not None:
            arguments.append(Named("max_backoff", interval(node.max_backoff)))
        if not node.jitter:
            arguments.append(Named("jitter", "false"))
        if node.on is not None:
            listed = ", ".join(quote_literal(each) for each in node.on)
            arguments.append(Named("retry_on", f"array[{listed}]::text[]"))
        return Call("df.retry", tuple(arguments))


def _comment(origin: Origin) -> str:
    text = f"{origin.path} {origin.name}" if origin.name else origin.path
    if origin.role in _HELPERS:
        text += f", {origin.role}"
    return " ".join(text.split())


def _signal(node: Signal) -> Call:
    name = quote_literal(node.signal)
    timeout = () if node.timeout is None else (str(node.timeout),)
    return Call("df.wait_for_signal", (name, *timeout))


def _http(node: Http) -> Call:
    arguments = [
        _text(node.url),
        quote_literal(node.method),
        _text(node.body) if node.body else "null",
        _headers(node.headers),
        str(node.timeout // 1000),
    ]
    if node.timeout == _DEFAULT_HTTP_TIMEOUT:
        arguments.pop()
        while arguments[-1] == "null":
            arguments.pop()
    return Call("df.http", tuple(arguments))


def _headers(headers: tuple[tuple[str, Query], ...]) -> str:
    if not headers:
        return "null"
    values = {name: _plain(value) for name, value in headers}
    return quote_text(json.dumps(values, ensure_ascii=False)) + "::jsonb"


def _text(query: Query) -> str:
    return quote_text(_plain(query))


def _plain(query: Query) -> str:
    """Return text that is no SQL: constants as they are, and references."""
    return "".join(
        piece.value if isinstance(piece, StringLiteral) else reference(piece)
        for piece in query
        if isinstance(piece, (StringLiteral, ResultRef))
    )
