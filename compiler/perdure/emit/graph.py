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
from perdure.plan.query import (
    Code,
    Piece,
    Query,
    ResultRef,
    SecretRef,
    StepOf,
    StringLiteral,
)
from perdure.plan.tree import (
    Break,
    Continue,
    Foreach,
    Http,
    HttpPart,
    If,
    Join,
    Loop,
    Node,
    Origin,
    Race,
    Raise,
    Repeat,
    Retry,
    Return,
    Schedule,
    Seq,
    Signal,
    Sleep,
    SleepUntil,
    Sql,
    Timeout,
    Transaction,
    Try,
)
from perdure.plan.tree import Call as Called

_DEFAULT_HTTP_TIMEOUT = 30_000
_HELPERS = ("request", "winner", "result", "payload", "scope", "undo")
"""Roles of nodes that prepare or end a step, said in its comment."""


@dataclass(slots=True)
class Graph:
    """Writes calls, and notes the origin of each node in the order of numbering."""

    values: Values
    origins: list[Origin] = field(default_factory=list)
    path: str = "steps"
    steps: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    raised: list[str] = field(default_factory=list)

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
        pieces: list[Piece] = []
        for piece in sql.query:
            pieces += self._step_of(piece) if isinstance(piece, StepOf) else (piece,)
        return Statement(chunks_of(tuple(pieces), self.values))

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
            case Try():
                return self._try(node)
            case Raise(error=error, second=second):
                self.raised.append(error)
                return Call("df.raise", (f"'{second.both if second else error}'",))
            case Timeout(node=inner, after=after):
                limit = f"interval {interval(after)}"
                return Call("df.timeout", (self.node(inner), limit))
            case Foreach():
                return self._foreach(node)
            case Transaction(nodes=nodes):
                calls = tuple(self.node(each) for each in nodes)
                return Call("df.transaction", calls)
            case SleepUntil(time=time):
                return Call("df.sleep_until", (self.query(time),))
            case Schedule():
                return _schedule(node)
            case Called(start=start):
                return Call("df.call", (self.query(start),))

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

    # --- failures and items -----------------------------------------------------

    def _try(self, node: Try) -> Call:
        first, before, outer = len(self.origins) + 1, len(self.raised), set(self.steps)
        arguments: list[Argument] = [self.node(node.body)]
        if outer & set(self.raised[before:]):
            first = 1  # an error of a node before the body may be raised again in it
        steps = [each.name or each.path for each in self.origins[first - 1 :]]
        if node.handler is not None:
            self.steps[node.error] = (first, steps)
            arguments.append(self.node(node.handler))
            arguments.append(f"'{node.error}'")
        if node.finally_ is not None:
            arguments.append(Named("finally", self.node(node.finally_)))
        return Call("df.try", tuple(arguments))

    def _step_of(self, piece: StepOf) -> Query:
        """Return the step of an error: the list of those of the nodes that may fail."""
        first, steps = self.steps[piece.error]
        listed: list[Piece] = []
        for step in steps:
            listed += [Code(", " if listed else "(array["), StringLiteral(step)]
        node = ResultRef(piece.error, "node")
        return (*listed, Code("])[("), node, Code(f")::integer - {first - 1}]"))

    def _foreach(self, node: Foreach) -> Call:
        arguments: list[Argument] = [self.query(node.items), self.node(node.body)]
        arguments.append(f"'{node.item}'")
        if node.max_parallel != 1:
            arguments.append(Named("max_parallel", str(node.max_parallel)))
        if node.collect is not None:
            arguments.append(Named("collect", self.condition(node.collect)))
        return Call("df.foreach", tuple(arguments))


def _schedule(node: Schedule) -> Call:
    zone = () if node.timezone is None else (quote_literal(node.timezone),)
    return Call("df.wait_for_schedule", (quote_literal(node.cron), *zone))


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
    if node.parts is not None:
        return _multipart(node, node.parts)
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


def _multipart(node: Http, parts: tuple[HttpPart, ...]) -> Call:
    listed = []
    for part in parts:
        fields = {"name": _plain(part.name), "data_b64": _plain(part.content)}
        if part.filename is not None:
            fields["filename"] = _plain(part.filename)
        if part.content_type is not None:
            fields["content_type"] = part.content_type
        listed.append(fields)
    arguments = [
        _text(node.url),
        quote_literal(node.method),
        quote_text(json.dumps(listed, ensure_ascii=False)) + "::jsonb",
        _headers(node.headers),
        str(node.timeout // 1000),
    ]
    if node.timeout == _DEFAULT_HTTP_TIMEOUT:
        arguments.pop()
        if arguments[-1] == "null":
            arguments.pop()
    return Call("df.http_multipart", tuple(arguments))


def _headers(headers: tuple[tuple[str, Query], ...]) -> str:
    if not headers:
        return "null"
    values = {name: _plain(value) for name, value in headers}
    return quote_text(json.dumps(values, ensure_ascii=False)) + "::jsonb"


def _text(query: Query) -> str:
    return quote_text(_plain(query))


def _plain(query: Query) -> str:
    """Return text that is no SQL: constants as they are, and references."""
    texts = []
    for piece in query:
        match piece:
            case StringLiteral(value):
                texts.append(value)
            case ResultRef():
                texts.append(reference(piece))
            case SecretRef(name):
                texts.append(f"$secrets.{name}")
    return "".join(texts)
