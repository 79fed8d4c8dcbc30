"""`perdure stubs`: types for editors, of the rows of SQL statements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.project import (
    Directory,
    fail,
    find_project,
    opened_compiler,
    progress,
    show,
)

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.stubs import Statement

_FILE = Path("perdure") / "__init__.pyi"


def stubs(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 if it would.")
    ] = False,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for stubs.")
    ] = Path("typings"),
    directory: Directory = Path(),
) -> None:
    """Write types for editors: the rows of SQL statements in Python workflows."""
    from perdure.stubs import stub

    config = find_project(directory)
    found = _statements(config)
    shown = output / _FILE
    path, text = config.root / shown, stub(found)
    old = path.read_text(encoding="utf-8") if path.is_file() else None
    if old == text:
        typer.echo(f"{shown} is up to date", err=True)
        return
    if check:
        fail(f'"{shown}" is out of date', "perdure stubs writes it", code=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    number = len(found)
    typer.echo(f"wrote {shown}: {number} statement{'' if number == 1 else 's'}")


def _statements(config: Config) -> list[Statement]:
    """Return the statements of all Python workflows, or end with what is wrong."""
    from perdure.pipeline import workflow_files
    from perdure.stubs import statements

    files = [each for each in workflow_files(config) if each.suffix == ".py"]
    with opened_compiler(config) as compiler:
        with progress("checking") as report:
            checked = compiler.check(files, report)
        if checked.failed:
            errors = [each for each in checked.findings if each.severity == "error"]
            show(errors, checked.sources)
            raise typer.Exit(1)
        units = [compiler.complete(unit) for unit in checked.units]
    return [
        each for unit in units if unit.ir for each in statements(unit.source, unit.ir)
    ]
