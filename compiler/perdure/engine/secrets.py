"""Secrets: their values are put into a request at the last moment, and stay here.

The database has the name of a secret and a random token in its place. A value is
encoded for where it stands: as a part of a URL (whole at its start), as the inside of a
JSON string or a form field by the body's content type, else as it is. What comes back
is searched for the values, which are replaced by `***`: a server that echoes a request
would else bring them into the database.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, LiteralString
from urllib.parse import quote, quote_plus

from perdure.engine.http_client import Failure, Request, Response

VARIABLE = "PERDURE_SECRET_"
FUNCTION = "PERDURE_SECRETS_FUNCTION"
HIDDEN = "***"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")
_JSON = re.compile(r"application/(.*\+)?json\b", re.IGNORECASE)
_FORM = re.compile(r"application/x-www-form-urlencoded\b", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

Ask = Callable[[LiteralString, str], Awaitable[Sequence[Sequence[object]]]]
Values = Mapping[str, str]


class SecretError(Exception):
    """A secret cannot be used; the message names it, and not its value."""


async def find_values(names: Values, ask: Ask) -> Values:
    """Return the values of secrets by token; raises SecretError for one without.

    The environment comes first, then the database function that it names.
    """
    found = {name: await _find(name, ask) for name in sorted(set(names.values()))}
    return {token: found[name] for token, name in names.items()}


async def _find(name: str, ask: Ask) -> str:
    variable = VARIABLE + name.upper()
    value = os.environ.get(variable)
    function = os.environ.get(FUNCTION)
    if value is None and function:
        if not _NAME.fullmatch(function):
            raise SecretError(f'{FUNCTION} is "{function}", which is no function')
        query: Any = f"select {function}(%s)::text"  # a name, and no more
        rows = await ask(query, name)
        value = str(rows[0][0]) if rows and rows[0][0] is not None else None
    if not value:
        where = f"{function}('{name}') gave none" if function else "and no function"
        missing = f"{variable} is not set for the worker, {where}"
        raise SecretError(f'secret "{name}" has no value: {missing}')
    return value


def put_in(request: Request, names: Values, values: Values) -> Request:
    """Return the request with values in place of their tokens."""
    headers = {}
    secret_headers = set()
    for header, text in request.headers.items():
        headers[header] = _in_header(text, names, values)
        if headers[header] != text:
            secret_headers.add(header.lower())
    body = request.body and _replaced(request.body, values, _encoder(headers))
    return replace(
        request,
        url=_in_url(request.url, values),
        headers=headers,
        body=body,
        secret_headers=frozenset(secret_headers),
        secret_body=body != request.body,
    )


def _in_header(text: str, names: Values, values: Values) -> str:
    for token, value in values.items():
        if token in text and _CONTROL.search(value):
            raise SecretError(
                f'secret "{names[token]}" has a line break or a control character, '
                "which no header can have"
            )
    return _replaced(text, values, str)


def _in_url(url: str, values: Values) -> str:
    for token, value in values.items():
        if url.startswith(token):
            url = value + url.removeprefix(token)
    return _replaced(url, values, _quoted)


def _replaced(text: str, values: Values, encode: Callable[[str], str]) -> str:
    for token, value in values.items():
        text = text.replace(token, encode(value))
    return text


def _encoder(headers: Mapping[str, str]) -> Callable[[str], str]:
    declared = next(
        (text for name, text in headers.items() if name.lower() == "content-type"), ""
    )
    if _JSON.match(declared):
        return _inside_json
    return quote_plus if _FORM.match(declared) else str


def _quoted(value: str) -> str:
    return quote(value, safe="")


def _inside_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


# --- what comes back ------------------------------------------------------------


def hidden(outcome: Response | Failure, values: Values) -> Response | Failure:
    """Return an outcome without the values, however they are spelled."""
    shapes = sorted(
        {shape for value in values.values() for shape in _shapes(value)},
        key=len,
        reverse=True,
    )

    def hide(text: str) -> str:
        for shape in shapes:
            text = text.replace(shape, HIDDEN)
        return text

    if isinstance(outcome, Failure):
        return Failure(outcome.kind, hide(outcome.message))
    headers = {hide(name): hide(text) for name, text in outcome.headers.items()}
    body = outcome.body
    if outcome.encoding == "base64":
        content = base64.b64decode(body)
        for shape in shapes:
            content = content.replace(shape.encode(), HIDDEN.encode())
        body = base64.b64encode(content).decode()
    return replace(outcome, headers=headers, body=hide(body))


def _shapes(value: str) -> set[str]:
    """Return how a server may spell a value that it sends back.

    A request that is shown in a member of the answer's JSON is JSON twice.
    """
    once = _in_json(value)
    twice = {shape for each in once for shape in _in_json(each)}
    code = base64.b64encode(value.encode()).decode()
    found = {value, _quoted(value), quote_plus(value), code, *once, *twice}
    return {shape for shape in found if shape}


def _in_json(value: str) -> set[str]:
    """Return the spellings of a value inside a JSON string."""
    plain = {_inside_json(value), json.dumps(value)[1:-1]}
    return plain | {text.replace("/", "\\/") for text in plain}
