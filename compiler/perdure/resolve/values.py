"""Templates and JSON values."""

from __future__ import annotations

import re

from perdure.ir.expr import (
    Constant,
    Expression,
    Listing,
    Mapping,
    Secret,
    Template,
    Value,
)
from perdure.resolve.context import Context
from perdure.resolve.expressions import resolve_expression
from perdure.resolve.scope import Env
from perdure.resolve.settled import fails
from perdure.source import Text
from perdure.syntax import tree as syntax
from perdure.syntax.expr import Expr, Name, Ref

_EXPONENT = re.compile(r"-?[\d.]+[eE][+-]?\d+|-?\d{1000,}(\.\d*)?")


def resolve_template(
    context: Context, env: Env, template: syntax.Template, *, secrets: bool = False
) -> Template | None:
    """Resolve text with expressions in it; a lone expression stays a template.

    `secrets` says that it is a part of a request, where secrets may stand.
    """
    parts: list[str | Expression | Secret] = []
    complete = True
    for part in template.parts:
        if isinstance(part, Text):
            parts.append(part.value)
            continue
        secret = _secret(part) if secrets else None
        if secret is not None:
            parts.append(secret)
            continue
        expression = resolve_expression(context, env, part)
        complete = complete and expression is not None
        if expression is not None:
            parts.append(expression)
    return Template(tuple(parts)) if complete else None


def _secret(part: Expr) -> Secret | None:
    match part:
        case Ref(parts=(Name(text="secrets"), name)):
            return Secret(name.text)
        case _:
            return None


def resolve_value(
    context: Context, env: Env, value: syntax.Value, *, secrets: bool = False
) -> Value | None:
    """Resolve a JSON value; a text that is one expression keeps its type."""
    match value:
        case syntax.Constant():
            number = f"cast('{value.text}' as numeric)"
            if _EXPONENT.fullmatch(value.text) and fails(context, number, value.span):
                return None
            return Constant(value.text)
        case syntax.Template():
            template = resolve_template(context, env, value, secrets=secrets)
            if template and len(template.parts) == 1:
                only = template.parts[0]
                return only if isinstance(only, Expression) else template
            return template
        case syntax.Mapping():
            entries = [
                (n.text, resolve_value(context, env, v, secrets=secrets))
                for n, v in value.entries
            ]
            found = tuple((name, item) for name, item in entries if item is not None)
            return Mapping(found) if len(found) == len(entries) else None
        case syntax.Listing():
            items = [
                resolve_value(context, env, item, secrets=secrets)
                for item in value.items
            ]
            kept = tuple(item for item in items if item is not None)
            return Listing(kept) if len(kept) == len(items) else None
