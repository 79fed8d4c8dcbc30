"""A workflow's steps as a flat list of what each one says, without what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perdure.ir.show import (
    Shown,
    duration,
    kind,
    retry_text,
    shown,
    type_text,
)
from perdure.ir.tree import (
    AssertStep,
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
    Workflow,
)


@dataclass(frozen=True, slots=True)
class Item:
    """A step: where it stands, and the lines of its own content.

    `parent` is the index of the step that it stands in, None at the top; `slot` names
    the list there (`then`, `parallel.reserve`). `order` counts in that list.
    """

    index: int
    path: str
    kind: str
    name: str | None
    lines: tuple[str, ...]
    parent: int | None
    slot: str
    order: int


def outline(workflow: Workflow) -> list[Item]:
    """Return all steps, outer before inner."""
    items: list[Item] = []
    _add(shown(workflow), items, workflow.steps, None, "steps")
    return items


def signature(workflow: Workflow) -> tuple[str, ...]:
    """Return what callers see: inputs, one a line, and what is returned."""
    show = shown(workflow)
    lines = []
    for each in workflow.inputs:
        default = f" = {show.expression(each.default)}" if each.default else ""
        lines.append(f"{each.name}: {type_text(each.type, each.nullable)}{default}")
    if workflow.returns is not None:
        shape = type_text(workflow.returns, workflow.returns_nullable)
        lines.append(f"returns: {shape}")
    return tuple(lines)


def _add(
    show: Shown,
    items: list[Item],
    steps: tuple[Step, ...],
    parent: int | None,
    slot: str,
) -> None:
    for order, step in enumerate(steps):
        index = len(items)
        lines = tuple(_lines(show, step))
        name, path = step.head.name, step.head.path
        items.append(Item(index, path, kind(step), name, lines, parent, slot, order))
        for inner, below in _below(step):
            _add(show, items, below, index, inner)


def _below(step: Step) -> Iterator[tuple[str, tuple[Step, ...]]]:
    match step:
        case IfStep():
            yield "then", step.arms[0].steps
            for at, arm in enumerate(step.arms[1:]):
                yield f"elif[{at}].then", arm.steps
            yield "else", step.otherwise
        case ParallelStep() | RaceStep():
            for branch in step.branches:
                yield f"{kind(step)}.{branch.name}", branch.steps
        case LoopStep():
            yield "loop", step.steps


def _lines(show: Shown, step: Step) -> Iterator[str]:
    match step:
        case SqlStep():
            yield from show.sql(step.statement).splitlines()
            if step.expect is not None:
                yield f"expect: {step.expect}"
        case HttpStep():
            yield from _http(show, step)
        case SleepStep(duration=int(length)):
            yield duration(length)
        case SleepStep():
            yield show.expression(step.duration)  # type: ignore[arg-type] # not int
        case WaitForSignalStep():
            yield from _signal(step)
        case LetStep():
            known = show.variables.get(step.variable)
            name = known.name if known else step.variable
            yield f"{name} = {show.expression(step.value)}"
        case IfStep():
            for word, arm in zip(_words(), step.arms, strict=False):
                yield f"{word} {show.expression(arm.condition)}"
        case ParallelStep() | RaceStep():
            yield ", ".join(branch.name for branch in step.branches)
        case LoopStep():
            yield from _loop(show, step)
        case ReturnStep():
            yield show.value(step.value)
        case FailStep():
            yield show.template(step.message)
        case AssertStep():
            yield show.expression(step.condition)
            yield f"message: {show.template(step.message)}"
    retry = getattr(step, "retry", None)
    if retry is not None:
        yield f"retry: {retry_text(retry)}"


def _words() -> Iterator[str]:
    yield "if"
    while True:
        yield "elif"


def _http(show: Shown, step: HttpStep) -> Iterator[str]:
    yield f"{step.method} {show.template(step.url)}"
    for name, value in step.headers:
        yield f"{name}: {show.template(value)}"
    if step.json is not None:
        yield f"json: {show.value(step.json)}"
    if step.body is not None:
        yield f"body: {show.template(step.body)}"
    yield f"timeout: {duration(step.timeout)}"


def _signal(step: WaitForSignalStep) -> Iterator[str]:
    yield step.signal
    if step.payload is not None:
        yield f"payload: {type_text(step.payload)}"
    if step.timeout is not None:
        yield f"timeout: {duration(step.timeout)}"


def _loop(show: Shown, step: LoopStep) -> Iterator[str]:
    if step.while_ is not None:
        yield f"while {show.expression(step.while_)}"
    if step.until is not None:
        yield f"until {show.expression(step.until)}"
    if step.every is not None:
        yield f"every {duration(step.every)}"
