"""A workflow as a flow chart, in the languages of mermaid and of Graphviz.

Both are printed from one list of boxes and arrows. A step that ends the run or leaves
a loop has no arrow to what follows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from perdure.graph.words import detail_of, kind_of
from perdure.ir.tree import (
    BreakStep,
    ContinueStep,
    FailStep,
    IfStep,
    LoopStep,
    ParallelStep,
    RaceStep,
    ReturnStep,
    Step,
    Workflow,
)

Form = Literal["box", "choice", "round", "bar"]


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its lines of text and its form."""

    id: str
    lines: tuple[str, ...]
    form: Form


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow between two boxes."""

    tail: str
    head: str
    label: str = ""


Ends = list[tuple[str, str]]
"""Boxes that the next step follows, each with the label of its arrow."""


@dataclass(slots=True)
class Chart:
    """Boxes and arrows; `loops` holds where `break` and `continue` lead."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    loops: list[tuple[str, Ends]] = field(default_factory=list)

    def box(self, form: Form, *lines: str) -> str:
        """Add a box and return its id."""
        name = f"n{len(self.boxes)}"
        self.boxes.append(Box(name, tuple(line for line in lines if line), form))
        return name

    def join(self, ends: Ends, head: str) -> None:
        """Draw arrows from where the flow stands to a box."""
        for tail, label in ends:
            self.arrows.append(Arrow(tail, head, label))

    def steps(self, steps: tuple[Step, ...], ends: Ends) -> Ends:
        """Add steps in order; return where the flow stands after them."""
        for step in steps:
            ends = self.step(step, ends)
        return ends

    def step(self, step: Step, ends: Ends) -> Ends:
        """Add one step."""
        match step:
            case IfStep():
                return self.choice(step, ends)
            case ParallelStep() | RaceStep():
                return self.fork(step, ends)
            case LoopStep():
                return self.loop(step, ends)
            case BreakStep() | ContinueStep():
                return self.leave(step, ends)
            case ReturnStep() | FailStep():
                end = self.box("round", kind_of(step), detail_of(step))
                self.join(ends, end)
                return []
            case _:
                name = step.head.name
                kind = f"{name}: {kind_of(step)}" if name else kind_of(step)
                here = self.box("box", kind, detail_of(step))
                self.join(ends, here)
                return [(here, "")]

    def choice(self, step: IfStep, ends: Ends) -> Ends:
        """Add an `if` with its arms."""
        after: Ends = []
        for arm in step.arms:
            here = self.box("choice", detail_of(arm.condition))
            self.join(ends, here)
            after += self.steps(arm.steps, [(here, "yes")])
            ends = [(here, "no")]
        return after + self.steps(step.otherwise, ends)

    def fork(self, step: ParallelStep | RaceStep, ends: Ends) -> Ends:
        """Add branches, and the bar where they meet."""
        kind = kind_of(step)
        start = self.box("bar", kind)
        self.join(ends, start)
        meeting: Ends = []
        for branch in step.branches:
            meeting += self.steps(branch.steps, [(start, branch.name)])
        if not meeting:
            return []
        wait = "first" if isinstance(step, RaceStep) else "all"
        end = self.box("bar", f"{wait} of {kind}")
        self.join(meeting, end)
        return [(end, "")]

    def loop(self, step: LoopStep, ends: Ends) -> Ends:
        """Add a loop: its body leads back to its head."""
        head = self.box("choice" if step.while_ else "bar", "loop", detail_of(step))
        self.join(ends, head)
        after: Ends = [(head, "done")] if step.while_ or step.until else []
        self.loops.append((head, after))
        body = self.steps(step.steps, [(head, "round")])
        self.loops.pop()
        self.join([(tail, label or "again") for tail, label in body], head)
        return after

    def leave(self, step: BreakStep | ContinueStep, ends: Ends) -> Ends:
        """End the round, or the loop."""
        head, after = self.loops[-1]
        word = kind_of(step)
        if isinstance(step, ContinueStep):
            self.join([(tail, label or word) for tail, label in ends], head)
        else:
            after += [(tail, label or word) for tail, label in ends]
        return []


def chart(workflow: Workflow) -> Chart:
    """Return the flow chart of a workflow."""
    drawn = Chart()
    start = drawn.box("round", workflow.name)
    ends = drawn.steps(workflow.steps, [(start, "")])
    if ends:
        drawn.join(ends, drawn.box("round", "end"))
    return drawn


_MERMAID: dict[Form, tuple[str, str]] = {
    "box": ("[", "]"),
    "choice": ("{", "}"),
    "round": ("([", "])"),
    "bar": ("[[", "]]"),
}
_DOT: dict[Form, str] = {
    "box": "box",
    "choice": "diamond",
    "round": "oval",
    "bar": "hexagon",
}


def render_mermaid(workflow: Workflow) -> str:
    """Return the chart in mermaid's language."""
    drawn = chart(workflow)
    lines = ["flowchart TD"]
    for box in drawn.boxes:
        left, right = _MERMAID[box.form]
        text = "<br/>".join(_mermaid_text(line) for line in box.lines)
        lines.append(f'  {box.id}{left}"{text}"{right}')
    for arrow in drawn.arrows:
        label = f'|"{_mermaid_text(arrow.label)}"|' if arrow.label else ""
        lines.append(f"  {arrow.tail} -->{label} {arrow.head}")
    return "\n".join(lines) + "\n"


def render_dot(workflow: Workflow) -> str:
    """Return the chart in Graphviz's language."""
    drawn = chart(workflow)
    lines = [f"digraph {_dot_text(workflow.name)} {{", "  node [fontname=sans];"]
    for box in drawn.boxes:
        text = _dot_text("\n".join(box.lines))
        lines.append(f"  {box.id} [shape={_DOT[box.form]}, label={text}];")
    for arrow in drawn.arrows:
        label = f" [label={_dot_text(arrow.label)}]" if arrow.label else ""
        lines.append(f"  {arrow.tail} -> {arrow.head}{label};")
    return "\n".join([*lines, "}"]) + "\n"


def _mermaid_text(text: str) -> str:
    for char, code in (("&", "amp"), ('"', "quot"), ("<", "lt"), (">", "gt")):
        text = text.replace(char, f"&{code};")
    return text


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
