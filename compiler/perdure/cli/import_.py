"""`perdure import`: df SQL written by hand, or the graph of a run, to workflows."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.project import fail, show

if TYPE_CHECKING:
    from perdure.diagnostics import Diagnostic
    from perdure.frontend.df import Imported
    from perdure.source import Source


class From(StrEnum):
    """For which runtime the SQL was written."""

    pg_durable = "pg_durable"
    perdure = "perdure"


def import_(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-|RUN", help="SQL; with --db, a run's id.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write NAME.yaml into this folder, or this file."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The workflow's name, instead of the label.")
    ] = None,
    from_: Annotated[
        From,
        typer.Option(
            "--from", help="Which runtime the SQL is for: they count days otherwise."
        ),
    ] = From.pg_durable,
    db: Annotated[
        str | None,
        typer.Option(
            "--db",
            metavar="URL",
            help="Take the graph of a run there; embedded: the project's own.",
        ),
    ] = None,
) -> None:
    """Turn df expressions into workflows; what has no counterpart is told."""
    if db is not None:
        imported, found, source = _run(db, file, name)
    else:
        source = _source(file)
        imported, found = _imported(source, from_, name)
    if found:
        show(found, {source.path: source})
    for each in imported:
        _write(each, output, len(imported) > 1)
    if any(each.severity == "error" for each in found):
        raise typer.Exit(1)


def _imported(
    source: Source, from_: From, name: str | None
) -> tuple[list[Imported], list[Diagnostic]]:
    from perdure.frontend.df import import_sql

    return import_sql(source, from_.value, name)


def _source(file: str) -> Source:
    """Read the file, `-` being standard input."""
    from perdure.diagnostics import Diagnostic
    from perdure.frontend.decode import decode

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as failure:
        reason = (failure.strerror or str(failure)).lower()
        fail(
            f'can\'t read "{file}": {reason}',
            "for the graph of a run, name its database by --db",
        )
    source = decode("stdin.sql" if file == "-" else file, data)
    if isinstance(source, Diagnostic):
        show([source], {})
        raise typer.Exit(1)
    return source


def _run(
    url: str, run: str, name: str | None
) -> tuple[list[Imported], list[Diagnostic], Source]:
    """Import the graph of a run, from either runtime's tables."""
    from perdure.cli.database import configuration, opened
    from perdure.engine.graphs import read_graph
    from perdure.frontend.df import import_rows

    with opened(url, configuration(Path())) as database:
        graph = read_graph(database, run)
    if graph is None:
        fail(f'there is no run "{run}" in that database, or it is not visible')
    if graph.label and re.fullmatch(r"\w+@\d+", graph.label):
        fail(
            f'run "{run}" is of workflow {graph.label}, which perdure has compiled',
            "its source is in the project, and in perdure.workflow_versions",
        )
    imported, found, source = import_rows(
        run, graph.rows, graph.root, graph.runtime, name or graph.label
    )
    return [imported] if imported is not None else [], found, source


def _write(imported: Imported, output: Path | None, several: bool) -> None:
    if output is None:
        typer.echo(("---\n" if several else "") + imported.text, nl=False)
        return
    file = output
    if several or output.is_dir() or output.suffix not in (".yaml", ".yml"):
        output.mkdir(parents=True, exist_ok=True)
        file = output / f"{imported.name}.yaml"
    if file.exists():
        fail(f'"{file}" exists already')
    file.write_text(imported.text, encoding="utf-8")
    typer.echo(f"wrote {file}", err=True)
