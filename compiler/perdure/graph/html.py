"""A workflow's graph as HTML: nested boxes with arrows, styled by one style sheet.

Boxes are laid out by the browser, so that long SQL wraps and no program for graphs is
needed; a page made of them loads nothing. Drawing SVG is the rejected way: the size of
text would have to be guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from perdure.graph.tree import Part, Tree, TreeNode

STYLE = """\
.graph { display: flex; flex-direction: column; align-items: center; }
.graph ol { list-style: none; margin: 0; padding: 0; display: flex;
  flex-direction: column; align-items: center; max-width: 100%; }
.graph li { display: flex; flex-direction: column; align-items: center;
  max-width: 100%; }
.graph li::before { content: "\\2193"; color: var(--dim); line-height: 1.2; }
.step { border: 1px solid var(--line); border-radius: 6px; padding: .3em .6em;
  background: var(--box); max-width: 100%; box-sizing: border-box; }
.step > .kind { color: var(--dim); }
.step > .name { font-weight: 600; }
.step > code { display: block; overflow-wrap: anywhere; white-space: pre-wrap; }
.parts { display: flex; gap: .6em; align-items: flex-start; margin-top: .4em;
  flex-wrap: wrap; }
.part { border-left: 2px solid var(--line); padding-left: .6em; flex: 1 1 8em; }
.part > .label { color: var(--dim); font-style: italic; }
.ends { color: var(--dim); }
.added { border-color: var(--added); background: var(--added-box); }
.removed { border-color: var(--removed); background: var(--removed-box); }
.changed { border-color: var(--changed); background: var(--changed-box); }
.moved { border-color: var(--moved); background: var(--moved-box);
  border-style: dashed; }
"""


def render_graph(tree: Tree, marks: Mapping[str, str]) -> str:
    """Return a graph; `marks` are further classes of the boxes of steps, by path."""
    inputs = f" ({', '.join(tree.inputs)})" if tree.inputs else ""
    return (
        '<div class="graph">'
        f'<div class="ends"><strong>{escape(tree.name)}</strong>{escape(inputs)}</div>'
        f'{_list(tree.nodes, marks)}<div class="ends">end</div></div>'
    )


def _list(nodes: Sequence[TreeNode], marks: Mapping[str, str]) -> str:
    items = "\n".join(f"<li>{_step(each, marks)}</li>" for each in nodes)
    return f"<ol>\n{items}\n</ol>"


def _step(node: TreeNode, marks: Mapping[str, str]) -> str:
    mark = marks.get(node.path)
    classes = f"step {mark}" if mark else "step"
    name = f' <span class="name">{escape(node.name)}</span>' if node.name else ""
    text = f"<code>{escape(node.text)}</code>" if node.text else ""
    parts = "".join(_part(each, marks) for each in node.parts)
    return (
        f'<div class="{classes}" data-path="{escape(node.path)}">'
        f'<span class="kind">{escape(node.kind)}</span>{name}{text}'
        + (f'<div class="parts">{parts}</div>' if parts else "")
        + "</div>"
    )


def _part(part: Part, marks: Mapping[str, str]) -> str:
    label = f'<span class="label">{escape(part.label)}</span>'
    return f'<div class="part">{label}{_list(part.nodes, marks)}</div>'
