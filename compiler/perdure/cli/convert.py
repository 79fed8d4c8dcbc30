"""`perdure convert`: a workflow in YAML as Python, and back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.project import fail, show

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.frontend.python.convert import Converted
    from perdure.source import Source


def convert(
    file: Annotated[Path, typer.Argument(help="A workflow file, .yaml or .py.")],
    workflow: Annotated[
        str | None, typer.Option(help="Which one, of a file with several.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it to this file.")
    ] = None,
) -> None:
    """Turn a workflow in YAML into Python, or back; what it does stays the same."""
    converted, source = _converted(file, output)
    found = _chosen(converted, workflow, file)
    if found.lost is not None:
        line, column = source.position(found.lost.span.start)
        place = f"{source.path}:{line}:{column}"
        notes = "".join(f"\n  = {each}" for each in found.lost.notes)
        fail(f"{place}: {found.lost.message}{notes}", found.lost.help, code=1)
    if output is None:
        typer.echo(found.text, nl=False)
    else:
        _write(output, found.text, "YAML" if source.path.endswith(".py") else "Python")
    _tell(found.left_out)


def _tell(lines: tuple[int, ...]) -> None:
    """Say which comments of the file are not in what was written."""
    if not lines:
        return
    shown = ", ".join(str(each) for each in lines[:_MANY])
    shown += ", ..." if len(lines) > _MANY else ""
    what = "comment in line" if len(lines) == 1 else "comments in lines"
    typer.echo(f"left out: {what} {shown}, outside of the workflow", err=True)


_MANY = 10
"""How many lines of comments are named."""


def _write(output: Path, text: str, language: str) -> None:
    if (output.suffix == ".py") != (language == "Python"):
        fail(f'what is written is {language}, "{output}" is no name for such a file')
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        fail(f'"{output}" exists already')
    except OSError as failure:
        fail(f'can\'t write "{output}": {(failure.strerror or str(failure)).lower()}')
    typer.echo(f"wrote {output}", err=True)


def _loader(folder: Path, config: Config | None) -> Callable[[str], Source | None]:
    """Return what reads the file of a `sql_file` for a workflow in a folder."""
    from perdure.frontend.decode import decode
    from perdure.source import Source
    from perdure.units import SQL_FOLDER

    folders = [folder, *([config.workflows / SQL_FOLDER] if config else [])]

    def load(name: str) -> Source | None:
        place = next((each / name for each in folders if (each / name).exists()), None)
        try:
            read = decode(name, place.read_bytes()) if place is not None else None
        except OSError:
            return None
        return read if isinstance(read, Source) else None

    return load


def _converted(file: Path, output: Path | None) -> tuple[list[Converted], Source]:
    from perdure.config import find_config
    from perdure.diagnostics import Diagnostic
    from perdure.frontend.decode import decode
    from perdure.frontend.python.convert import Output
    from perdure.frontend.python.convert import convert as convert_source
    from perdure.units import read_shared_file, shown_path

    path = file.absolute()
    config, _ = find_config(path.parent)
    root = config.root if config is not None else path.parent

    def load_path(place: Path) -> Source | Diagnostic:
        return decode(shown_path(place, root), place.read_bytes())

    try:
        source = decode(shown_path(path, root), path.read_bytes())
    except OSError as failure:
        fail(f'can\'t read "{file}": {(failure.strerror or str(failure)).lower()}')
    if isinstance(source, Diagnostic):
        show([source], {})
        raise typer.Exit(1)
    shared = None
    if config is not None and config.shared_file.exists():
        shared = read_shared_file(config.shared_file, load_path).definitions
    load, there = _loader(path.parent, config), None
    if output is not None:
        place = Path(os.path.normpath(output.absolute()))
        there = Output(shown_path(place, root), _loader(place.parent, config))
    converted, findings = convert_source(source, load, root, shared, there)
    if not converted and findings:
        show(findings, {source.path: source})
        raise typer.Exit(1)
    return converted, source


def _chosen(converted: list[Converted], name: str | None, file: Path) -> Converted:
    names = ", ".join(each.name for each in converted)
    if not converted:
        fail(f'there is no workflow in "{file}"')
    if name is None and len(converted) > 1:
        fail(f'"{file}" has several workflows: {names}', "name one with --workflow")
    chosen = next((each for each in converted if name in (None, each.name)), None)
    if chosen is None:
        fail(f'there is no workflow "{name}" in "{file}", it has: {names}')
    return chosen
