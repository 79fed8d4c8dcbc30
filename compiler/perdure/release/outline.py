"""A workflow's steps as a flat list of what each one says, without what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perdure.ir.expr import Template
from perdure.ir.show import (
    Shown,
    duration,
    kind,
    lists_of,
    retry_text,
    shown,
    type_text,
)
from perdure.ir.tree import (
    AssertStep,
    CallStep,
    FailStep,
    ForeachStep,
    Head,
    HttpStep,
    IfStep,
    LetStep,
    LoopStep,
    ParallelStep,
    RaceStep,
    ReturnStep,
    SendStep,
    SleepStep,
    SleepUntilStep,
    SqlStep,
    StartStep,
    Step,
    SwitchStep,
    TryStep,
    WaitForScheduleStep,
    WaitForSignalStep,
    Workflow,
)
from perdure.source import Span

ON_FAILURE = "on_failure"
"""The path of the `try` around all steps of a workflow with that key."""


@dataclass(frozen=True, slots=True)
class Item:
    """A step: where it stands, and the lines of its own content.

    `parent` is the index of the step that it stands in, None at the top; `slot` names
    the list there (`then`, `parallel.reserve`). `order` counts in that list. `columns`
    are those of its result, which the schema decides on as well. `bare` is what steps
    are compared by: `lines`, but for the layout of their SQL.
    """

    index: int
    path: str
    kind: str
    name: str | None
    lines: tuple[str, ...]
    parent: int | None
    slot: str
    order: int
    head: Head
    columns: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()

    @property
    def span(self) -> Span:
        """Where it stands in its file."""
        return self.head.span


def outline(workflow: Workflow) -> list[Item]:
    """Return all steps, outer before inner."""
    items: list[Item] = []
    _add(shown(workflow), items, workflow.steps, None, "steps")
    return items


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
        columns = tuple(_columns(step))
        whole = path == ON_FAILURE and isinstance(step, TryStep)
        where = (parent, slot, -1 if whole else order, step.head)
        bare = tuple(_lines(show, step, bare=True))
        items.append(Item(index, path, kind(step), name, lines, *where, columns, bare))
        for inner, _, below in lists_of(step):
            if whole and inner == "try":  # the steps are where they are without it
                _add(show, items, below, parent, slot)
            else:
                _add(show, items, below, index, inner)


def _columns(step: Step) -> Iterator[str]:
    if isinstance(step, SqlStep):
        for each in step.columns:
            yield f"column {each.name}: {type_text(each.type, each.nullable)}"


def _lines(show: Shown, step: Step, *, bare: bool = False) -> Iterator[str]:
    match step:
        case SqlStep() if bare:
            yield show.words(step.statement)
            yield f"expect: {step.expect}"
        case SqlStep():
            yield from show.sql(step.statement).splitlines()
            if step.expect is not None:
                yield f"expect: {step.expect}"
        case HttpStep():
            yield from _http(show, step)
        case CallStep() | StartStep():
            yield from show.called(step)
        case SendStep():
            yield from show.sent(step)
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
        case FailStep(message=None):
            yield f"with {show.error(step.error)}"
        case FailStep(message=Template() as message):
            yield show.template(message)
        case SwitchStep():
            yield show.expression(step.subject)
            yield ", ".join(case.value for case in step.cases)
        case TryStep() if step.error is not None:
            yield f"catch: {show.error(step.error)}"
        case ForeachStep():
            yield from show.foreach(step)
        case SleepUntilStep():
            yield show.expression(step.time)
        case WaitForScheduleStep():
            yield step.cron
            yield f"timezone: {step.timezone or 'UTC'}"
        case AssertStep():
            yield show.expression(step.condition)
            yield f"message: {show.template(step.message)}"
    yield from show.guards(step)
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
    for name, value in step.form or ():
        yield f"form {name}: {show.template(value)}"
    for part in step.multipart or ():
        content = f"from {show.reference(part.source)}" if part.source else ""
        if part.body is not None:
            content = show.template(part.body)
        file = f" as {show.template(part.filename)}" if part.filename else ""
        kind_of = f" ({part.content_type})" if part.content_type else ""
        yield f"part {part.name}: {content}{file}{kind_of}"
    if step.returns is not None:
        yield f"returns: {type_text(step.returns, step.returns_nullable)}"
    if step.expect_status is not None:
        yield f"expect_status: {', '.join(step.expect_status)}"
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
