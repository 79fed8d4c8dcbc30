"""`http`: what is computed before the request, the request, and what checks it."""

from __future__ import annotations

import json
import re

from perdure.ir.expr import Secret, Template
from perdure.ir.tree import FormPart, HttpStep
from perdure.lower.body import (
    Items,
    form_items,
    joined,
    json_items,
    text_items,
    url_items,
)
from perdure.lower.json import template
from perdure.lower.origin import origin, sequence
from perdure.lower.retry import retried
from perdure.lower.scope import Scope, place_of
from perdure.lower.shapes import shape_of
from perdure.lower.values import cast
from perdure.plan.query import (
    Code,
    Piece,
    Query,
    ResultRef,
    SecretRef,
    StringLiteral,
)
from perdure.plan.tree import Http, HttpPart, Node, Sql

_TAKEN_FOR_REFERENCE = re.compile(r"[$][A-Za-z_]|[{][A-Za-z_]\w*[}]")
_GROWS_TOGETHER = re.compile(r"[A-Za-z0-9_?]")
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


def lower_http(scope: Scope, step: HttpStep) -> list[Node]:
    """Lower a request to a query that computes it, if needed, and the request."""
    request = _Request(scope, step)
    url = request.text("url", url_items(scope, step.url))
    headers = [(name, request.header(value)) for name, value in step.headers]
    body = _body(request, scope, step)
    parts = None
    if step.multipart is not None:
        parts = tuple(request.form_part(each) for each in step.multipart)
    media_type = _JSON if step.json is not None else _FORM if step.form else None
    if media_type is not None and not _has_content_type(step):
        headers.insert(0, ("content-type", (StringLiteral(media_type),)))
    checked = step.returns is not None or step.expect_status is not None
    result = None
    if step.variable and scope.is_read(step.variable):
        result = place_of(scope, step.variable).result
    elif checked:
        result = scope.names.fresh("response")
    node: Node = Http(
        origin(step.head, "http"),
        step.method,
        url,
        tuple(headers),
        body,
        step.timeout,
        result,
        parts,
    )
    if checked and result is not None:
        both = [node, _check(step, result)]
        node = sequence(origin(step.head, "checked"), both)
    return [*request.query(), retried(step, node)]


def _check(step: HttpStep, result: str) -> Sql:
    """Return the check of a response: its status, and the form of its JSON."""
    statuses: Query = (Code("null"),)
    if step.expect_status is not None:
        listed = ", ".join(f"'{each}'" for each in step.expect_status)
        statuses = (Code(f"array[{listed}]"),)
    shape: Query = (Code("null"),)
    if step.returns is not None:
        written = shape_of(step.returns, step.returns_nullable)
        shape = (StringLiteral(json.dumps(written, ensure_ascii=False)),)
    query = (
        Code("select perdure.check_response(("),
        ResultRef(result),
        Code(")::jsonb, "),
        *statuses,
        Code(", "),
        *shape,
        Code(", "),
        StringLiteral(step.head.name or step.head.path),
        Code(") as ok"),
    )
    return Sql(origin(step.head, "response"), query)


class _Request:
    """Collects the parts of a request that have to be computed."""

    def __init__(self, scope: Scope, step: HttpStep) -> None:
        self.scope = scope
        self.step = step
        self.columns: list[Piece] = []
        self.name = ""
        self.headers = 0
        self.parts = 0

    def text(self, column: str, items: Items) -> Query:
        """Return text: constants and secrets as they are, references to the rest."""
        pieces: list[Piece] = []
        group: Items = []
        count = 0
        for item in [*items, None]:
            if item is not None and not isinstance(item, Secret):
                group.append(item)
                continue
            if group:
                count += 1
                name = column if count == 1 else f"{column}_{count}"
                after_secret = bool(pieces)
                pieces += self._group(name, group, after_secret=after_secret)
                group = []
            if isinstance(item, Secret):
                pieces.append(SecretRef(item.name))
        return tuple(pieces) or (StringLiteral(""),)

    def _group(self, column: str, items: Items, *, after_secret: bool) -> Query:
        texts = [item for item in items if isinstance(item, str)]
        constant = "".join(texts)
        safe = not _TAKEN_FOR_REFERENCE.search(constant) and not (
            after_secret and _GROWS_TOGETHER.match(constant)
        )
        if len(texts) == len(items) and safe:
            return (StringLiteral(constant),)
        return self.computed(column, joined(items))

    def computed(self, column: str, value: Query) -> Query:
        """Return a reference to a column with a value."""
        if not self.name:
            self.name = self.scope.names.fresh("request")
        self.columns += [Code(", " if self.columns else ""), *value]
        self.columns.append(Code(f" as {column}"))
        return (ResultRef(self.name, column),)

    def header(self, value: Template) -> Query:
        """Return the value of the next header."""
        self.headers += 1
        return self.text(f"header_{self.headers}", text_items(self.scope, value))

    def form_part(self, part: FormPart) -> HttpPart:
        """Return a part, its content in base64."""
        self.parts += 1
        column = f"part_{self.parts}"
        filename = None
        if part.filename is not None:
            items = text_items(self.scope, part.filename)
            filename = self.text(f"{column}_file", items)
        content = self.computed(column, self._content(part))
        name = self.text(f"{column}_name", [part.name])
        return HttpPart(name, content, filename, part.content_type)

    def _content(self, part: FormPart) -> Query:
        if part.source is None:
            assert part.body is not None
            text = cast(template(self.scope, part.body), "text")
            return (Code("encode(convert_to("), *text, Code(", 'UTF8'), 'base64')"))
        place = place_of(self.scope, part.source.variable)
        column = place.columns["whole*"]
        ref = ResultRef(place.result, column, optional=column is not None)
        return (Code("perdure.response_bytes("), *cast((ref,), "jsonb"), Code(")"))

    def query(self) -> list[Node]:
        """Return the query that computes the parts, if there are any."""
        if not self.columns:
            return []
        query = (Code("select "), *self.columns)
        return [Sql(origin(self.step.head, "request"), query, self.name)]


def _body(request: _Request, scope: Scope, step: HttpStep) -> Query | None:
    if step.json is not None:
        return request.text("body", json_items(scope, step.json))
    if step.form is not None:
        return request.text("body", form_items(scope, step.form))
    if step.body is not None:
        return request.text("body", text_items(scope, step.body))
    return None


def _has_content_type(step: HttpStep) -> bool:
    return any(name.lower() == "content-type" for name, _ in step.headers)
