"""`perdure convert`: a workflow in YAML as Python, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.project import fail, show

if TYPE_CHECKING:
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
    found = _chosen(_converted(file), workflow, file)
    if not found.exact:
        message = f'"{found.name}" has something that the other language can\'t say'
        help_ = "what is written would be another workflow, so nothing is written"
        if found.word is not None:
            message = f'"{found.word}" is a word of Python, no name of a step or input'
            help_ = "choose another name first, such as "
            help_ += f'"{found.word}_"'
        fail(message, help_, code=1)
    if output is None:
        typer.echo(found.text, nl=False)
        return
    if output.exists():
        fail(f'"{output}" exists already')
    output.write_text(found.text, encoding="utf-8")
    typer.echo(f"wrote {output}", err=True)


def _converted(file: Path) -> list[Converted]:
    from perdure.config import find_config
    from perdure.diagnostics import Diagnostic
    from perdure.frontend.decode import decode
    from perdure.frontend.python.convert import convert as convert_source
    from perdure.units import SQL_FOLDER, read_shared_file, shown_path

    path = file.absolute()
    config, _ = find_config(path.parent)
    root = config.root if config is not None else path.parent
    folders = [path.parent, *([config.workflows / SQL_FOLDER] if config else [])]

    def load(name: str) -> Source | None:
        place = next((each / name for each in folders if (each / name).exists()), path)
        try:
            read = decode(name, place.read_bytes())
        except OSError:
            return None
        return None if isinstance(read, Diagnostic) or place == path else read

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
    converted, findings = convert_source(source, load, root, shared)
    if not converted and findings:
        show(findings, {source.path: source})
        raise typer.Exit(1)
    return converted


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
