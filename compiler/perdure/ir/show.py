"""A workflow's parts as a reader knows them: SQL with `:name`, expressions, values.

What is shown is for people: diffs and graphs. It is not the file's text (that may be
escaped, or be Python), and it is not the digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from perdure.ir.expr import (
    Constant,
    Expression,
    Listing,
    Reference,
    Secret,
    Statement,
    Template,
    Value,
)
from perdure.ir.expr import Mapping as Object
from perdure.ir.tree import (
    AssertStep,
    BreakStep,
    CallStep,
    ContinueStep,
    FailStep,
    ForeachStep,
    GroupStep,
    HttpStep,
    IfStep,
    LetStep,
    LoopStep,
    ParallelStep,
    RaceStep,
    Retry,
    ReturnStep,
    SendStep,
    SleepStep,
    SleepUntilStep,
    SqlStep,
    StartStep,
    Step,
    SwitchStep,
    TransactionStep,
    TryStep,
    WaitForScheduleStep,
    WaitForSignalStep,
    Workflow,
)
from perdure.ir.types import Items, Record, Scalar, Type, Variable
from perdure.syntax.sql import Token

_KINDS: Mapping[type[Step], str] = {
    SqlStep: "sql",
    HttpStep: "http",
    CallStep: "call",
    StartStep: "start",
    SendStep: "signal",
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
    SwitchStep: "switch",
    TryStep: "try",
    ForeachStep: "foreach",
    TransactionStep: "transaction",
    GroupStep: "do",
    SleepUntilStep: "sleep_until",
    WaitForScheduleStep: "wait_for_schedule",
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

    def words(self, statement: Statement) -> str:
        """Return a statement without its comments and its own white space."""
        blank = ("space", "comment")
        return " ".join(
            part.text if isinstance(part, Token) else f":{self.reference(part)}"
            for part in statement.parts
            if not (isinstance(part, Token) and part.kind in blank)
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
            part if isinstance(part, str) else f"${{{self._inside(part)}}}"
            for part in value.parts
        )

    def _inside(self, part: Expression | Secret) -> str:
        if isinstance(part, Secret):
            return f"secrets.{part.name}"
        return self.expression(part)

    def called(self, step: CallStep | StartStep) -> Iterator[str]:
        """Yield which workflow is called, in which version, and its inputs."""
        version = f", whose steps are {step.pinned[:8]}" if step.pinned else ""
        yield f"{step.workflow}{version}"
        for each in step.arguments:
            yield f"{each.name}: {self.expression(each.value)}"
        if isinstance(step, StartStep) and step.key is not None:
            yield f"key: {self.template(step.key)}"

    def sent(self, step: SendStep) -> Iterator[str]:
        """Yield what a signal says, one a line."""
        yield step.signal
        yield f"to: {self.template(step.to)}"
        if step.data is not None:
            yield f"data: {self.value(step.data)}"

    def error(self, variable: str | None) -> str:
        """Return the name of the error in a `catch`."""
        known = self.variables.get(variable or "")
        return known.name if known else ""

    def guards(self, step: Step) -> Iterator[str]:
        """Yield what any step may have, one a line."""
        head = step.head
        if head.when is not None:
            yield f"when: {self.expression(head.when)}"
        if head.timeout is not None:
            yield f"timeout: {duration(head.timeout)}"
        if head.once:
            yield "effects: once"

    def foreach(self, step: ForeachStep) -> Iterator[str]:
        """Yield what a `foreach` goes over, and what it gives, one a line."""
        known = self.variables.get(step.item)
        yield f"{known.name if known else step.item} in {self.reference(step.rows)}"
        if step.max_parallel != 1:
            yield f"max_parallel: {step.max_parallel}"
        columns = zip(step.columns, step.collect, strict=True)
        for column, value in columns:
            yield f"collect {column.name}: {self.value(value)}"

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


def lists_of(step: Step) -> Iterator[tuple[str, str, tuple[Step, ...]]]:
    """Yield the lists of steps in a step: where it stands, its label, and the list."""
    match step:
        case IfStep():
            yield "then", "then", step.arms[0].steps
            for at, arm in enumerate(step.arms[1:]):
                yield f"elif[{at}].then", "elif", arm.steps
            yield "else", "else", step.otherwise
        case ParallelStep() | RaceStep():
            for branch in step.branches:
                yield f"{kind(step)}.{branch.name}", branch.name, branch.steps
        case LoopStep():
            yield "loop", "do", step.steps
        case ForeachStep() | GroupStep():
            yield "do", "do", step.steps
        case TransactionStep():
            yield "transaction", "do", step.steps
        case SwitchStep():
            for at, case in enumerate(step.cases):
                yield f"cases[{at}]", case.value, case.steps
            yield "default", "default", step.default
        case TryStep():
            yield "try", "try", step.steps
            if step.handler is not None:
                yield "do", "catch", step.handler
            yield "finally", "finally", step.finally_
    if step.head.undo:
        yield "undo", "undo", step.head.undo


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
