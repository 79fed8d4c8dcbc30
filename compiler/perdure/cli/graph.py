"""`perdure graph`: the steps of a workflow as a picture."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from perdure.cli.project import (
    Directory,
    coloured,
    find_project,
    find_unit,
    opened_compiler,
    show,
)

if TYPE_CHECKING:
    from rich.tree import Tree

    from perdure.graph import Tree as Graph
    from perdure.graph import TreeNode


class Form(StrEnum):
    """How a graph is drawn."""

    tree = "tree"
    mermaid = "mermaid"
    dot = "dot"
    json = "json"


def graph(
    workflow: Annotated[str, typer.Argument(help="Name of a workflow, or its file.")],
    format: Annotated[Form, typer.Option(help="How to draw it.")] = Form.tree,
    directory: Directory = Path(),
) -> None:
    """Draw a workflow: a tree in the terminal, mermaid, or dot."""
    from perdure import graph as graphs
    from perdure.dump import to_json

    config = find_project(directory)
    with opened_compiler(config) as compiler:
        unit = find_unit(compiler, workflow)
        if unit.ir is None:
            show(unit.findings, compiler.sources)
        if unit.drawn is None:
            raise typer.Exit(1)
    match format:
        case Form.tree:
            _draw(graphs.tree(unit.drawn))
        case Form.mermaid:
            typer.echo(graphs.render_mermaid(unit.drawn), nl=False)
        case Form.dot:
            typer.echo(graphs.render_dot(unit.drawn), nl=False)
        case Form.json:
            typer.echo(to_json(graphs.tree(unit.drawn)), nl=False)


def _draw(drawing: Graph) -> None:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    label = Text(drawing.name, style="bold")
    if drawing.inputs:
        label.append("  " + ", ".join(drawing.inputs), style="dim")
    root = Tree(label)
    for node in drawing.nodes:
        _grow(root, node)
    terminal = coloured(sys.stdout.isatty())
    system: Literal["auto"] | None = "auto" if terminal else None
    console = Console(color_system=system, highlight=False, soft_wrap=True)
    console.print(root)


def _grow(parent: Tree, node: TreeNode) -> None:
    from rich.text import Text

    label = Text(node.name or node.kind, style="bold" if node.name else "")
    detail = f"{node.kind} {node.text}".rstrip() if node.name else node.text
    if detail:
        label.append("  " + detail, style="dim")
    branch = parent.add(label)
    for part in node.parts:
        below = branch.add(Text(part.label, style="italic"))
        for each in part.nodes:
            _grow(below, each)
