"""What the pipeline hands out, and the files that it looks at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from perdure.config import Config, place_of, wrong_setting
from perdure.diagnostics import Diagnostic, error
from perdure.source import Source

if TYPE_CHECKING:
    from perdure.frontend.yaml.shared import Shared
    from perdure.ir.callee import Callee
    from perdure.ir.tree import Workflow
    from perdure.release import Lock
    from perdure.release.layouts import Folder
    from perdure.syntax.tree import Workflow as WorkflowSyntax

SQL_FOLDER = "sql"
"""Where a `sql_file` may stand that several folders of workflows share."""

SUFFIXES = (".yaml", ".yml", ".py")
"""How the names of files with workflows end."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One workflow and how far it came; a Python file may have several.

    `digest` is set when neither the file nor a workflow that it calls has errors; `ir`
    also needs that the file was really compiled, not remembered (see
    `Compiler.complete`). `drawn` is the workflow also where the target can't run it,
    for who looks at it only. `beside` are modules of the project that a Python file
    imports, and the file of shared definitions.
    """

    source: Source
    name: str | None = None
    digest: str | None = None
    findings: tuple[Diagnostic, ...] = ()
    syntax: WorkflowSyntax | None = None
    ir: Workflow | None = None
    drawn: Workflow | None = None
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SharedFile:
    """The file of shared definitions, what is in it, and what is wrong with it."""

    source: Source | None = None
    definitions: Shared | None = None
    findings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """All files of a project, with all that was found, and all texts by path."""

    units: tuple[Unit, ...]
    findings: tuple[Diagnostic, ...]
    sources: dict[str, Source]

    @property
    def failed(self) -> bool:
        """Whether there are errors."""
        return any(each.severity == "error" for each in self.findings)


def unknown_layout(config: Config, known: Iterable[str]) -> Diagnostic:
    """Return the finding that there is no such layout of migrations."""
    near = get_close_matches(config.layout, known, 1)
    return wrong_setting(
        config.source,
        "layout",
        f'there is no layout "{config.layout}"',
        f'did you mean "{near[0]}"?' if near else "the layouts: " + ", ".join(known),
    )


def at_schema(config: Config, problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Place what is wrong with the schema as a whole where it is named."""
    place = place_of(config.source, "schema")
    return tuple(each if each.span else replace(each, span=place) for each in problems)


def unreadable(config: Config, path: Path, failure: OSError) -> Diagnostic:
    """Return the finding that a file can't be read, placed at what names it."""
    reason = (failure.strerror or str(failure)).lower()
    named = path == config.workflows
    place = place_of(config.source, "workflows") if named else None
    shown = shown_path(path, config.root)
    return error("WF182", place, f'can\'t read "{shown}": {reason}')


def workflow_files(config: Config, paths: Iterable[Path] = ()) -> list[Path]:
    """Return the workflow files below the paths, or of the project, sorted."""
    found: set[Path] = set()
    for path in list(paths) or [config.workflows]:
        if path.is_dir():
            below = (each for suffix in SUFFIXES for each in path.rglob(f"*{suffix}"))
            found.update(each for each in below if not _is_foreign(each, path))
        else:
            found.add(path)
    return sorted({path.absolute() for path in found} - {config.shared_file})


def modules(read: Iterable[Source]) -> tuple[str, ...]:
    """Return those of the files that a workflow file reads that are no SQL."""
    return tuple(each.path for each in read if each.path.endswith(SUFFIXES))


def made_from(unit: Unit, read: Callable[[str], Iterable[Source]]) -> tuple[str, ...]:
    """Return the files that a workflow's text came from, beside its own.

    Those of workflows that it takes in are among them, also where nothing of them is
    left once the steps are optimised: a version is compiled from them again. `read`
    gives the other files that the file of a workflow reads.
    """
    from perdure.release.interface import ways
    from perdure.release.sources import files_of

    assert unit.ir is not None
    found = {*unit.beside, *files_of(unit.ir)}
    for name, calls in ways(unit.ir).items():
        if calls.taken_in:
            found |= {*modules(read(name))}
    return tuple(found - {unit.source.path})


def text_of(path: Path) -> str:
    """Return a file's text for comparison; none where there is no file."""
    try:
        return path.read_bytes().hex()
    except OSError:
        return ""


def _is_foreign(path: Path, folder: Path) -> bool:
    """Say whether a Python file belongs to an environment or a cache."""
    parts = path.relative_to(folder).parts[:-1]
    return path.suffix == ".py" and any(
        each.startswith(".") or each in ("__pycache__", "site-packages")
        for each in parts
    )


def is_settled(unit: Unit) -> bool:
    """Say whether a unit's outcome depends on nothing but the files that were read.

    It does not while a workflow that it calls has errors, or is not there.
    """
    missing = any(each.code == "WF241" for each in unit.findings)
    return (unit.digest is not None or has_errors(unit.findings)) and not missing


def as_called(ir: Workflow, digest: str) -> Callee:
    """Return a workflow without errors as its callers see it."""
    from perdure.ir.callee import Callee
    from perdure.ir.results import result_of, signals_of
    from perdure.lower.ends import always_ends
    from perdure.lower.inline import can_inline

    result, nullable = result_of(ir, always_ends(ir.steps))
    body = ir if can_inline(ir) else None
    key = ir.options.idempotency_key if ir.options else None
    return Callee(
        ir.name,
        ir.inputs,
        result,
        nullable,
        signals_of(ir),
        digest,
        body,
        keyed=key is not None and not key.nullable,
    )


def has_errors(found: Iterable[Diagnostic]) -> bool:
    """Say whether there are errors among findings."""
    return any(each.severity == "error" for each in found)


def shown_path(path: Path, root: Path) -> str:
    """Return a path as messages show it: relative to the root, if it is below."""
    absolute = path.absolute()
    if absolute.is_relative_to(root):
        return absolute.relative_to(root).as_posix()
    return path.as_posix()


def named_file(name: str, path: str, config: Config) -> Path | None:
    """Return the file that a workflow file names: beside it, or in the SQL folder.

    None where it stands outside of the project, as its path is written.
    """
    place = (config.root / path).parent / name
    if not place.exists():
        place = config.workflows / SQL_FOLDER / name
    plain = Path(os.path.normpath(place))
    folders = (config.root, config.workflows)
    inside = any(plain.is_relative_to(os.path.normpath(each)) for each in folders)
    return place if inside else None


def duplicates(
    units: Sequence[Unit], compiled: Callable[[Unit], Unit]
) -> list[Diagnostic]:
    """Find workflows that share a name; the later file, by path, is to blame."""
    first: dict[str, str] = {}
    found = []
    for unit in units:
        if unit.name in first:
            syntax = unit.syntax or compiled(unit).syntax
            message = (
                f'"{unit.source.path}" defines workflow "{unit.name}" again, '
                f'after "{first[unit.name]}"'
            )
            span = syntax.name.span if syntax else None
            found.append(error("WF183", span, message, help="rename one of them"))
        elif unit.name is not None:
            first[unit.name] = unit.source.path
    return found


def read_folder(top: Path, globs: Iterable[str], lock: Lock) -> Folder:
    """Read the files of the migrations folder that a layout wants to know.

    Those that the lock names are among them, whatever the layout was that made them,
    and where it may be that they were moved.
    """
    from datetime import UTC, datetime

    from perdure.release.layouts import Folder

    found = {file for glob in globs for file in top.glob(glob)}
    for event in lock.everything:
        for name, _ in event.files:
            found |= {top / name, top / event.layout / name}
    files = {
        file.relative_to(top).as_posix(): _read(file)
        for file in sorted(found)
        if file.is_file()
    }
    return Folder(files, datetime.now(UTC), top.parent.name)


def _read(file: Path) -> str:
    """Read a file of a migration tool; of SQL, the ends of lines count (Atlas)."""
    if file.suffix == ".sql":
        return file.read_bytes().decode("utf-8", errors="replace")
    return file.read_text("utf-8", errors="replace")


def read_shared_file(
    path: Path, load: Callable[[Path], Source | Diagnostic]
) -> SharedFile:
    """Read the definitions that all workflows share; none without their file."""
    from perdure.frontend.yaml.shared import read_shared

    source = load(path) if path.is_file() else None
    if source is None:
        return SharedFile()
    if isinstance(source, Diagnostic):
        return SharedFile(findings=(source,))
    definitions, found = read_shared(source)
    return SharedFile(source, definitions, tuple(found))
