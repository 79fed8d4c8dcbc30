"""WF228: `2026-01-01` without quotes, which is a subtraction of numbers."""

from __future__ import annotations

from perdure.diagnostics import warning
from perdure.diagnostics.wording import worded
from perdure.resolve.context import Context
from perdure.resolve.facts import inside
from perdure.syntax.expr import Binary, Literal


def report_dates(context: Context, node: object) -> None:
    """Warn of subtractions in an expression that look like a date, once for each."""
    date = written_date(node)
    if date is not None and isinstance(node, Binary):
        year, month, day = map(int, date.split("-"))
        message = f"this is a subtraction, which gives {year - month - day}"
        made = worded(node.span, f"'{date}'::date", f"cast('{date}', 'date')")
        help_ = f'a date is written "{made}"'
        context.report_once(warning("WF228", node.span, message, help=help_))
        return
    for part, _ in inside(node, frozenset()):
        report_dates(context, part)


def written_date(node: object) -> str | None:
    """Return the date that a subtraction looks like: `2026-01-01`, without a space."""
    match node:
        case Binary(
            "-", Binary("-", Literal("number", year), Literal("number", month)), last
        ) if isinstance(last, Literal):
            digits = (year, month, last.text)
            date = "-".join(digits)
            plain = all(each.isdecimal() for each in digits)
            dense = node.span.end - node.span.start == len(date)
            if plain and dense and [*map(len, digits)] == [4, 2, 2]:
                return date
    return None
