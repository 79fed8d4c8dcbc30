"""`http`: what is sent, and the shape of what comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from perdure.diagnostics import error
from perdure.diagnostics.wording import worded
from perdure.ir.expr import Expression, Reference, Secret, Template, Value
from perdure.ir.tree import FormPart, Head, HttpStep
from perdure.ir.types import BOOLEAN, JSONB, TEXT, Field, Scalar, Type, Variable
from perdure.resolve.binding import bind
from perdure.resolve.context import Context
from perdure.resolve.keys import never_null
from perdure.resolve.policies import resolve_retry
from perdure.resolve.references import look_up
from perdure.resolve.returns import report_nullable
from perdure.resolve.scope import Env
from perdure.resolve.types import resolve_type
from perdure.resolve.values import resolve_template, resolve_value
from perdure.source import Span, Text
from perdure.syntax import tree as syntax
from perdure.syntax.expr import Name

OWN_HEADERS = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive"}
    | {"proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that the worker sets from the URL and the body alone."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
HTTP_TIMEOUT = 30_000
_NO_URL = "a null in a URL makes all of it null, and the step fails"
BODY = Field("body", TEXT, nullable=False)
HTTP_FIELDS = (
    Field("status", Scalar("integer"), nullable=False),
    Field("ok", BOOLEAN, nullable=False),
    Field("headers", JSONB, nullable=False),
    BODY,
    Field("json", JSONB, nullable=True),
)

Texts = tuple[tuple[str, Template], ...]


def resolve_http(
    context: Context, env: Env, step: syntax.HttpStep, head: Head
) -> tuple[HttpStep | None, Env]:
    """Resolve a request and bind its response."""
    url = never_null(context, env, step.url, _NO_URL, secrets=True)
    headers = _headers(context, env, step)
    content = _content(context, env, step)
    returns = resolve_type(context, step.returns) if step.returns else None
    variable = None
    if step.head.name is not None:
        name = step.head.name
        result = None
        if step.returns is None or returns is not None:
            fields = _fields(step, returns)
            result = Variable("", name.text, "http", fields)
        env, variable = bind(context, env, name, result)
    unknown = step.returns is not None and returns is None
    if url is None or headers is None or content is None or unknown:
        return None, env
    resolved = HttpStep(
        head,
        variable,
        step.method.text,
        url,
        headers,
        content.json,
        content.body,
        step.timeout.milliseconds if step.timeout else HTTP_TIMEOUT,
        resolve_retry(step.retry),
        content.form,
        content.parts,
        returns,
        step.returns is not None and step.returns.nullable,
        _statuses(step),
    )
    return resolved, env


def _fields(step: syntax.HttpStep, returns: Type | None) -> tuple[Field, ...]:
    """Return what a response has; its JSON is typed, and there when it must be ok."""
    if step.returns is None or returns is None:
        return HTTP_FIELDS
    statuses = _statuses(step) or ("4xx",)
    surely_ok = all(each.startswith("2") for each in statuses)
    json = Field("json", returns, step.returns.nullable or not surely_ok)
    return (*HTTP_FIELDS[:-1], json)


def _statuses(step: syntax.HttpStep) -> tuple[str, ...] | None:
    if step.expect_status is None:
        return None
    return tuple(dict.fromkeys(each.text for each in step.expect_status))


def _headers(context: Context, env: Env, step: syntax.HttpStep) -> Texts | None:
    headers = _texts(context, env, step.headers)
    for name, written in step.headers:
        _check_header(context, name, written)
    if headers is not None:
        for (name, written), (_, value) in zip(step.headers, headers, strict=True):
            _check_ends(context, name.text, value, written.span)
    return headers


def _check_header(context: Context, name: Name, value: syntax.Template) -> None:
    """Report a header that the worker could not send."""
    if name.text.lower() in OWN_HEADERS:
        message = f'header "{name.text}" is set by the worker'
        help_ = "leave it out"
        context.report(error("WF131", name.span, message, help=help_))
    texts = [part.value for part in value.parts if isinstance(part, Text)]
    whole = texts[0] if len(texts) == len(value.parts) == 1 else ""
    if whole != whole.strip() or any(map(_CONTROL.search, texts)):
        message = f'header "{name.text}" has a line break in it, or a space at an end'
        context.report(error("WF131", value.span, message))


def _check_ends(context: Context, name: str, value: Template, span: Span) -> None:
    """Report a null at an end of a header that leaves a space there: `Bearer ${x}`.

    Elsewhere a null reads as empty, which can be sent.
    """
    note = f'with a null, header "{name}" has a space at an end'
    for part, beside in _ends(value):
        if isinstance(part, Expression) and part.nullable and beside.isspace():
            report_nullable(context, part.span or span, part, TEXT, note)


def _ends(value: Template) -> Iterator[tuple[str | Expression | Secret, str]]:
    """Yield what stands at the ends of a text, with the character beside it."""
    match value.parts:
        case (first, str() as text, *_):
            yield first, text[:1]
    match value.parts:
        case (*_, str() as text, last):
            yield last, text[-1:]


def _texts(
    context: Context,
    env: Env,
    written: tuple[tuple[Name, syntax.Template], ...],
) -> Texts | None:
    resolved = [
        (name.text, resolve_template(context, env, value, secrets=True))
        for name, value in written
    ]
    found = tuple((name, value) for name, value in resolved if value is not None)
    return found if len(found) == len(resolved) else None


# --- the body -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Content:
    """The body of a request; one of them at most is set."""

    json: Value | None = None
    body: Template | None = None
    form: Texts | None = None
    parts: tuple[FormPart, ...] | None = None


def _content(context: Context, env: Env, step: syntax.HttpStep) -> _Content | None:
    """Return the body of a request, None after a finding."""
    if step.json is not None:
        json = resolve_value(context, env, step.json, secrets=True)
        return None if json is None else _Content(json=json)
    if step.body is not None:
        body = resolve_template(context, env, step.body, secrets=True)
        return None if body is None else _Content(body=body)
    if step.form is not None:
        form = _texts(context, env, step.form)
        return None if form is None else _Content(form=form)
    if step.multipart is not None:
        parts = [_part(context, env, each) for each in step.multipart]
        kept = tuple(part for part in parts if part is not None)
        return _Content(parts=kept) if len(kept) == len(parts) else None
    return _Content()


def _part(context: Context, env: Env, part: syntax.FormPart) -> FormPart | None:
    body = resolve_template(context, env, part.body) if part.body else None
    filename = resolve_template(context, env, part.filename) if part.filename else None
    source = _source(context, env, part) if part.source else None
    complete = (body is None) == (part.body is None) and (source is None) == (
        part.source is None
    )
    if not complete or (filename is None) != (part.filename is None):
        return None
    return FormPart(part.name.text, body, source, filename, part.content_type)


def _source(context: Context, env: Env, part: syntax.FormPart) -> Reference | None:
    """Return the body of an earlier response."""
    assert part.source is not None
    name = part.source
    binding = look_up(context, env, name)
    if binding is None or binding.variable is None:
        return None
    variable = binding.variable
    if variable.kind != "http":
        message = f'"{name.text}" is no response, its body was expected'
        text = worded(name.span, 'the text as "body"', "the text itself")
        help_ = f"name an earlier http step, or give {text}"
        context.report(error("WF254", name.span, message, help=help_))
        return None
    return Reference(variable.id, ("body",), TEXT, nullable=False, span=name.span)
