"""`perdure check`: read, type-check and lint."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.project import (
    Directory,
    coloured,
    find_project,
    opened_compiler,
    progress,
)

if TYPE_CHECKING:
    from perdure.pipeline import Checked


class Format(StrEnum):
    """How findings are printed."""

    text = "text"
    json = "json"
    github = "github"
    sarif = "sarif"


def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders; all by default.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.text,
    json: Annotated[
        bool, typer.Option("--json", help="Same as --format json.")
    ] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be.")] = False,
    directory: Directory = Path(),
) -> None:
    """Check workflows against the schema: names, types, and what goes wrong later."""
    from perdure.pipeline import workflow_files

    config = find_project(directory)
    files = workflow_files(config, paths or ())
    with opened_compiler(config) as compiler:
        with progress("checking") as report:
            checked = compiler.check(files, report)
        if fix and _apply(checked, config.root):
            checked = compiler.check(files)
    _print(checked, Format.json if json else format)
    raise typer.Exit(1 if checked.failed else 0)


def _print(checked: Checked, format: Format) -> None:
    if format is Format.text and not checked.findings:
        typer.echo(_summary(checked), err=True)
        return
    from perdure.diagnostics import render

    match format:
        case Format.text:
            colour = coloured(sys.stdout.isatty())
            text = render.render_text(checked.findings, checked.sources, colour=colour)
            typer.echo(text, nl=False)
            typer.echo(_summary(checked), err=True)
        case Format.json:
            typer.echo(render.render_json(checked.findings, checked.sources), nl=False)
        case Format.github:
            typer.echo(
                render.render_github(checked.findings, checked.sources), nl=False
            )
        case Format.sarif:
            typer.echo(render.render_sarif(checked.findings, checked.sources), nl=False)


def _summary(checked: Checked) -> str:
    errors = sum(each.severity == "error" for each in checked.findings)
    warnings = len(checked.findings) - errors
    paths = {unit.source.path for unit in checked.units}
    files = _count(len(paths), "workflow file")
    if not checked.findings:
        return f"{files}: no findings"
    return f"{files}: {_count(errors, 'error')}, {_count(warnings, 'warning')}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _apply(checked: Checked, root: Path) -> bool:
    """Apply the fixes that findings carry; say which files changed."""
    from perdure.fixes import fixed_texts

    changed = fixed_texts(checked.findings, checked.sources)
    for path, text in sorted(changed.items()):
        (root / path).write_text(text, encoding="utf-8", newline="")
        typer.echo(f"fixed {path}", err=True)
    return bool(changed)
