"""Keys that starts share, and texts that may not be null."""

from __future__ import annotations

from perdure.diagnostics import error
from perdure.ir.expr import Expression, Template
from perdure.ir.types import TEXT
from perdure.resolve.context import Context
from perdure.resolve.described import Asked
from perdure.resolve.returns import report_nullable
from perdure.resolve.scope import Env
from perdure.resolve.values import resolve_template
from perdure.source import Span
from perdure.syntax import tree as syntax


def start_key(context: Context, env: Env, written: syntax.Template) -> Template | None:
    """Resolve the key of a start."""
    found = never_null(context, env, written)
    for part in found.parts if found else ():
        if isinstance(part, Expression):
            check_steady(context, part, part.span or written.span)
    return found


def check_steady(context: Context, key: Expression, span: Span) -> None:
    """Report a key that is another one each time it is computed."""
    asked: Asked[None] = Asked()
    for part in key.parts:
        asked.add(part, None)
    if context.catalog.is_volatile(asked.sql):
        message = "this key is another one each time it is computed"
        help_ = "make it of values that are the same where the work is the same"
        context.report(error("WF256", span, message, help=help_))


def never_null(
    context: Context,
    env: Env,
    written: syntax.Template,
    *notes: str,
    secrets: bool = False,
) -> Template | None:
    """Resolve a text that fails its step when a part of it is null; `notes` say why."""
    found = resolve_template(context, env, written, secrets=secrets)
    for part in found.parts if found else ():
        if isinstance(part, Expression) and part.nullable:
            report_nullable(context, part.span or written.span, part, TEXT, *notes)
    return found
