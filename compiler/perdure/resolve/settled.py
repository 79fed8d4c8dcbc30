"""Expressions that read nothing: PostgreSQL computes them while the project is checked.

One that fails would fail in every run. What its value is decides nothing else: folding
needs no server (`perdure.ir.constant`).
"""

from __future__ import annotations

import re

from perdure.catalog.model import Computed, Rejected
from perdure.diagnostics import error
from perdure.ir.expr import Expression, Reference
from perdure.resolve.context import Context
from perdure.source import Span

_PLAIN = re.compile(r"\(?-?\d{1,18}(\.\d{1,18})?\)?|'[^']*'|true|false|null", re.I)


def fails(context: Context, sql: str, span: Span) -> bool:
    """Report an expression without references that PostgreSQL cannot compute."""
    if _PLAIN.fullmatch(sql):
        return False
    answer = context.catalog.compute(sql)
    if not isinstance(answer, Rejected):
        return False
    note = "it reads nothing that could change, so it fails in every run"
    context.report(error("WF518", span, answer.message, note, sqlstate=answer.sqlstate))
    return True


def holds(context: Context, expression: Expression, question: str) -> bool:
    """Say whether something is true of a value that is always the same.

    `question` is SQL that has the expression in place of `%`.
    """
    texts = [each for each in expression.parts if not isinstance(each, Reference)]
    if len(texts) != len(expression.parts):
        return False
    answer = context.catalog.compute(question.replace("%", f"({''.join(texts)})"))
    return isinstance(answer, Computed) and answer.text in ("true", "t")
