"""Which functions and views a workflow uses, by step.

What a statement names is asked of the catalog, in the text that it was checked in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Protocol

from perdure.catalog.model import Use
from perdure.ir.expr import Expression, Statement
from perdure.ir.tree import CallStep, Head, Workflow
from perdure.resolve.described import Asked
from perdure.syntax.sql import Token, is_subscripted


class Catalog(Protocol):
    """Knows what a statement uses under a search path, none for the usual one."""

    def uses(self, sql: str, path: tuple[str, ...] = ()) -> tuple[Use, ...]:
        """Return the functions and views that a statement uses."""


@dataclass(frozen=True, slots=True)
class StepUse:
    """A function or view that a step uses; `step` is its name, else its path.

    The path of a step that is taken in begins with that of the call.
    """

    use: Use
    step: str
    path: str


def uses_of(workflow: Workflow, catalog: Catalog) -> tuple[Use, ...]:
    """Return what a workflow uses, by name."""
    found = {each.use.name: each.use for each in step_uses(workflow, catalog)}
    return tuple(found[name] for name in sorted(found))


def recorded(
    workflow: Callable[[], Workflow | None], catalog: Catalog
) -> tuple[tuple[str, str], ...]:
    """Return what a workflow uses as the lock keeps it: names with digests."""
    ir = workflow()
    found = uses_of(ir, catalog) if ir is not None else ()
    return tuple((each.name, each.digest) for each in found)


def step_uses(workflow: Workflow, catalog: Catalog) -> list[StepUse]:
    """Return what each step uses, in the order of the steps."""
    search_path = (workflow.options and workflow.options.search_path) or ()
    found: dict[tuple[str, str], StepUse] = {}
    for head, sql in _statements(workflow, None):
        for use in catalog.uses(sql, search_path):
            path = head.path if head else ""
            step = (head.name or head.path) if head else "the start of a run"
            found.setdefault((path, use.name), StepUse(use, step, path))
    return list(found.values())


def _statements(node: Any, head: Head | None) -> Iterator[tuple[Head | None, str]]:
    """Yield the SQL below a node, with the step that it belongs to."""
    match node:
        case tuple():
            for each in node:
                yield from _statements(each, head)
        case Statement():
            yield head, _statement(node)
        case Expression() if any(isinstance(part, str) for part in node.parts):
            yield head, _expression(node)
        case Expression():
            return
        case _ if is_dataclass(node) and not isinstance(node, type):
            own = getattr(node, "head", None)
            head = own if isinstance(own, Head) else head
            for each in fields(node):
                if each.name != "callee":
                    yield from _statements(getattr(node, each.name), head)
            if isinstance(node, CallStep) and node.inline:
                yield from _taken_in(node)


def _taken_in(call: CallStep) -> Iterator[tuple[Head, str]]:
    """Yield the SQL of a workflow that is taken in, with its steps as they stand then.

    Those without a step belong to the call.
    """
    for head, sql in _statements(call.callee, None):
        path = f"{call.head.path}.call.{head.path}" if head else call.head.path
        yield replace(head or call.head, path=path), sql


def _statement(statement: Statement) -> str:
    asked: Asked[int] = Asked()
    parts = statement.parts
    for index, part in enumerate(parts):
        if isinstance(part, Token):
            asked.add(part.text, index)
        elif is_subscripted(parts, index):
            for piece in ("(", part, ")"):
                asked.add(piece, index)
        else:
            asked.add(part, index)
    return asked.sql


def _expression(expression: Expression) -> str:
    asked: Asked[int] = Asked()
    asked.add("select ", 0)
    for index, part in enumerate(expression.parts):
        asked.add(part, index)
    return asked.sql
