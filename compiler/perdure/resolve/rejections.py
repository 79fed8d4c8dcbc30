"""PostgreSQL's objections as findings, with what a workflow's author may have meant.

Its own message stands first, because that is what can be searched for. The common
mistake is a name without its colon, which PostgreSQL can only call an unknown column
or table.
"""

from __future__ import annotations

import re

from perdure.catalog.model import Rejected
from perdure.diagnostics import Edit, Fix, error
from perdure.diagnostics.wording import is_python, worded
from perdure.resolve.context import RUN, Context
from perdure.resolve.scope import Env
from perdure.resolve.suggest import did_you_mean, replacement
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
_COLUMN = re.compile(r'column "(\w+)" does not exist')
_RELATION = re.compile(r'relation "(\w+)" does not exist')
_QUALIFIER = re.compile(r'entry for table "(\w+)"')
_HINT = re.compile(r'Perhaps you meant to reference the column "([^"]+)"\.')
_TABLE = re.compile(r'Perhaps you meant the table "([^"]+)"\.')  # of catalog.near
_WRITTEN = re.compile(r'relation "([^"]+)" does not exist')


def report_rejection(
    context: Context, env: Env, rejected: Rejected, span: Span
) -> None:
    """Add the finding for a statement or an expression that PostgreSQL refuses."""
    notes = [] if rejected.detail is None else [rejected.detail]
    help_, fix = (
        _missing_colon(env, rejected, span)
        or _untyped(context, env, rejected, span)
        or _of_python(rejected, span)
        or _hint(rejected, span)
    )
    context.report(
        error(
            _CODES.get(rejected.sqlstate, "WF510"),
            span,
            rejected.message,
            *notes,
            help=help_,
            fix=fix,
            sqlstate=rejected.sqlstate,
        )
    )


def _untyped(
    context: Context, env: Env, rejected: Rejected, span: Span
) -> tuple[str, None] | None:
    """Return help when a name may be what is objected to: a null that is text."""
    if not re.search(r"\btext\b", rejected.message):
        return None
    bound = {name: each.variable for name, each in env.bindings.items()}
    name = next((x for x, v in bound.items() if v and v.id in context.untyped), None)
    if name is None:
        return None
    null = worded(span, "cast(null as bigint)", "cast(None, int)")
    equals = worded(span, ":", " =")
    return f'"{name}" is a null without a type: write {name}{equals} {null}', None


def _of_python(rejected: Rejected, span: Span) -> tuple[str, None] | None:
    """Return what is written for something that Python has an operator for."""
    if not is_python(span):
        return None
    found = (help_ for said, help_ in _IN_PYTHON if said.search(rejected.message))
    return next(((each, None) for each in found), None)


_IN_PYTHON = [
    (re.compile(said), help_)
    for said, help_ in (
        (
            "must be type boolean, not type text",
            'compare it: "... is not None"; of text that says true or false, such as '
            "a member of JSON, write cast(..., bool)",
        ),
        (
            "argument of (AND|OR) must be type boolean",
            'compare it: "... is not None"; for a default write coalesce(a, b)',
        ),
        ("must be type boolean", 'compare it: "... is not None", or "... != 0"'),
        (
            r"not exist: \S+\[\] ->>? ",
            "an item of an array is read in SQL: select (:user.tags)[1] as tag",
        ),
        (
            "not exist: (text|character varying) ->>? ",
            "a part of a text is func.substr(text, 1, 1)",
        ),
        (
            r"not exist: text \* (integer|bigint)",
            "to repeat text write func.repeat(text, 3); to compute with text, such as "
            "a member of JSON, cast(..., int)",
        ),
        (
            r"not exist: (text [-+*/%] (integer|bigint|numeric|double precision)"
            r"|(integer|bigint|numeric|double precision) [-+*/%] text)",
            "to compute with text, such as a member of JSON, write cast(..., int); "
            'text is joined in an f-string: f"{first} {second}"',
        ),
        (
            r"not exist: (text \+|\S+ \+ text)",
            'text is joined in an f-string: f"{first} {second}"',
        ),
        (
            r"not exist: timestamp.* [+-] (integer|bigint|numeric)",
            'write a length of time: interval("1 day") * days',
        ),
        (
            r"not exist: (text (=|<>|<=?|>=?) (integer|bigint|numeric)"
            r"|(integer|bigint|numeric) (=|<>|<=?|>=?) text)",
            "compare text with text: write the number in quotes, or cast(text, int)",
        ),
    )
]
"""What PostgreSQL says of Python's habits, and what to write."""


def _hint(rejected: Rejected, span: Span) -> tuple[str | None, Fix | None]:
    """Return PostgreSQL's hint, as a suggestion where it names one column or table."""
    if table := _TABLE.fullmatch(rejected.hint or ""):
        return _near_table(rejected, table.group(1), span)
    column = _HINT.fullmatch(rejected.hint or "")
    if column is None:
        return rejected.hint, None
    meant = column.group(1)
    return did_you_mean(meant), replacement(meant, span)


def _near_table(
    rejected: Rejected, meant: str, span: Span
) -> tuple[str | None, Fix | None]:
    """Return a table as a suggestion; a fix only where the name stands as it is."""
    written = _WRITTEN.fullmatch(rejected.message)
    whole = written and len(written.group(1)) == span.end - span.start
    return did_you_mean(meant), replacement(meant, span) if whole else None


def _missing_colon(
    env: Env, rejected: Rejected, span: Span
) -> tuple[str, Fix | None] | None:
    """Return help when the unknown column or table is a name of the workflow."""
    message = rejected.message
    if (found := _COLUMN.search(message)) and _is_name(env, found.group(1)):
        shown = f'":{found.group(1)}"'
    elif (found := _QUALIFIER.search(message)) and _is_name(env, found.group(1)):
        shown = f'":{found.group(1)}.column"'
    elif (found := _RELATION.search(message)) and _is_name(env, found.group(1)):
        rows = f":{found.group(1)}.*"
        return f'for the rows of a step write "{rows}"', replacement(rows, span)
    else:
        return None
    start = Span(span.path, span.start, span.start)
    fix = Fix('write ":" before the name', (Edit(start, ":"),))
    return f"for a value of the workflow write {shown}", fix


def _is_name(env: Env, name: str) -> bool:
    return name in env.bindings or name == RUN.name
