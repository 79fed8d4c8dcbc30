"""`perdure diff`: what changed, by workflow and step."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.project import (
    Directory,
    coloured,
    compile_cleanly,
    fail,
    find_project,
    opened_compiler,
    show,
)

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.pipeline import Unit


class Format(StrEnum):
    """How a difference is printed."""

    text = "text"
    markdown = "markdown"
    json = "json"


def diff(
    revision: Annotated[
        str | None,
        typer.Argument(
            metavar="[REV]", help="A git revision; without one, what is in the lock."
        ),
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.text,
    json: Annotated[
        bool, typer.Option("--json", help="Same as --format json.")
    ] = False,
    directory: Directory = Path(),
) -> None:
    """Show which workflows and steps changed since a revision, or since the lock."""
    from perdure.release import compare, render_json, render_markdown, render_text

    config = find_project(directory)
    after = compiled(config)
    with earlier(config, revision) as before_config:
        before = compiled(before_config, config.state_dir)
    found = compare(before, after)
    match Format.json if json else format:
        case Format.text:
            typer.echo(render_text(found, coloured(sys.stdout.isatty())), nl=False)
        case Format.markdown:
            typer.echo(render_markdown(found), nl=False)
        case Format.json:
            typer.echo(render_json(found), nl=False)


def compiled(config: Config, state_dir: Path | None = None) -> dict[str, Unit]:
    """Return all workflows of a project by name; end the command on mistakes."""
    with opened_compiler(config, remember=False, state_dir=state_dir) as compiler:
        checked = compile_cleanly(compiler, config)
        return {unit.name: unit for unit in checked.units if unit.name}


@contextmanager
def earlier(config: Config, revision: str | None) -> Iterator[Config]:
    """Give the project as it was, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="perdure-") as name:
        folder = Path(name).resolve()
        if revision is None:
            yield _as_locked(config, folder)
        else:
            yield _as_committed(config, revision, folder)


def _as_locked(config: Config, folder: Path) -> Config:
    """Write the sources of the latest versions, which their migrations hold."""
    from perdure.release import registered_sources

    with opened_compiler(config) as compiler:
        lock, found = compiler.lock()
    if lock is None:
        show(found, compiler.sources)
        raise typer.Exit(1)
    workflows = folder / "workflows"
    workflows.mkdir()
    for entry in {entry.workflow: entry for entry in lock.entries}.values():
        migration = config.migrations / f"{entry.migration}.up.sql"
        if not migration.exists():
            fail(f'the migration "{migration.name}" is gone', "restore it from git")
        for path, text in registered_sources(migration.read_text("utf-8")).items():
            target = folder / path
            if not target.resolve().is_relative_to(folder):
                fail(f'the migration "{migration.name}" names a path outside, "{path}"')
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    return replace(config, root=folder, source=None, workflows=folder)


def _as_committed(config: Config, revision: str, folder: Path) -> Config:
    """Unpack the project's folder as git has it at a revision."""
    from perdure.config import read_config

    top = _git(config.root, "rev-parse", "--show-prefix").decode().strip()
    commit = _git(
        config.root,
        *("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"),
        reason=f'git knows no revision "{revision}"',
    )
    tree = f"{commit.decode().strip()}:{top}"
    with tarfile.open(fileobj=io.BytesIO(_git(config.root, "archive", tree))) as files:
        files.extractall(folder, filter="data")
    for name in ("perdure.toml", "pyproject.toml"):
        if (folder / name).is_file():
            read, found = read_config(folder / name)
            if found:
                fail(f"at {revision}, {found[0].message}", code=1)
            if read is not None:
                return read
    return replace(config, root=folder, source=None, workflows=folder / "none")


def _git(folder: Path, *words: str, reason: str = "git failed") -> bytes:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, check=False
        )
    except FileNotFoundError:
        fail("git is not installed, and a revision was named")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        fail(said or reason)
    return done.stdout
