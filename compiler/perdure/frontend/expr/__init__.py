"""Expressions, templates, type names, durations, schedules: text to syntax tree."""

from perdure.frontend.expr.cron import parse_cron
from perdure.frontend.expr.durations import parse_duration
from perdure.frontend.expr.expressions import parse_expr, parse_type
from perdure.frontend.expr.templates import parse_template

__all__ = [
    "parse_cron",
    "parse_duration",
    "parse_expr",
    "parse_template",
    "parse_type",
]
