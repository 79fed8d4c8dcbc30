"""A workflow's parts as a reader knows them: SQL with `:name`, expressions, values.

What is shown is for people: diffs and graphs. It is not the file's text (that may be
escaped, or be Python), and it is not the digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from perdure.ir.expr import (
    Constant,
    Expression,
    Listing,
    Reference,
    Statement,
    Template,
    Value,
)
from perdure.ir.expr import Mapping as Object
from perdure.ir.tree import (
    AssertStep,
    BreakStep,
    ContinueStep,
    FailStep,
    HttpStep,
    IfStep,
    LetStep,
    LoopStep,
    ParallelStep,
    RaceStep,
    Retry,
    ReturnStep,
    SleepStep,
    SqlStep,
    Step,
    WaitForSignalStep,
    Workflow,
)
from perdure.ir.types import Items, Record, Scalar, Type, Variable
from perdure.syntax.sql import Token

_KINDS: Mapping[type[Step], str] = {
    SqlStep: "sql",
    HttpStep: "http",
    SleepStep: "sleep",
    WaitForSignalStep: "wait_for_signal",
    LetStep: "let",
    IfStep: "if",
    ParallelStep: "parallel",
    RaceStep: "race",
    LoopStep: "loop",
    BreakStep: "break",
    ContinueStep: "continue",
    ReturnStep: "return",
    FailStep: "fail",
    AssertStep: "assert",
}
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms"))


@dataclass(frozen=True, slots=True)
class Shown:
    """Shows the parts of one workflow, whose variables it knows by name."""

    variables: Mapping[str, Variable]

    def reference(self, ref: Reference) -> str:
        """Return `order.total`."""
        known = self.variables.get(ref.variable)
        return ".".join((known.name if known else ref.variable, *ref.path))

    def sql(self, statement: Statement) -> str:
        """Return a statement with its references as the user writes them."""
        return "".join(
            part.text
            if isinstance(part, Token)
            else f":{self.reference(part)}{'.*' if part.row_set else ''}"
            for part in statement.parts
        )

    def expression(self, expr: Expression) -> str:
        """Return an expression in its canonical spelling, without outer parentheses."""
        text = "".join(
            part if isinstance(part, str) else self.reference(part)
            for part in expr.parts
        )
        return text[1:-1] if _enclosed(text) else text

    def template(self, value: Template) -> str:
        """Return text with `${expression}` in it."""
        return "".join(
            part if isinstance(part, str) else f"${{{self.expression(part)}}}"
            for part in value.parts
        )

    def value(self, value: Value | None) -> str:
        """Return a JSON value on one line."""
        match value:
            case None:
                return "null"
            case Constant(text):
                return text
            case Template():
                return json.dumps(self.template(value), ensure_ascii=False)
            case Expression():
                return f"${{{self.expression(value)}}}"
            case Listing(items):
                return f"[{', '.join(map(self.value, items))}]"
            case Object(entries):
                members = [f"{name}: {self.value(item)}" for name, item in entries]
                return "{" + ", ".join(members) + "}"


def shown(workflow: Workflow) -> Shown:
    """Return what shows the parts of a workflow."""
    return Shown({variable.id: variable for variable in workflow.variables})


def kind(step: Step) -> str:
    """Return the word that names a step's kind in a workflow file."""
    return _KINDS[type(step)]


def duration(milliseconds: int) -> str:
    """Return `1m30s`."""
    text, left = "", milliseconds
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def type_text(type: Type, nullable: bool = False) -> str:
    """Return a type as a workflow file spells it."""
    mark = "?" if nullable else ""
    match type:
        case Scalar(name):
            return name + mark
        case Items(item, optional):
            return f"[{type_text(item, optional)}]{mark}"
        case Record(fields):
            inner = ", ".join(
                f"{f.name}: {type_text(f.type, f.nullable)}" for f in fields
            )
            return "{" + inner + "}" + mark


def retry_text(retry: Retry) -> str:
    """Return a retry policy on one line."""
    parts = [
        f"max_attempts: {retry.max_attempts}",
        f"backoff: {duration(retry.backoff)}",
    ]
    parts.append(f"factor: {retry.factor:g}")
    if retry.max_backoff is not None:
        parts.append(f"max_backoff: {duration(retry.max_backoff)}")
    parts.append(f"jitter: {str(retry.jitter).lower()}")
    if retry.on is not None:
        parts.append(f"on: [{', '.join(retry.on)}]")
    return "{" + ", ".join(parts) + "}"


def _enclosed(text: str) -> bool:
    """Say whether a pair of parentheses encloses all of an expression."""
    if not (text.startswith("(") and text.endswith(")")):
        return False
    depth, quote = 0, ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            depth += (char == "(") - (char == ")")
            if depth == 0 and at < len(text) - 1:
                return False
    return depth == 0
