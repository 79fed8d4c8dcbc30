"""Turn a workflow in YAML into one in Python, and back.

What is written is read again and compared with what was there, so that a conversion
is exact or refused. Comments keep their place: `remarks`.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from perdure.diagnostics import Diagnostic
from perdure.frontend.python.differences import difference
from perdure.frontend.python.reader import read_file
from perdure.frontend.python.remarks import left_out, remarks_of
from perdure.frontend.python.write_python import unwritable, write_python
from perdure.frontend.python.write_yaml import write_yaml
from perdure.frontend.yaml import read as read_yaml
from perdure.frontend.yaml.shared import Shared
from perdure.source import Source, Span
from perdure.syntax.expr import Name
from perdure.syntax.tree import SqlStep, Workflow
from perdure.syntax.walk import walk

Load = Callable[[str], Source | None]


@dataclass(frozen=True, slots=True)
class Lost:
    """What can't be said in the other language, and where it stands.

    `notes` are what its reader says of the text that was written.
    """

    span: Span
    message: str
    help: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Converted:
    """A workflow in the other language; `lost` is the first thing that it can't say.

    `left_out` are the lines of the comments that belong to no workflow of the file.
    """

    name: str
    text: str
    lost: Lost | None = None
    left_out: tuple[int, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether nothing of the workflow was lost."""
        return self.lost is None


@dataclass(frozen=True, slots=True)
class Output:
    """Where a workflow is written to, from the root on, and what reads a file there."""

    path: str
    load: Load


def convert(
    source: Source,
    load: Load,
    root: Path,
    shared: Shared | None = None,
    output: Output | None = None,
) -> tuple[list[Converted], list[Diagnostic]]:
    """Return the workflows of a file in the other language, and what is wrong with it.

    `load` reads the file of a `sql_file` by its path as written, as a source of that
    path; `root` is the folder that the source's path starts at, and `shared` are the
    definitions of the project. Without an `output` it is written beside the source.
    """
    if source.path.endswith(".py"):
        readings, _ = read_file(source, load, root, shared)
    else:
        readings = [read_yaml(source, load, shared)]
    found = [each for _, findings in readings for each in findings]
    if any(each.severity == "error" for each in found):
        return [], found
    workflows = [each for each, _ in readings if each is not None]
    project = _Project(load, root, shared or Shared(), output)
    converted = [_convert(source, each, project) for each in workflows]
    if source.path.endswith(".py"):
        lines = tuple(left_out(source, workflows))
        converted = [replace(each, left_out=lines) for each in converted]
    return converted, found


@dataclass(frozen=True, slots=True)
class _Project:
    load: Load
    root: Path
    shared: Shared
    output: Output | None

    def written(self, source: Source, name: str) -> Output:
        """Return where a workflow of a file is written to."""
        suffix = "yaml" if source.path.endswith(".py") else "py"
        path = posixpath.join(posixpath.dirname(source.path), f"{name}.{suffix}")
        return self.output or Output(path, self.load)

    def name_there(self, name: str, source: Source, there: str) -> str:
        """Return the name of a `sql_file` as another file writes it.

        Those of the project's SQL folder are found from everywhere.
        """
        here = (self.root / source.path).parent
        folder = (self.root / there).parent
        if folder == here or not (here / name).exists():
            return name
        return Path(os.path.relpath(here / name, folder)).as_posix()


def _convert(source: Source, workflow: Workflow, project: _Project) -> Converted:
    remarks = remarks_of(source, workflow)
    name, shared = workflow.name.text, project.shared
    output = project.written(source, name)
    named = {
        id(step.sql): step.sql.text.whole.path
        for step in walk(workflow)
        if isinstance(step, SqlStep) and step.sql.text.whole.path != workflow.path
    }
    files = {
        step: project.name_there(file, source, output.path)
        for step, file in named.items()
    }
    if workflow.path.endswith(".py"):
        text = write_yaml(workflow, remarks, files, shared)
        reading = read_yaml(Source(output.path, text), output.load, shared)
        return Converted(name, text, _lost(workflow, reading, "YAML"))
    text = write_python(workflow, remarks, files, shared)
    written = Source(output.path, text)
    readings, _ = read_file(written, output.load, project.root, shared)
    reading = readings[0] if readings else (None, [])
    word = unwritable(workflow)
    lost = _word(word) if word else _lost(workflow, reading, "Python")
    return Converted(name, text, lost)


def _word(name: Name) -> Lost:
    message = f'"{name.text}" is a word of Python, no name of a step or input'
    return Lost(
        name.span, message, f'choose another name first, such as "{name.text}_"'
    )


def _lost(
    workflow: Workflow,
    reading: tuple[Workflow | None, list[Diagnostic]],
    language: str,
) -> Lost | None:
    """Return where what was written and read again is another workflow."""
    again, found = reading
    if again == workflow:
        return None
    errors = [each for each in found if each.severity == "error"]
    span = difference(workflow, again, workflow.name.span)
    help_ = "write it in another way first; nothing is written, lest something is lost"
    notes = tuple(f"in {language}: {each.message}" for each in errors[:1])
    return Lost(span, f"this can't be said in {language}", help_, notes)
