"""`perdure cost`: what a workflow costs on a target, by step."""

from __future__ import annotations

import json as json_
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.project import (
    Directory,
    fail,
    find_project,
    find_unit,
    opened_compiler,
    show,
)

if TYPE_CHECKING:
    from perdure.targets import Target
    from perdure.targets.cost import Cost, StepCost


def cost(
    workflow: Annotated[str, typer.Argument(help="Name of a workflow, or its file.")],
    target: Annotated[
        str | None,
        typer.Option(
            help="Another target than the project's, such as pg_durable>=0.2.5.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    directory: Directory = Path(),
) -> None:
    """Say what a workflow costs on a target: nodes, statements, seconds, by step."""
    from perdure.planning import costs_of

    config = find_project(directory)
    with opened_compiler(config, remember=False) as compiler:
        if target is not None:
            compiler.target = _known(target)
        unit = find_unit(compiler, workflow)
        if unit.findings:
            show(unit.findings, compiler.sources)
        if unit.ir is None:
            raise typer.Exit(1)
        found = costs_of(unit.ir, compiler.target)
        assert not isinstance(found, tuple), "what is not legal has findings"
    if json:
        typer.echo(json_.dumps(asdict(found), indent=2))
    else:
        _print(found)


def _known(name: str) -> Target:
    from perdure.targets import parse_target

    found = parse_target(name)
    if isinstance(found, str):
        fail(found)
    return found


def _print(cost: Cost) -> None:
    """Print a line for the whole and a table of the steps."""
    typer.echo(f'{cost.workflow} on target "{cost.target}": {_whole(cost)}')
    rows = [("step", "what", "nodes", "statements", "")]
    rows += [_row(each) for each in cost.steps]
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    for path, kind, nodes, statements, pace in rows:
        line = f"  {path:<{widths[0]}}  {kind:<{widths[1]}}"
        line += f"  {nodes:>{widths[2]}}  {statements:>{widths[3]}}  {pace}"
        typer.echo(line.rstrip())


def _whole(cost: Cost) -> str:
    texts = [f"{cost.nodes} nodes", f"at most {cost.longest} statements"]
    if cost.seconds:
        texts.append(f"at least {cost.seconds:g} seconds")
    return ", ".join(texts)


def _row(step: StepCost) -> tuple[str, str, str, str, str]:
    kind = f"{step.kind} {step.name}" if step.name else step.kind
    return step.path, kind, str(step.nodes), str(step.statements), _pace(step)


def _pace(step: StepCost) -> str:
    if step.rows_per_second is not None:
        return f"{step.rows_per_second:g} rows a second at most"
    if step.seconds_per_round is not None:
        return f"{step.seconds_per_round:g} s a round at least"
    return ""
