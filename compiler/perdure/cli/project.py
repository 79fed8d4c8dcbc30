"""What the commands on a project share: its configuration, findings, progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.diagnostics import Diagnostic
    from perdure.pipeline import Checked, Compiler, Progress, Unit
    from perdure.source import Source

Directory = Annotated[
    Path,
    typer.Option(
        "--directory", "-C", help="Look for the project here instead of in this folder."
    ),
]


def find_project(directory: Path) -> Config:
    """Return the configuration that governs a folder, or end with exit code 2."""
    from perdure.config import find_config

    config, found = find_config(directory.absolute())
    if found:
        show(found, _text_of(found[0], directory.absolute()))
        raise typer.Exit(2)
    if config is None:
        fail(
            f'no project here: neither "{directory.absolute()}" nor a folder above it '
            "has a perdure.toml",
            "perdure init makes one",
        )
    return config


def _text_of(finding: Diagnostic, start: Path) -> Mapping[str, Source]:
    """Read the configuration that a finding is about, to show the line."""
    from perdure.source import Source

    name = finding.span.path if finding.span else ""
    for folder in (start, *start.parents) if name else ():
        with suppress(OSError):
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
            return {name: Source(name, text)}
    return {}


def fail(message: str, help: str | None = None, code: int = 2) -> NoReturn:
    """End the command with a message on stderr."""
    typer.echo(f"error: {message}", err=True)
    if help:
        typer.echo(f"  = help: {help}", err=True)
    raise typer.Exit(code)


def show(
    findings: Sequence[Diagnostic], sources: Mapping[str, Source], err: bool = True
) -> None:
    """Print findings as text, in colour on a terminal."""
    from perdure.diagnostics.render import render_text

    stream = sys.stderr if err else sys.stdout
    text = render_text(findings, sources, colour=coloured(stream.isatty()))
    typer.echo(text, err=err, nl=False)


def coloured(terminal: bool) -> bool:
    """Say whether to use colour: on a terminal, unless NO_COLOR is set."""
    return terminal and not os.environ.get("NO_COLOR")


@contextmanager
def progress(label: str) -> Iterator[Progress | None]:
    """Show a progress bar on stderr, once there is enough to do to be worth it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def check_all(compiler: Compiler, config: Config) -> Checked:
    """Check all of a project, with a progress bar."""
    from perdure.pipeline import workflow_files

    with progress("checking") as report:
        return compiler.check(workflow_files(config), report)


def compile_cleanly(compiler: Compiler, config: Config) -> Checked:
    """Check all of a project; end with exit code 1 if there are errors."""
    checked = check_all(compiler, config)
    if checked.findings:
        show(checked.findings, checked.sources)
    if checked.failed:
        raise typer.Exit(1)
    return checked


def find_unit(compiler: Compiler, workflow: str) -> Unit:
    """Return a workflow by its name or its file, or end with exit code 2."""
    unit = compiler.find(workflow)
    if unit is not None:
        return unit
    known = compiler.names
    near = get_close_matches(workflow, known, 1)
    fail(
        f'there is no workflow "{workflow}" in this project',
        f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(known)}",
    )


def version_number(text: str) -> int:
    """Read the number of a version. Raises BadParameter."""
    if text.isdecimal() and text.isascii() and int(text) > 0:
        return int(text)
    raise typer.BadParameter(
        f'"{text}" is not the number of a version, as in --to {meant_number(text, "2")}'
    )


def meant_number(text: str, other: str) -> str:
    """Return the number that stands in `name@2`, `@v2` or `v2`; else the `other`."""
    number = text.rpartition("@")[2].removeprefix("v")
    return number if number.isdecimal() and int(number) > 0 else other


def refuse_version(workflow: str, command: str) -> None:
    """End the command where a version was given, `name@N`, in place of a workflow.

    `command` is the one that was meant, with the two as `{name}` and `{number}`.
    """
    name, at, _ = workflow.partition("@")
    if at:
        meant = command.format(name=name, number=meant_number(workflow, "N"))
        fail(f'"{workflow}" is a version, and this takes the name of a workflow', meant)


def usable_state(config: Config) -> Path:
    """Return the folder of caches: the project's, or the user's if that is read-only.

    So a project can be checked that is mounted read-only.
    """
    folder = config.state_dir
    if os.access(folder if folder.exists() else config.root, os.W_OK):
        return folder
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "perdure" / sha256(str(config.root).encode()).hexdigest()[:16]


def keep_out_of_git(folder: Path) -> None:
    """Make the folder of caches and servers, which git is to pass over."""
    mark = folder / ".gitignore"
    with suppress(OSError):  # a folder that can't be written only costs time
        if not mark.exists():
            folder.mkdir(parents=True, exist_ok=True)
            mark.write_text("*\n", encoding="utf-8")


@contextmanager
def opened_compiler(
    config: Config, remember: bool = True, state_dir: Path | None = None
) -> Iterator[Compiler]:
    """Open a project's compiler; end the command on what is in its way."""
    from perdure.engine.errors import EngineError
    from perdure.pipeline import open_compiler

    state = state_dir or usable_state(config)
    keep_out_of_git(state)
    try:
        with open_compiler(
            config, remember=remember, state_dir=state, progress=say
        ) as compiler:
            yield compiler
    except EngineError as error:
        fail(str(error), code=3)


def say(what: str) -> None:
    """Tell on a terminal what takes long."""
    if sys.stderr.isatty():
        typer.echo(f"{what}...", err=True)
