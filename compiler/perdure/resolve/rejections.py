"""PostgreSQL's objections as findings, with what a workflow's author may have meant.

Its own message stands first, because that is what can be searched for. The common
mistake is a name without its colon, which PostgreSQL can only call an unknown column
or table.
"""

from __future__ import annotations

import re

from perdure.catalog.model import Rejected
from perdure.diagnostics import Edit, Fix, error
from perdure.resolve.context import RUN, Context
from perdure.resolve.scope import Env
from perdure.resolve.suggest import replacement
from perdure.source import Span

_CODES = {
    "42601": "WF511",
    "42P01": "WF512",
    "3F000": "WF512",
    "42703": "WF513",
    "42883": "WF514",
    "42804": "WF515",
    "42846": "WF515",
    "22P02": "WF515",
    "22007": "WF515",
    "42P18": "WF515",
}
_NAME = re.compile(r'(?:column|relation) "?([A-Za-z_]\w*)"?')
_HINTED = re.compile(r'reference the column "([^"]+)"')
_QUALIFIER = re.compile(r'entry for table "([^"]+)"')


def report_rejection(
    context: Context, env: Env, rejected: Rejected, span: Span | None
) -> None:
    """Add the finding for a statement or an expression that PostgreSQL refuses."""
    notes = [] if rejected.detail is None else [rejected.detail]
    help_ = _missing_colon(env, rejected)
    if help_ is not None and rejected.hint:
        notes.append(rejected.hint)
    fix = None
    if span is not None:
        fix = _add_colon(span) if help_ else _write_column(rejected, span)
    context.report(
        error(
            _CODES.get(rejected.sqlstate, "WF510"),
            span,
            rejected.message,
            *notes,
            help=help_ or rejected.hint,
            fix=fix,
            sqlstate=rejected.sqlstate,
        )
    )


def _add_colon(span: Span) -> Fix:
    start = Span(span.path, span.start, span.start)
    return Fix('write ":" before the name', (Edit(start, ":"),))


def _write_column(rejected: Rejected, span: Span) -> Fix | None:
    """Return the fix that writes the column of PostgreSQL's hint."""
    meant = _HINTED.search(rejected.hint or "")
    return replacement(meant.group(1), span) if meant else None


def _missing_colon(env: Env, rejected: Rejected) -> str | None:
    """Return help when the unknown column or table is a name of the workflow."""
    if rejected.sqlstate not in ("42703", "42P01"):
        return None
    name, qualifier = (
        _NAME.search(rejected.message),
        _QUALIFIER.search(rejected.message),
    )
    if name is not None and _is_name(env, name.group(1)):
        return f'for the value of the workflow write ":{name.group(1)}"'
    if qualifier is not None and _is_name(env, qualifier.group(1)):
        return f'for a value of the workflow write ":{qualifier.group(1)}.column"'
    return None


def _is_name(env: Env, name: str) -> bool:
    return name in env.bindings or name == RUN.name
