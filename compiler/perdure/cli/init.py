"""`perdure init`: a project that checks, compiles and runs as it stands."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from perdure.assets import assets
from perdure.cli.project import fail

# A file `.gitignore` among the templates would be obeyed by git in this repository.
_RENAMED = {"gitignore": ".gitignore"}


def init(
    directory: Annotated[
        Path, typer.Argument(help="Folder of the new project; made if missing.")
    ] = Path(),
    python: Annotated[
        bool, typer.Option("--python", help="Write the workflow in Python, not YAML.")
    ] = False,
) -> None:
    """Make a project: configuration, schema, an example workflow."""
    files = skeleton(python=python)
    _refuse_to_overwrite(directory, files)
    for name, text in files.items():
        _write(directory / name, text)
        typer.echo(f"wrote {directory / name}")
    _say_what_is_next(directory)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as failure:
        fail(f'can\'t write "{path}": {(failure.strerror or str(failure)).lower()}')


def skeleton(*, python: bool = False) -> dict[str, str]:
    """Return the files of a new project: relative path to text, sorted."""
    files = _files("init")
    if python:
        files = {name: files[name] for name in files if not name.endswith(".yaml")}
        files |= _files("init_python")
    return dict(sorted(files.items()))


def _files(template: str) -> dict[str, str]:
    root = assets("templates") / template
    files = {}
    for path in root.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            name = path.relative_to(root).as_posix()
            files[_RENAMED.get(name, name)] = path.read_text(encoding="utf-8")
    return files


def _refuse_to_overwrite(directory: Path, files: dict[str, str]) -> None:
    """End with exit code 2 if something is in the way; nothing is written then."""
    targets = [directory / name for name in files]
    folders = {parent for target in targets for parent in target.parents}
    there = [path for path in folders if path.exists() and not path.is_dir()]
    there += [path for path in targets if path.exists() or path.is_symlink()]
    if there:
        names = ", ".join(f'"{path}"' for path in sorted(there))
        fail(f"{names} is in the way; nothing was written")


def _say_what_is_next(directory: Path) -> None:
    lines = [
        "",
        "Next:",
        *([] if directory == Path() else [f"  cd {shlex.quote(str(directory))}"]),
        "  perdure check",
        "  perdure compile",
        "  perdure run order_approval order_id=1",
    ]
    typer.echo("\n".join(lines), err=True)
