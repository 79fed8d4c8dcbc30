"""Templates and JSON values."""

from __future__ import annotations

from perdure.ir.expr import Constant, Expression, Listing, Mapping, Template, Value
from perdure.resolve.context import Context
from perdure.resolve.expressions import resolve_expression
from perdure.resolve.scope import Env
from perdure.source import Text
from perdure.syntax import tree as syntax


def resolve_template(
    context: Context, env: Env, template: syntax.Template
) -> Template | None:
    """Resolve text with expressions in it; a lone expression stays a template."""
    parts: list[str | Expression] = []
    complete = True
    for part in template.parts:
        if isinstance(part, Text):
            parts.append(part.value)
            continue
        expression = resolve_expression(context, env, part)
        complete = complete and expression is not None
        if expression is not None:
            parts.append(expression)
    return Template(tuple(parts)) if complete else None


def resolve_value(context: Context, env: Env, value: syntax.Value) -> Value | None:
    """Resolve a JSON value; a text that is one expression keeps its type."""
    match value:
        case syntax.Constant():
            return Constant(value.text)
        case syntax.Template():
            template = resolve_template(context, env, value)
            if template and len(template.parts) == 1:
                only = template.parts[0]
                return only if isinstance(only, Expression) else template
            return template
        case syntax.Mapping():
            entries = [
                (n.text, resolve_value(context, env, v)) for n, v in value.entries
            ]
            found = tuple((name, item) for name, item in entries if item is not None)
            return Mapping(found) if len(found) == len(entries) else None
        case syntax.Listing():
            items = [resolve_value(context, env, item) for item in value.items]
            kept = tuple(item for item in items if item is not None)
            return Listing(kept) if len(kept) == len(items) else None
