"""A workflow as a tree of labels: what every drawing starts from."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.ir.expr import Template
from perdure.ir.show import Shown, duration, kind, lists_of, shown
from perdure.ir.tree import (
    AssertStep,
    CallStep,
    FailStep,
    ForeachStep,
    HttpStep,
    IfStep,
    LetStep,
    LoopStep,
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

_WIDTH = 60


@dataclass(frozen=True, slots=True)
class Part:
    """One way on from a step: `then`, `else`, a branch by its name, `do`."""

    label: str
    nodes: tuple[TreeNode, ...]


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A step: its kind, its name if it has one, and what it does in a few words.

    A `skippable` one has `when`.
    """

    path: str
    kind: str
    name: str | None
    text: str
    parts: tuple[Part, ...] = ()
    skippable: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """A workflow: its name, its inputs as `name type`, its steps."""

    name: str
    inputs: tuple[str, ...]
    nodes: tuple[TreeNode, ...]
    description: str | None = None


def tree(workflow: Workflow) -> Tree:
    """Return a workflow as a tree of labels."""
    show = shown(workflow)
    inputs = tuple(f"{each.name} {each.type.name}" for each in workflow.inputs)
    nodes = _nodes(show, workflow.steps)
    return Tree(workflow.name, inputs, nodes, workflow.description)


def _nodes(show: Shown, steps: tuple[Step, ...]) -> tuple[TreeNode, ...]:
    return tuple(_node(show, step) for step in steps)


def _node(show: Shown, step: Step) -> TreeNode:
    name = step.head.name
    return TreeNode(
        step.head.path,
        kind(step),
        name,
        _short(", ".join(filter(None, (_text(show, step), *show.guards(step))))),
        _parts(show, step),
        step.head.when is not None,
    )


def _text(show: Shown, step: Step) -> str:
    match step:
        case SqlStep():
            return show.sql(step.statement)
        case HttpStep():
            return f"{step.method} {show.template(step.url)}"
        case CallStep() | StartStep():
            return step.workflow
        case SendStep():
            return ", ".join(show.sent(step))
        case SleepStep(duration=int(length)):
            return duration(length)
        case SleepStep():
            return show.expression(step.duration)  # type: ignore[arg-type] # not int
        case WaitForSignalStep(signal=signal, timeout=timeout):
            return f"{signal}, {duration(timeout)}" if timeout else signal
        case LetStep():
            known = show.variables.get(step.variable)
            name = known.name if known else step.variable
            return f"{name} = {show.expression(step.value)}"
        case IfStep(arms=arms):
            return show.expression(arms[0].condition)
        case LoopStep():
            return _loop(show, step)
        case ReturnStep():
            return show.value(step.value)
        case FailStep(message=None):
            return f"with {show.error(step.error)}"
        case FailStep(message=Template() as message):
            return show.template(message)
        case SwitchStep():
            return show.expression(step.subject)
        case TryStep():
            return f"catch {show.error(step.error)}" if step.error else ""
        case ForeachStep():
            return ", ".join(show.foreach(step))
        case SleepUntilStep():
            return show.expression(step.time)
        case WaitForScheduleStep():
            return f"{step.cron} {step.timezone or 'UTC'}"
        case AssertStep():
            return show.expression(step.condition)
        case _:
            return ""


def _loop(show: Shown, step: LoopStep) -> str:
    parts = []
    if step.while_ is not None:
        parts.append(f"while {show.expression(step.while_)}")
    if step.until is not None:
        parts.append(f"until {show.expression(step.until)}")
    if step.every is not None:
        parts.append(f"every {duration(step.every)}")
    return ", ".join(parts)


def _parts(show: Shown, step: Step) -> tuple[Part, ...]:
    match step:
        case IfStep():
            parts = [Part("then", _nodes(show, step.arms[0].steps))]
            for arm in step.arms[1:]:
                label = f"elif {_short(show.expression(arm.condition))}"
                parts.append(Part(label, _nodes(show, arm.steps)))
            if step.otherwise:
                parts.append(Part("else", _nodes(show, step.otherwise)))
            if step.head.undo:
                parts.append(Part("undo", _nodes(show, step.head.undo)))
            return tuple(parts)
        case _:
            return tuple(
                Part(label, _nodes(show, steps))
                for _, label, steps in lists_of(step)
                if steps or label not in ("default", "finally")
            )


def _short(text: str) -> str:
    """Return text on one line, cut where it gets long."""
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1].rstrip() + "…"
