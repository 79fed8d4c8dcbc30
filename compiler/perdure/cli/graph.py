"""`perdure graph`: the steps of a workflow as a picture."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.project import (
    Directory,
    coloured,
    fail,
    find_project,
    opened_compiler,
    show,
)

if TYPE_CHECKING:
    from rich.tree import Tree

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
        unit = compiler.find(workflow)
        if unit is None:
            fail(f'there is no workflow "{workflow}" in this project')
        if unit.ir is None:
            show(unit.findings, compiler.sources)
            raise typer.Exit(1)
    match format:
        case Form.tree:
            _draw(graphs.tree(unit.ir))
        case Form.mermaid:
            typer.echo(graphs.render_mermaid(unit.ir), nl=False)
        case Form.dot:
            typer.echo(graphs.render_dot(unit.ir), nl=False)
        case Form.json:
            typer.echo(to_json(graphs.tree(unit.ir)), nl=False)


def _draw(root: TreeNode) -> None:
    from rich.console import Console

    terminal = coloured(sys.stdout.isatty())
    console = Console(no_color=not terminal, highlight=False)
    console.print(_tree(root))


def _tree(node: TreeNode) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    label = Text(node.label, style="bold" if node.named else "")
    if node.detail:
        label.append("  " + node.detail, style="dim")
    drawn = Tree(label)
    for child in node.children:
        drawn.children.append(_tree(child))
    return drawn
