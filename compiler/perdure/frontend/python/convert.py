"""Turn a workflow in YAML into one in Python, and back.

What is written is read again and compared with what was there, so that a conversion
is exact or refused. Comments stand before the step that they stood before or beside.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from perdure.diagnostics import Diagnostic
from perdure.frontend.python.comments import comments_in as python_comments
from perdure.frontend.python.places import Places
from perdure.frontend.python.reader import read_file
from perdure.frontend.python.write_python import unwritable, write_python
from perdure.frontend.python.write_yaml import write_yaml
from perdure.frontend.yaml import read as read_yaml
from perdure.frontend.yaml.comments import COMMENT, comments_in
from perdure.frontend.yaml.compose import compose
from perdure.frontend.yaml.shared import Shared
from perdure.source import Source
from perdure.syntax.tree import SqlStep, Step, Workflow
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


@dataclass(frozen=True, slots=True)
class _Comment:
    text: str
    start: int
    alone: bool  # on a line of its own


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
        comments = _in_python(source) if readings else []
    else:
        readings = [read_yaml(source, load, shared)]
        comments = _in_yaml(source)
    found = [each for _, findings in readings for each in findings]
    if any(each.severity == "error" for each in found):
        return [], found
    workflows = [each for each, _ in readings if each is not None]
    project = _Project(load, root, shared or Shared())
    return [_convert(each, comments, project) for each in workflows], found


@dataclass(frozen=True, slots=True)
class _Project:
    load: Load
    root: Path
    shared: Shared


def _convert(
    workflow: Workflow, comments: Sequence[_Comment], project: _Project
) -> Converted:
    beside, top = _attached(workflow, comments)
    files = {
        id(step.sql): step.sql.text.whole.path
        for step in walk(workflow)
        if isinstance(step, SqlStep) and step.sql.text.whole.path != workflow.path
    }

    def of(step: Step) -> Sequence[str]:
        return beside.get(id(step), ())

    name, shared = workflow.name.text, project.shared
    if workflow.path.endswith(".py"):
        text = write_yaml(workflow, of, files, top, shared)
        again, _ = read_yaml(Source(f"{name}.yaml", text), project.load, shared)
        return Converted(name, text, again == workflow)
    text = write_python(workflow, of, files, top, shared)
    source = Source(f"{name}.py", text)
    readings, _ = read_file(source, project.load, project.root, shared)
    exact = bool(readings) and readings[0][0] == workflow
    return Converted(name, text, exact, unwritable(workflow))


def _attached(
    workflow: Workflow, comments: Iterable[_Comment]
) -> tuple[dict[int, list[str]], list[str]]:
    """Return the comments of each step, by `id`, and those of the workflow."""
    steps = sorted(walk(workflow), key=lambda step: step.head.whole.start)
    beside: dict[int, list[str]] = {}
    top: list[str] = []
    for comment in comments:
        before = [s for s in steps if s.head.whole.start <= comment.start]
        after = [s for s in steps if s.head.whole.start > comment.start]
        if comment.start < workflow.name.span.start or not (before or comment.alone):
            top.append(comment.text)
            continue
        owner = after[0] if comment.alone and after else before[-1]
        beside.setdefault(id(owner), []).append(comment.text)
    return beside, top


def _in_yaml(source: Source) -> list[_Comment]:
    return [
        _comment(source, match.start(), match.group())
        for match in comments_in(source.text, compose(source).scalars)
    ]


def _in_python(source: Source) -> list[_Comment]:
    """Return the comments of the workflows, not those of the rest of the module."""
    tree, places = ast.parse(source.text), Places(source)
    inside = [
        places.span(each) for each in tree.body if isinstance(each, ast.FunctionDef)
    ]
    found = []
    for start in python_comments(places):
        match = COMMENT.match(source.text, start)
        if match and any(span.start <= start <= span.end + 1 for span in inside):
            found.append(_comment(source, start, match.group()))
    return found


def _comment(source: Source, start: int, text: str) -> _Comment:
    line, column = source.position(start)
    alone = not source.line(line)[: column - 1].strip()
    return _Comment(text.rstrip(), start, alone)
