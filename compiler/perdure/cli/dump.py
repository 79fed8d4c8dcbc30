"""`perdure dump`: a workflow at any stage of compilation."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from perdure.cli.project import (
    Directory,
    find_project,
    find_unit,
    opened_compiler,
    show,
)


class Stage(StrEnum):
    """A form of the compiler."""

    syntax = "syntax"
    ir = "ir"
    plan = "plan"
    sql = "sql"


def dump(
    workflow: Annotated[str, typer.Argument(help="Name of a workflow, or its file.")],
    stage: Annotated[Stage, typer.Option(help="Which form to print.")] = Stage.ir,
    directory: Directory = Path(),
) -> None:
    """Print a workflow as the compiler sees it: syntax, ir and plan as JSON, or SQL."""
    config = find_project(directory)
    with opened_compiler(config, remember=False) as compiler:
        unit = find_unit(compiler, workflow)
        if unit.findings:
            show(unit.findings, compiler.sources)
        if (unit.ir is None and stage is not Stage.syntax) or unit.syntax is None:
            raise typer.Exit(1)
        typer.echo(compiler.dump(unit, stage.value), nl=False)
