"""The flow of control between steps: boxes and arrows, for mermaid and dot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from perdure.graph.tree import Tree, TreeNode

Shape = Literal["start", "end", "step", "choice", "fork", "wait"]

_SHAPES: dict[str, Shape] = {
    "if": "choice",
    "loop": "choice",
    "parallel": "fork",
    "race": "fork",
    "sleep": "wait",
    "wait_for_signal": "wait",
    "sleep_until": "wait",
    "wait_for_schedule": "wait",
    "switch": "choice",
    "foreach": "choice",
}
_LEAVES = ("return", "fail", "break", "continue")
_REST = {"if": "else", "switch": "default"}
_UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Box:
    """A step in the drawing."""

    id: str
    lines: tuple[str, ...]
    shape: Shape


@dataclass(frozen=True, slots=True)
class Arrow:
    """A way from one box to another."""

    source: str
    target: str
    label: str = ""


@dataclass(slots=True)
class Flow:
    """Boxes and arrows of a workflow, in the order of its steps."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)

    def box(self, lines: Sequence[str], shape: Shape) -> str:
        """Add a box, and return its id."""
        name = f"n{len(self.boxes)}"
        self.boxes.append(Box(name, tuple(line for line in lines if line), shape))
        return name


@dataclass(frozen=True, slots=True)
class _Loose:
    """An arrow that does not know yet where it leads."""

    source: str
    label: str = ""


@dataclass(slots=True)
class _Loop:
    """The loop around: where a round starts, and the breaks out of it."""

    start: str
    breaks: list[_Loose] = field(default_factory=list)


def flow(tree: Tree) -> Flow:
    """Return the flow of control of a workflow."""
    drawn = Flow()
    start = drawn.box([tree.name, ", ".join(tree.inputs)], "start")
    loose = _steps(drawn, tree.nodes, [_Loose(start)], None)
    if loose:
        _join(drawn, loose, drawn.box(["end"], "end"))
    return drawn


def _steps(
    drawn: Flow, nodes: Sequence[TreeNode], loose: list[_Loose], loop: _Loop | None
) -> list[_Loose]:
    for node in nodes:
        loose = _step(drawn, node, loose, loop)
    return loose


def _step(
    drawn: Flow, node: TreeNode, loose: list[_Loose], loop: _Loop | None
) -> list[_Loose]:
    title = f"{node.kind} {node.name}" if node.name else node.kind
    shape: Shape = "end" if node.kind == "return" else _SHAPES.get(node.kind, "step")
    box = drawn.box([title, node.text], shape)
    _join(drawn, loose, box)
    ends = _ways_on(drawn, node, box, loop)
    _undo(drawn, node, box, loop)
    return [*ends, _Loose(box, "skipped")] if node.skippable else ends


def _ways_on(drawn: Flow, node: TreeNode, box: str, loop: _Loop | None) -> list[_Loose]:
    """Draw what is in a step; return the ways out of it."""
    if node.kind in _LEAVES:
        _leave(drawn, node, box, loop)
        return []
    if node.kind in ("loop", "foreach"):
        return _loop(drawn, node, box)
    if node.kind == "try":
        return _try(drawn, node, box, loop)
    return _branches(drawn, node, box, loop)


def _undo(drawn: Flow, node: TreeNode, box: str, loop: _Loop | None) -> None:
    """Draw the steps that take a step back; nothing follows them."""
    for part in node.parts:
        if part.label == _UNDO:
            _steps(drawn, part.nodes, [_Loose(box, _UNDO)], loop)


def _try(drawn: Flow, node: TreeNode, box: str, loop: _Loop | None) -> list[_Loose]:
    """Draw the steps, those that handle a failure, and after both those that end."""
    ends: list[_Loose] = []
    for part in node.parts:
        if part.label in ("try", "catch"):
            ends += _steps(drawn, part.nodes, [_Loose(box, part.label)], loop)
        elif part.label == "finally":
            ends = _steps(drawn, part.nodes, ends, loop)
    return ends


def _branches(
    drawn: Flow, node: TreeNode, box: str, loop: _Loop | None
) -> list[_Loose]:
    parts = [part for part in node.parts if part.label != _UNDO]
    if not parts:
        return [_Loose(box)]
    ends: list[_Loose] = []
    for part in parts:
        ends += _steps(drawn, part.nodes, [_Loose(box, part.label)], loop)
    rest = _REST.get(node.kind)
    if rest and all(part.label != rest for part in parts):
        ends.append(_Loose(box, rest))
    if node.kind in ("parallel", "race") and ends:
        word = "all" if node.kind == "parallel" else "first"
        meet = drawn.box([word], "fork")
        _join(drawn, ends, meet)
        return [_Loose(meet)]
    return ends


def _loop(drawn: Flow, node: TreeNode, box: str) -> list[_Loose]:
    around = _Loop(box)
    for part in node.parts:
        if part.label == _UNDO:
            continue
        ends = _steps(drawn, part.nodes, [_Loose(box, part.label)], around)
        _join(drawn, [_Loose(end.source, end.label or "again") for end in ends], box)
    done = (
        [_Loose(box, "done")]
        if (node.kind == "foreach" or "while " in node.text or "until " in node.text)
        else []
    )
    return [*around.breaks, *done]


def _leave(drawn: Flow, node: TreeNode, box: str, loop: _Loop | None) -> None:
    if loop is None:
        return
    if node.kind == "break":
        loop.breaks.append(_Loose(box))
    elif node.kind == "continue":
        drawn.arrows.append(Arrow(box, loop.start, "again"))


def _join(drawn: Flow, loose: Sequence[_Loose], target: str) -> None:
    drawn.arrows += [Arrow(each.source, target, each.label) for each in loose]
