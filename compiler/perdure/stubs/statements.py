"""The statements of Python workflows: the text as a type checker sees it, and its row.

A checker sees what stands in the call: a string, or the name of a constant that is
declared Final. Statements that are put together otherwise have no overload.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from perdure.check.walk import every_step
from perdure.ir.tree import SqlStep, Workflow
from perdure.ir.types import Cardinality, Field
from perdure.source import Source

FUNCTIONS = ("sql", "sql_file")


@dataclass(frozen=True, slots=True)
class Statement:
    """A call of `sql` or `sql_file` whose result has a name.

    `expect` is what the call says, `cardinality` what holds.
    """

    path: str
    workflow: str
    step: str
    function: str
    text: str
    expect: str | None
    cardinality: Cardinality
    columns: tuple[Field, ...]


def statements(source: Source, workflow: Workflow) -> Iterator[Statement]:
    """Yield the statements of a workflow in Python, in the order of the file."""
    calls = _Calls(source.text)
    for step in every_step(workflow.steps):
        name = step.head.name
        if not isinstance(step, SqlStep) or name is None:
            continue
        found = calls.at(step.head.span.start)
        if found is not None:
            function, text, expect = found
            holds = step.expect or step.facts.cardinality
            yield Statement(
                source.path,
                workflow.name,
                name,
                function,
                text,
                expect,
                holds if step.facts.returns_rows else "one",
                step.columns,
            )


class _Calls:
    """The calls of a file by the place of what is called."""

    def __init__(self, text: str) -> None:
        self._starts = [0]
        self._lines = text.split("\n")
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        tree = ast.parse(text)
        self._constants = dict(_constants(tree.body))
        self._calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call)]

    def at(self, offset: int) -> tuple[str, str, str | None] | None:
        """Return function, text and `expect` of the call whose name stands there."""
        for call in self._calls:
            function = _name(call.func)
            if function in FUNCTIONS and self._is_in(call.func, offset) and call.args:
                text = self._text(call.args[0])
                return (function, text, _expect(call)) if text is not None else None
        return None

    def _is_in(self, node: ast.expr, offset: int) -> bool:
        start = self._offset(node.lineno, node.col_offset)
        end = self._offset(node.end_lineno or 0, node.end_col_offset or 0)
        return start <= offset < end

    def _offset(self, line: int, column: int) -> int:
        """Return the place of a character; `ast` counts in bytes."""
        before = self._lines[line - 1].encode()[:column]
        return self._starts[line - 1] + len(before.decode())

    def _text(self, node: ast.expr) -> str | None:
        match node:
            case ast.Constant(value=str() as text):
                return text
            case ast.Name(id=name):
                return self._constants.get(name)
        return None


def _constants(body: Iterable[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Yield the texts of a module that are declared Final."""
    for node in body:
        match node:
            case ast.AnnAssign(
                target=ast.Name(id=name),
                annotation=annotation,
                value=ast.Constant(value=str() as text),
            ) if _name(annotation) == "Final":
                yield name, text


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return _name(value)
    return ""


def _expect(call: ast.Call) -> str | None:
    for keyword in call.keywords:
        if keyword.arg == "expect" and isinstance(keyword.value, ast.Constant):
            return keyword.value.value if isinstance(keyword.value.value, str) else None
    return None
