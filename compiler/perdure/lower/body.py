"""Texts of a request: pieces that are constant, computed in SQL, or secret.

Everything that is neither constant nor secret is computed by one statement before the
request, column by column. The value of a secret is known to the worker alone, so that
text around one is cut at it; a JSON body is then put together from texts.
"""

from __future__ import annotations

import json
from itertools import groupby
from urllib.parse import quote_plus

from perdure.ir.expr import Expression, Listing, Mapping, Secret, Template, Value
from perdure.lower.json import constant_json, json_value, template, text_of
from perdure.lower.scope import Scope
from perdure.lower.values import cast
from perdure.plan.query import Code, Piece, Query, StringLiteral

Item = str | Query | Secret
Items = list[Item]


def has_secret(value: Value | None) -> bool:
    """Say whether a secret stands anywhere in a value."""
    match value:
        case Template(parts):
            return any(isinstance(part, Secret) for part in parts)
        case Mapping(entries):
            return any(has_secret(item) for _, item in entries)
        case Listing(items):
            return any(has_secret(item) for item in items)
        case _:
            return False


def url_items(scope: Scope, url: Template) -> Items:
    """Return the URL; values are percent-encoded, except a base URL at the start.

    A null makes the whole URL null, which fails the step: `/orders/` is not the URL
    of an order without a number.
    """
    items: Items = []
    for index, part in enumerate(url.parts):
        if isinstance(part, Expression):
            value = text_of(scope, part, strict=True)
            coded = (Code("perdure.url_encode("), *value, Code(")"))
            items.append(value if index == 0 else coded)
        else:
            items.append(part)
    return items


def text_items(scope: Scope, value: Template) -> Items:
    """Return text as it is; what has no secret in it is computed as a whole."""
    if not has_secret(value):
        constant = constant_text(value)
        return [template(scope, value) if constant is None else constant]
    return [
        text_of(scope, part) if isinstance(part, Expression) else part
        for part in value.parts
    ]


def constant_text(value: Template) -> str | None:
    """Return text without expressions and secrets, else None."""
    texts = [part for part in value.parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(value.parts) else None


def form_items(scope: Scope, form: tuple[tuple[str, Template], ...]) -> Items:
    """Return fields as a form sends them."""
    items: Items = []
    for name, value in form:
        items.append(f"{'&' if items else ''}{quote_plus(name)}=")
        for part in value.parts:
            if isinstance(part, Expression):
                coded = text_of(scope, part)
                items.append((Code("perdure.url_encode("), *coded, Code(")")))
            else:
                items.append(quote_plus(part) if isinstance(part, str) else part)
    return items


def json_items(scope: Scope, value: Value, *, inner: bool = False) -> Items:
    """Return JSON; without a secret it is computed, or constant, as a whole.

    A null must not make the text around it null, when there is some (`inner`).
    """
    if not has_secret(value):
        constant = constant_json(value)
        computed = cast(json_value(scope, value), "text")
        if inner:
            computed = (Code("coalesce("), *computed, Code(", 'null')"))
        return [computed if constant is None else constant]
    match value:
        case Mapping(entries):
            items: Items = ["{"]
            for at, (name, item) in enumerate(entries):
                items.append(f"{', ' if at else ''}{_quoted(name)}: ")
                items += json_items(scope, item, inner=True)
            return [*items, "}"]
        case Listing(members):
            items = ["["]
            for at, item in enumerate(members):
                items += [", "] if at else []
                items += json_items(scope, item, inner=True)
            return [*items, "]"]
        case Template(parts):
            return ['"', *(_in_string(scope, part) for part in parts), '"']
        case _:
            raise ValueError(f"no secret can stand in {value!r}")


def _in_string(scope: Scope, part: str | Expression | Secret) -> Item:
    if isinstance(part, str):
        return _quoted(part)[1:-1]
    if isinstance(part, Secret):
        return part
    text = cast(text_of(scope, part), "text")
    return (Code("left(substr(to_json("), *text, Code(")::text, 2), -1)"))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def joined(items: Items) -> Query:
    """Return SQL that gives items without secrets as one text."""
    pieces: list[Piece] = []
    for is_text, group in groupby(items, lambda item: isinstance(item, str)):
        listed = list(group)
        if is_text:
            listed = ["".join(item for item in listed if isinstance(item, str))]
        for item in listed:
            if isinstance(item, Secret):
                raise ValueError("a secret has no text in SQL")
            pieces += [Code(" || ")] if pieces else []
            pieces += [StringLiteral(item)] if isinstance(item, str) else item
    return tuple(pieces) or (StringLiteral(""),)
