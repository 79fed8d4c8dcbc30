"""Where two readings of a workflow differ, and constants that are never the same.

A module that is imported again has to give the same workflow: what the time or chance
put into it would make another version in each checkout. That is seen by reading it
twice. What changes seldom, or from machine to machine only, such as the date and the
environment, is seen by what the module writes down; it gets a warning, since a project
may want just that.
"""

from __future__ import annotations

import ast
import datetime
import os
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from itertools import zip_longest
from typing import Any

from perdure.diagnostics import Diagnostic, error, warning
from perdure.frontend.python.constants import constant
from perdure.frontend.python.context import Context, short
from perdure.source import Span
from perdure.syntax.tree import Workflow

Reading = tuple[Workflow | None, list[Diagnostic]]
_NOTE = "it would make another version of the workflow"
_HELP = "write it as a literal, or make it an input"
_SOURCES: tuple[tuple[Any, str, str], ...] = (
    (os.environ, "the environment of the compiler", "on each machine"),
    (os.getenv, "the environment of the compiler", "on each machine"),
    (datetime.date.today, "the day on which it is compiled", "on each day"),
)


def report_varying(first: Sequence[Reading], again: Sequence[Reading]) -> list[Reading]:
    """Add an error to each workflow that reads otherwise when it is read again.

    Where the file can't be imported twice there is nothing to compare.
    """
    others = {each.name.text: each for each, _ in again if each is not None}
    return [(each, [*found, *_varying(each, others)]) for each, found in first]


def _varying(
    workflow: Workflow | None, others: dict[str, Workflow]
) -> list[Diagnostic]:
    other = others.get(workflow.name.text) if workflow is not None else None
    if workflow is None or other is None or workflow == other:
        return []
    span = difference(workflow, other, workflow.name.span)
    message = "a constant that is used here is another at each import of the module"
    note = f"{_NOTE} each time that it is compiled"
    return [error("WF195", span, message, note, help=_HELP)]


def warn_of_surroundings(ctx: Context, function: ast.FunctionDef) -> None:
    """Warn of constants that the module computes of the environment or of the date."""
    used = [each for each in ast.walk(function) if isinstance(each, ast.Name)]
    seen = set(ctx.locals)
    for name in sorted(used, key=lambda each: (each.lineno, each.col_offset)):
        if name.id not in seen:
            seen.add(name.id)
            _warn(ctx, name)


def _warn(ctx: Context, name: ast.Name) -> None:
    written = ctx.literals.get(name.id)
    if written is None:
        return
    for node in ast.walk(written):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        value = constant(ctx, node)
        for source, what, when in _SOURCES:
            if type(value) is type(source) and value == source:
                message = f'"{short(name.id)}" comes from {what}'
                note, span = f"{_NOTE} {when}", ctx.span(name)
                ctx.found.append(warning("WF195", span, message, note, help=_HELP))
                return


def difference(one: Any, other: Any, place: Span) -> Span:
    """Return the place of the first part of a tree that another does not have.

    `place` is that of what stands around.
    """
    if isinstance(one, tuple) and isinstance(other, tuple):
        pairs = zip_longest(one, other)
        mine, others = next(((x, y) for x, y in pairs if x != y), (None, None))
        return difference(mine, others, place)
    if not is_dataclass(one) or isinstance(one, type):
        return place
    place = _place(one, place)
    if type(one) is not type(other):
        return place
    for each in fields(one):
        mine, others = getattr(one, each.name), getattr(other, each.name)
        if each.compare and mine != others:
            return difference(mine, others, place)
    return place


def _place(part: Any, otherwise: Span) -> Span:
    """Return the place of a part of a tree; that of a step is its first word."""
    head = getattr(part, "head", part)
    span = getattr(head, "span", None)
    span = span() if callable(span) else span
    if isinstance(span, Span) and span.path == otherwise.path:
        return span
    return otherwise
