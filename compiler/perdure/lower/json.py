"""JSON values, built by PostgreSQL: numbers are numbers, the rest as `to_jsonb` gives.

A call takes at most 100 arguments, so longer objects and lists are put together from
several.
"""

from __future__ import annotations

import json
import re

from perdure.ir.expr import Constant, Expression, Listing, Mapping, Template, Value
from perdure.lower.scope import Scope
from perdure.lower.values import cast, typed
from perdure.plan.query import Code, Piece, Query, StringLiteral

_PLAIN_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?")
_CHUNK = 40


def json_value(scope: Scope, value: Value | None) -> Query:
    """Return SQL of type jsonb for a JSON value."""
    match value:
        case None:
            return (Code("null::jsonb"),)
        case Mapping() | Listing():
            return _argument(scope, value)
        case Constant(text="null"):
            return (Code("'null'::jsonb"),)
        case Constant() if not _PLAIN_NUMBER.fullmatch(value.text):
            return (StringLiteral(value.text), Code("::jsonb"))
        case Template():
            return (Code("to_jsonb("), *cast(template(scope, value), "text"), Code(")"))
        case _:
            return (Code("to_jsonb("), *_argument(scope, value), Code(")"))


def template(scope: Scope, value: Template, *, strict: bool = False) -> Query:
    """Return SQL of type text; a null reads as empty, or makes it null if `strict`."""
    pieces: list[Piece] = []
    for part in value.parts:
        pieces += [Code(" || ")] if pieces else []
        if isinstance(part, str):
            pieces.append(StringLiteral(part))
        elif isinstance(part, Expression):
            pieces += text_of(scope, part, strict=strict)
        else:
            raise ValueError("a secret has no text in SQL")
    return tuple(pieces) or (StringLiteral(""),)


def text_of(scope: Scope, expr: Expression, *, strict: bool = False) -> Query:
    """Return an expression as text."""
    as_text = typed(scope, expr, "text")
    if strict or not scope.may_be_null(expr):
        return as_text
    return (Code("coalesce("), *as_text, Code(", '')"))


def constant_json(value: Value) -> str | None:
    """Return the text of a JSON value without expressions, else None."""
    match value:
        case Constant(text):
            return text
        case Template(parts):
            whole = "".join(part for part in parts if isinstance(part, str))
            constant = all(isinstance(part, str) for part in parts)
            return _quoted(whole) if constant else None
        case Mapping(entries):
            members = [(name, constant_json(item)) for name, item in entries]
            if any(text is None for _, text in members):
                return None
            return "{" + ", ".join(f"{_quoted(n)}: {t}" for n, t in members) + "}"
        case Listing(items):
            texts = [constant_json(item) for item in items]
            if any(text is None for text in texts):
                return None
            return "[" + ", ".join(text or "" for text in texts) + "]"
        case _:
            return None


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _argument(scope: Scope, value: Value) -> Query:
    """Return SQL of any type for which `to_jsonb` gives the value."""
    match value:
        case Mapping(entries):
            pairs = [
                (StringLiteral(name), Code(", "), *_argument(scope, item))
                for name, item in entries
            ]
            return _built("jsonb_build_object", pairs)
        case Listing(items):
            return _built("jsonb_build_array", [_argument(scope, i) for i in items])
        case Expression():
            return typed(scope, value, value.type)
        case Template():
            return template(scope, value)
        case Constant(text="null"):
            return (Code("null"),)
        case Constant(text) if text in ("true", "false") or _PLAIN_NUMBER.fullmatch(
            text
        ):
            return (Code(text),)
        case Constant(text):
            return (StringLiteral(text), Code("::jsonb"))


def _built(function: str, arguments: list[Query]) -> Query:
    """Return calls of at most a chunk of arguments each, put together."""
    if not arguments:
        return (Code(f"{function}()"),)
    pieces: list[Piece] = []
    for start in range(0, len(arguments), _CHUNK):
        pieces.append(Code(f"{' || ' if pieces else ''}{function}("))
        for index, argument in enumerate(arguments[start : start + _CHUNK]):
            pieces += [Code(", ")] if index else []
            pieces += argument
        pieces.append(Code(")"))
    if len(arguments) > _CHUNK:
        return (Code("("), *pieces, Code(")"))
    return tuple(pieces)
