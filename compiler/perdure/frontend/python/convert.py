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
from perdure.frontend.python.write_python import write_python
from perdure.frontend.python.write_yaml import write_yaml
from perdure.frontend.yaml import read as read_yaml
from perdure.frontend.yaml.comments import COMMENT, comments_in
from perdure.frontend.yaml.compose import compose
from perdure.source import Source
from perdure.syntax.tree import SqlStep, Step, Workflow
from perdure.syntax.walk import walk

Load = Callable[[str], Source | None]


@dataclass(frozen=True, slots=True)
class Converted:
    """A workflow in the other language; `exact` says that nothing of it was lost."""

    name: str
    text: str
    exact: bool


@dataclass(frozen=True, slots=True)
class _Comment:
    text: str
    start: int
    alone: bool  # on a line of its own


def convert(
    source: Source, load: Load, root: Path
) -> tuple[list[Converted], list[Diagnostic]]:
    """Return the workflows of a file in the other language, and what is wrong with it.

    `load` reads the file of a `sql_file` by its path as written, as a source of that
    path; `root` is the folder that the source's path starts at.
    """
    if source.path.endswith(".py"):
        readings, _ = read_file(source, load, root)
        comments = _in_python(source) if readings else []
    else:
        readings = [read_yaml(source, load)]
        comments = _in_yaml(source)
    found = [each for _, findings in readings for each in findings]
    if any(each.severity == "error" for each in found):
        return [], found
    workflows = [each for each, _ in readings if each is not None]
    return [_convert(each, comments, load, root) for each in workflows], found


def _convert(
    workflow: Workflow, comments: Sequence[_Comment], load: Load, root: Path
) -> Converted:
    beside, top = _attached(workflow, comments)
    files = {
        id(step.sql): step.sql.text.whole.path
        for step in walk(workflow)
        if isinstance(step, SqlStep) and step.sql.text.whole.path != workflow.path
    }

    def of(step: Step) -> Sequence[str]:
        return beside.get(id(step), ())

    name = workflow.name.text
    if workflow.path.endswith(".py"):
        text = write_yaml(workflow, of, files, top)
        again, _ = read_yaml(Source(f"{name}.yaml", text), load)
    else:
        text = write_python(workflow, of, files, top)
        readings, _ = read_file(Source(f"{name}.py", text), load, root)
        again = readings[0][0] if readings else None
    return Converted(name, text, again == workflow)


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
