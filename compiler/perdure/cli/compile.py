"""`perdure compile`: write the migrations of what changed, and the lock."""

from __future__ import annotations

import json as json_
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.project import (
    Directory,
    compile_cleanly,
    find_project,
    opened_compiler,
    show,
)
from perdure.cli.report import data_of, print_reports, reports

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.optimise import Report
    from perdure.release import Release


def compile_(
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Write nothing; exit with 1 if anything would be written."
        ),
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Also say, by step, what optimising did, and the nodes."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    directory: Directory = Path(),
) -> None:
    """Write a migration for each workflow that changed, and record it in the lock."""
    config = find_project(directory)
    with opened_compiler(config) as compiler:
        checked = compile_cleanly(compiler, config)
        release = compiler.release(checked)
        if release.findings:
            show(release.findings, compiler.sources)
        if any(each.severity == "error" for each in release.findings):
            raise typer.Exit(1)
        optimised = reports(compiler, checked) if explain else None
    if not check:
        write(config, release)
    if optimised and not json:
        print_reports(optimised)
    report(config, release, check, json, optimised)
    raise typer.Exit(1 if check and release.changes else 0)


def write(config: Config, release: Release) -> None:
    """Write the migrations and the lock, or nothing where one cannot be written.

    The new lock is written first, under another name, and takes its place last: it
    counts only what is there.
    """
    if not release.changes:
        return
    passing = config.lock.with_suffix(".lock.new")
    before: dict[Path, bytes | None] = {passing: None}
    try:
        passing.write_text(release.lock, encoding="utf-8", newline="\n")
        for name, text in release.files.items():
            path = config.migrations / name
            before[path] = path.read_bytes() if path.exists() else None
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        passing.replace(config.lock)
    except OSError:
        for path, data in before.items():
            with suppress(OSError):
                path.unlink(missing_ok=True) if data is None else path.write_bytes(data)
        raise


def report(
    config: Config,
    release: Release,
    check: bool,
    json: bool,
    optimised: Sequence[Report] | None = None,
) -> None:
    """Say which files were written, or would be; as JSON, also what was optimised."""
    folder = shown(config.migrations, config.root)
    files = [f"{folder}/{name}" for name in sorted(release.files)]
    if json:
        versions = [
            {"workflow": each.name, "version": each.version, "digest": each.digest}
            for each in release.versions
        ]
        data: dict[str, object] = {"versions": versions, "files": files}
        data["written"] = not check
        if optimised is not None:
            data["optimised"] = data_of(optimised)
        typer.echo(json_.dumps(data, indent=2))
        return
    for name in files:
        typer.echo(f"{'would write' if check else 'wrote'} {name}")
    if not files:
        typer.echo("nothing to do: the migrations are what the sources give")
    elif check:
        typer.echo("the migrations are out of date: run perdure compile", err=True)


def shown(path: Path, root: Path) -> str:
    """Return a path as the project names it."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
