"""Turn a workflow in YAML into one in Python, and back.

What is written is read again and compared with what was there, so that a conversion
is exact or refused. Comments keep their place: `remarks`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perdure.diagnostics import Diagnostic
from perdure.frontend.python.reader import read_file
from perdure.frontend.python.remarks import remarks_of
from perdure.frontend.python.write_python import unwritable, write_python
from perdure.frontend.python.write_yaml import write_yaml
from perdure.frontend.yaml import read as read_yaml
from perdure.frontend.yaml.shared import Shared
from perdure.source import Source
from perdure.syntax.tree import SqlStep, Workflow
from perdure.syntax.walk import walk

Load = Callable[[str], Source | None]


@dataclass(frozen=True, slots=True)
class Converted:
    """A workflow in the other language; `exact` says that nothing of it was lost.

    `word` is a name of it that is a word of Python's own.
    """

    name: str
    text: str
    exact: bool
    word: str | None = None


def convert(
    source: Source, load: Load, root: Path, shared: Shared | None = None
) -> tuple[list[Converted], list[Diagnostic]]:
    """Return the workflows of a file in the other language, and what is wrong with it.

    `load` reads the file of a `sql_file` by its path as written, as a source of that
    path; `root` is the folder that the source's path starts at, and `shared` are the
    definitions of the project.
    """
    if source.path.endswith(".py"):
        readings, _ = read_file(source, load, root, shared)
    else:
        readings = [read_yaml(source, load, shared)]
    found = [each for _, findings in readings for each in findings]
    if any(each.severity == "error" for each in found):
        return [], found
    workflows = [each for each, _ in readings if each is not None]
    project = _Project(load, root, shared or Shared())
    return [_convert(source, each, project) for each in workflows], found


@dataclass(frozen=True, slots=True)
class _Project:
    load: Load
    root: Path
    shared: Shared


def _convert(source: Source, workflow: Workflow, project: _Project) -> Converted:
    remarks = remarks_of(source, workflow)
    files = {
        id(step.sql): step.sql.text.whole.path
        for step in walk(workflow)
        if isinstance(step, SqlStep) and step.sql.text.whole.path != workflow.path
    }
    name, shared = workflow.name.text, project.shared
    if workflow.path.endswith(".py"):
        text = write_yaml(workflow, remarks, files, shared)
        again, _ = read_yaml(Source(f"{name}.yaml", text), project.load, shared)
        return Converted(name, text, again == workflow)
    text = write_python(workflow, remarks, files, shared)
    written = Source(f"{name}.py", text)
    readings, _ = read_file(written, project.load, project.root, shared)
    exact = bool(readings) and readings[0][0] == workflow
    return Converted(name, text, exact, unwritable(workflow))
