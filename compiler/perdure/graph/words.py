"""A step in a few words."""

from __future__ import annotations

import re

from perdure.ir.expr import (
    Constant,
    Expression,
    Listing,
    Mapping,
    Reference,
    Statement,
    Template,
    Value,
)
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
    ReturnStep,
    SleepStep,
    SqlStep,
    Step,
    WaitForSignalStep,
)
from perdure.syntax.sql import Token

WIDTH = 60

_KINDS: dict[type, str] = {
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


def kind_of(step: Step) -> str:
    """Return the word that names a step's kind in a workflow file."""
    return _KINDS[type(step)]


def detail_of(thing: Step | Expression) -> str:
    """Return what a step does, or an expression says, in one short line."""
    return _shortened(_detail(thing))


def _detail(thing: Step | Expression) -> str:
    match thing:
        case Expression():
            return expression(thing)
        case SqlStep():
            return statement(thing.statement)
        case HttpStep():
            return f"{thing.method} {template(thing.url)}"
        case SleepStep(duration=Expression() as computed):
            return expression(computed)
        case SleepStep(duration=int() as fixed):
            return duration(fixed)
        case WaitForSignalStep():
            limit = f", at most {duration(thing.timeout)}" if thing.timeout else ""
            return thing.signal + limit
        case LetStep():
            return expression(thing.value)
        case IfStep():
            return expression(thing.arms[0].condition)
        case LoopStep():
            return _loop(thing)
        case ReturnStep():
            return "" if thing.value is None else value(thing.value)
        case FailStep():
            return template(thing.message)
        case AssertStep():
            return expression(thing.condition)
        case _:
            return ""


def expression(expr: Expression) -> str:
    """Return an expression with its references as names."""
    text = "".join(part if isinstance(part, str) else ref(part) for part in expr.parts)
    return _unwrapped(text)


def ref(reference: Reference) -> str:
    """Return a reference as it was written, as far as that is known."""
    suffix = ".*" if reference.row_set else ""
    return ".".join((reference.variable, *reference.path)) + suffix


def statement(sql: Statement) -> str:
    """Return a statement on one line, without comments."""
    words = []
    for part in sql.parts:
        if isinstance(part, Token):
            words.append(" " if part.kind in ("space", "comment") else part.text)
        else:
            words.append(":" + ref(part))
    return " ".join("".join(words).split())


def template(text: Template) -> str:
    """Return a template with `${}` around its expressions."""
    return "".join(
        part if isinstance(part, str) else f"${{{expression(part)}}}"
        for part in text.parts
    )


def value(json: Value) -> str:
    """Return a JSON value in the flow style of YAML."""
    match json:
        case Constant():
            return json.text
        case Template():
            return template(json)
        case Expression():
            return expression(json)
        case Mapping():
            inside = ", ".join(f"{name}: {value(each)}" for name, each in json.entries)
            return f"{{{inside}}}"
        case Listing():
            return f"[{', '.join(value(each) for each in json.items)}]"


def duration(milliseconds: int) -> str:
    """Return a duration as a workflow file would write it."""
    rest, text = milliseconds, ""
    units = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
    for unit, size in units:
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _loop(step: LoopStep) -> str:
    parts = []
    if step.while_ is not None:
        parts.append(f"while {expression(step.while_)}")
    if step.until is not None:
        parts.append(f"until {expression(step.until)}")
    if step.every is not None:
        parts.append(f"every {duration(step.every)}")
    return ", ".join(parts)


def _unwrapped(text: str) -> str:
    """Drop a pair of parentheses around the whole, and around single names."""
    text = re.sub(r"(?<![\w])\(([\w.]+)\)", r"\1", text)
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1]
    return text


def _closing(text: str) -> int:
    depth = 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return at
    return -1


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else line[: WIDTH - 1].rstrip() + "…"
