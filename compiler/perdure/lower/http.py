"""`http`: a request; what is computed of it is computed by one query before it.

Only constant text stands in the request node itself. Text that a runtime would take
for a reference (`$name`, `{name}`) cannot be escaped there, so it is computed, too.
"""

from __future__ import annotations

import re

from perdure.ir.expr import Expression, Template
from perdure.ir.tree import HttpStep
from perdure.lower.json import constant_json, json_value, template, text_of
from perdure.lower.origin import origin
from perdure.lower.retry import retried
from perdure.lower.scope import Scope, place_of
from perdure.lower.values import cast
from perdure.plan.query import Code, Piece, Query, ResultRef, StringLiteral
from perdure.plan.tree import Http, Node, Sql

_TAKEN_FOR_REFERENCE = re.compile(r"[$][A-Za-z_]|[{][A-Za-z_]\w*[}]")
_JSON = "application/json"


def lower_http(scope: Scope, step: HttpStep) -> list[Node]:
    """Lower a request to a query that computes it, if needed, and the request."""
    request = _Request(scope, step)
    url = request.part("url", _constant(step.url), _url(scope, step.url))
    headers = [(name, request.header(value)) for name, value in step.headers]
    body = _body(request, scope, step)
    if step.json is not None and not _has_content_type(step):
        headers.insert(0, ("content-type", (StringLiteral(_JSON),)))
    result = None
    if step.variable and scope.is_read(step.variable):
        result = place_of(scope, step.variable).result
    node = Http(
        origin(step.head, "http"),
        step.method,
        url,
        tuple(headers),
        body,
        step.timeout,
        result,
    )
    return [*request.query(), retried(step, node)]


class _Request:
    """Collects the parts of a request that have to be computed."""

    def __init__(self, scope: Scope, step: HttpStep) -> None:
        self.scope = scope
        self.step = step
        self.columns: list[Piece] = []
        self.name = ""
        self.headers = 0

    def part(self, column: str, constant: str | None, computed: Query) -> Query:
        """Return constant text as it is, else a reference to a computed column."""
        if constant is not None and not _TAKEN_FOR_REFERENCE.search(constant):
            return (StringLiteral(constant),)
        if not self.name:
            self.name = self.scope.names.fresh("request")
        self.columns += [Code(", " if self.columns else ""), *computed]
        self.columns.append(Code(f" as {column}"))
        return (ResultRef(self.name, column),)

    def header(self, value: Template) -> Query:
        """Return the value of the next header."""
        self.headers += 1
        computed = template(self.scope, value)
        return self.part(f"header_{self.headers}", _constant(value), computed)

    def query(self) -> list[Node]:
        """Return the query that computes the parts, if there are any."""
        if not self.columns:
            return []
        query = (Code("select "), *self.columns)
        return [Sql(origin(self.step.head, "request"), query, self.name)]


def _body(request: _Request, scope: Scope, step: HttpStep) -> Query | None:
    if step.json is not None:
        computed = cast(json_value(scope, step.json), "text")
        return request.part("body", constant_json(step.json), computed)
    if step.body is not None:
        computed = template(scope, step.body)
        return request.part("body", _constant(step.body), computed)
    return None


def _constant(value: Template) -> str | None:
    if all(isinstance(part, str) for part in value.parts):
        return "".join(part for part in value.parts if isinstance(part, str))
    return None


def _url(scope: Scope, url: Template) -> Query:
    """Return the URL; values are percent-encoded, except a base URL at the start.

    A null makes the whole URL null, which fails the step: `/orders/` is not the URL
    of an order without a number.
    """
    pieces: list[Piece] = []
    for index, part in enumerate(url.parts):
        pieces += [Code(" || ")] if index else []
        if isinstance(part, str):
            pieces.append(StringLiteral(part))
        else:
            pieces += _encoded(scope, part, at_start=index == 0)
    return tuple(pieces)


def _encoded(scope: Scope, expr: Expression, *, at_start: bool) -> Query:
    value = text_of(scope, expr, strict=True)
    if at_start:
        return value
    return (Code("perdure.url_encode("), *value, Code(")"))


def _has_content_type(step: HttpStep) -> bool:
    return any(name.lower() == "content-type" for name, _ in step.headers)
