"""What of a workflow others rely on or must provide, apart from its steps.

Callers rely on inputs and the result; others send the signals that it waits for, or
wait for those that it sends; who runs it must let it reach hosts and tables. What the
steps of a called workflow need is part of it where they are taken in: then the
caller's run waits for the signals, and its role touches the tables.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace

from perdure.ir.expr import Expression, Secret, Template
from perdure.ir.show import Shown, duration, lists_of, shown
from perdure.ir.tree import (
    CallStep,
    HttpStep,
    Options,
    SendStep,
    SqlStep,
    StartStep,
    Step,
    WaitForSignalStep,
    Workflow,
)
from perdure.ir.types import Type
from perdure.source import Span

_HOST = re.compile(
    r"(?P<scheme>https?://)(?:[^/?#@]*@)?(?P<host>[^/?#]+)(?P<end>[/?#]?)"
)


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that is waited for; `timeout` in milliseconds."""

    name: str
    payload: Type | None
    timeout: int | None
    span: Span | None


@dataclass(slots=True)
class Calls:
    """How often a workflow is taken in, and how often it is a run of its own.

    `heard` are the signals that its steps wait for, where they are taken in.
    """

    taken_in: int = 0
    runs: int = 0
    heard: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Call:
    """A call or a start of a workflow, against whose sources the caller is checked.

    `span` is the step in the caller's own file. With `inline` the steps of the called
    workflow become the caller's. `within` is the workflow that the call stands in,
    where that one is taken in.
    """

    workflow: str
    span: Span
    inline: bool = False
    within: str | None = None


@dataclass(slots=True)
class Interface:
    """What others rely on or must provide; places by name."""

    workflow: Workflow
    signals: dict[str, list[Signal]] = field(default_factory=dict)
    sent: dict[str, Span | None] = field(default_factory=dict)
    hosts: dict[str, Span | None] = field(default_factory=dict)
    secrets: dict[str, Span | None] = field(default_factory=dict)
    calls: dict[str, Span | None] = field(default_factory=dict)
    reads: dict[str, Span | None] = field(default_factory=dict)
    writes: dict[str, Span | None] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)


def interface(workflow: Workflow, apart: Container[str] = ()) -> Interface:
    """Return the interface of a workflow, without the steps of workflows `apart`."""
    found = Interface(workflow)
    show = shown(workflow)
    found.options.update(_options(show, workflow.options))
    for step in every_step(workflow.steps, apart):
        _note(found, step)
    return found


def ways(workflow: Workflow) -> dict[str, Calls]:
    """Return how a workflow has others do a part of it."""
    found: dict[str, Calls] = {}
    for step in every_step(workflow.steps):
        if isinstance(step, CallStep | StartStep):
            calls = found.setdefault(step.workflow, Calls())
            if isinstance(step, CallStep) and step.inline and step.callee:
                calls.taken_in += 1
                calls.heard.update(interface(step.callee).signals)
            else:
                calls.runs += 1
    return found


def calls_of(workflow: Workflow | None) -> Iterator[Call]:
    """Yield the calls in a workflow, and those in the workflows that it takes in."""
    if workflow is not None:
        yield from _calls(workflow.steps)


def _calls(steps: tuple[Step, ...]) -> Iterator[Call]:
    for step in steps:
        for _, _, inner in lists_of(step):
            yield from _calls(inner)
        if isinstance(step, StartStep):
            yield Call(step.workflow, step.head.span)
        if isinstance(step, CallStep):
            yield Call(step.workflow, step.head.span, step.inline)
            for each in calls_of(step.callee if step.inline else None):
                within = each.within or step.workflow
                yield replace(each, span=step.head.span, within=within)


def every_step(steps: tuple[Step, ...], apart: Container[str] = ()) -> Iterator[Step]:
    """Yield all steps, outer before inner, those of calls taken in included."""
    for step in steps:
        yield step
        for _, _, inner in lists_of(step):
            yield from every_step(inner, apart)
        if isinstance(step, CallStep) and step.inline and step.callee is not None:
            inner = () if step.workflow in apart else step.callee.steps
            yield from every_step(inner, apart)


def _note(found: Interface, step: Step) -> None:
    span = step.head.span
    match step:
        case WaitForSignalStep():
            signal = Signal(step.signal, step.payload, step.timeout, span)
            found.signals.setdefault(step.signal, []).append(signal)
        case SendStep():
            found.sent.setdefault(step.signal, span)
        case CallStep() | StartStep():
            found.calls.setdefault(step.workflow, span)
        case SqlStep():
            for table in step.facts.reads:
                found.reads.setdefault(table, span)
            for table in step.facts.writes:
                found.writes.setdefault(table, span)
        case HttpStep():
            found.hosts.setdefault(host(step.url), span)
            for name in _secrets(step):
                found.secrets.setdefault(name, span)


def host(url: Template) -> str:
    """Return the host and port of a URL; `…` is what only the run knows."""
    text = "".join(part if isinstance(part, str) else "…" for part in url.parts)
    found = _HOST.match(text)
    if found is None:
        return "…"
    scheme = "" if found["scheme"] == "https://" else found["scheme"]
    return scheme + found["host"].lower()


def _secrets(step: HttpStep) -> Iterator[str]:
    templates = [step.url, *(value for _, value in step.headers)]
    templates += [value for _, value in step.form or ()]
    templates += [part.body for part in step.multipart or () if part.body]
    if step.body is not None:
        templates.append(step.body)
    for template in templates:
        for part in template.parts:
            if isinstance(part, Secret):
                yield part.name


def _options(show: Shown, options: Options | None) -> Iterator[tuple[str, str]]:
    """Yield the workflow's own keys, and what they say."""
    if options is None:
        return
    if (own := options.schedule) is not None:
        yield "schedule", f"{own.cron} {own.timezone}, overlap: {own.overlap}"
    if options.timeout is not None:
        yield "timeout", duration(options.timeout)
    if isinstance(options.idempotency_key, Expression):
        yield "idempotency_key", show.expression(options.idempotency_key)
    if (limit := options.concurrency) is not None:
        by = f" by {show.expression(limit.key)}" if limit.key else ""
        yield "concurrency", f"{limit.limit}{by}"
    for name in ("role", "database"):
        if (value := getattr(options, name)) is not None:
            yield name, value
    if options.search_path is not None:
        yield "search_path", ", ".join(options.search_path)
