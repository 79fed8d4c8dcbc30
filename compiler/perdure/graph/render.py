"""Drawings of a workflow as text: mermaid and dot."""

from __future__ import annotations

from perdure.graph.flow import Box, flow
from perdure.graph.tree import tree
from perdure.ir.tree import Workflow

_MERMAID = {
    "start": ("([", "])"),
    "end": ("([", "])"),
    "step": ("[", "]"),
    "choice": ("{", "}"),
    "fork": ("[[", "]]"),
    "wait": ("[/", "/]"),
}
_DOT = {
    "start": "oval",
    "end": "oval",
    "step": "box",
    "choice": "diamond",
    "fork": "hexagon",
    "wait": "parallelogram",
}
_MARKUP = str.maketrans(
    {
        "&": "#amp;",
        "#": "#35;",
        '"': "#quot;",
        "<": "#lt;",
        ">": "#gt;",
        "`": "#96;",
        "\\": "#92;",
    }
)


def render_mermaid(workflow: Workflow) -> str:
    """Return a mermaid flowchart."""
    drawn = flow(tree(workflow))
    lines = ["flowchart TD"]
    lines += [f"  {_mermaid(box)}" for box in drawn.boxes]
    for arrow in drawn.arrows:
        label = f'|"{arrow.label.translate(_MARKUP)}"|' if arrow.label else ""
        lines.append(f"  {arrow.source} -->{label} {arrow.target}")
    return "\n".join(lines) + "\n"


def render_dot(workflow: Workflow) -> str:
    """Return a graph for Graphviz."""
    drawn = flow(tree(workflow))
    lines = [f"digraph {_quoted(workflow.name)} {{"]
    lines.append('  node [fontname="sans-serif", fontsize=11];')
    lines += [
        f"  {box.id} [shape={_DOT[box.shape]}, label={_quoted(*box.lines)}];"
        for box in drawn.boxes
    ]
    for arrow in drawn.arrows:
        label = f" [label={_quoted(arrow.label)}]" if arrow.label else ""
        lines.append(f"  {arrow.source} -> {arrow.target}{label};")
    return "\n".join([*lines, "}"]) + "\n"


def _mermaid(box: Box) -> str:
    left, right = _MERMAID[box.shape]
    text = "<br>".join(line.translate(_MARKUP) for line in box.lines)
    return f'{box.id}{left}"{text}"{right}'


def _quoted(*lines: str) -> str:
    inner = "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return f'"{inner}"'
