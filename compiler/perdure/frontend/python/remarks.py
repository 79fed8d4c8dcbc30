"""The comments of a workflow, and where they go in another language.

A comment stands before a step, after the last step of a block, above the workflow or
below it; there it is written in the other language, too. One beside a step, or inside
of what a step says, goes before the step. Where nothing but the column tells, as at the
end of blocks, the column decides, as it does for a reader.

The docstring of a module goes above the workflow, and so do the comments of what a
workflow names of its module. What is said of the rest of a module has no place in a
workflow: `left_out`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from perdure.frontend.python.comments import comments_in as python_comments
from perdure.frontend.python.context import names_stored
from perdure.frontend.python.places import Places, quietly_parsed
from perdure.frontend.yaml.comments import COMMENT, comments_in
from perdure.frontend.yaml.compose import compose
from perdure.source import Source
from perdure.syntax.tree import Step, Workflow
from perdure.syntax.walk import walk


@dataclass(frozen=True, slots=True)
class Remarks:
    """The comments of a workflow; those of steps are by the `id` of the step."""

    top: list[str] = field(default_factory=list)
    before: dict[int, list[str]] = field(default_factory=dict)
    after: dict[int, list[str]] = field(default_factory=dict)
    bottom: list[str] = field(default_factory=list)

    def around(self, step: Step, lines: list[str], indent: str) -> list[str]:
        """Return the lines of a step with its comments before and after them."""
        before, after = (
            [indent + each for each in table.get(id(step), ())]
            for table in (self.before, self.after)
        )
        return [*before, *lines, *after]


@dataclass(frozen=True, slots=True)
class _Comment:
    text: str
    start: int
    column: int
    alone: bool  # on a line of its own

    @property
    def end(self) -> int:
        return self.start + len(self.text)


_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that YAML does not allow, or takes for the end of a line."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a step stands; a step that is written out has one place for all rounds."""

    step: Step
    start: int
    end: int
    column: int


def remarks_of(source: Source, workflow: Workflow) -> Remarks:
    """Return the comments that belong to a workflow of a file."""
    apart: list[_Comment] = []
    if source.path.endswith(".py"):
        comments = _all_in_python(source)
        module = _module(source)
        apart = _of_named(source, comments, module, workflow)
        own = _own(source, comments, module, workflow)
        apart += (said := _docstring(source, module))
        comments = sorted([*comments, *said], key=lambda each: each.start)
    else:
        scalars = compose(source).scalars
        comments = own = [
            _comment(source, match.start(), match.group())
            for match in comments_in(source.text, scalars)
        ]
    finder = _Finder(source, comments, _places(source, comments, workflow))
    found = Remarks()
    for comment in comments:
        if comment in own:
            finder.put(comment, found)
        elif comment in apart:
            found.top.append(comment.text)
    return found


def left_out(source: Source, workflows: Sequence[Workflow]) -> list[int]:
    """Return the lines of the comments that belong to no workflow of a Python file."""
    comments, module = _all_in_python(source), _module(source)
    kept = [
        each.start
        for workflow in workflows
        for of in (_own, _of_named)
        for each in of(source, comments, module, workflow)
    ]
    rest = [each.start for each in comments if each.start not in kept]
    return sorted({source.position(start)[0] for start in rest})


def _comment(source: Source, start: int, text: str) -> _Comment:
    line, column = source.position(start)
    alone = not source.line(line)[: column - 1].strip()
    return _Comment(_HIDDEN.sub(" ", text).rstrip(), start, column, alone)


def _places(
    source: Source, comments: Sequence[_Comment], workflow: Workflow
) -> list[_Place]:
    found: dict[tuple[int, int], _Place] = {}
    ends = {each.end: each.start for each in comments}
    for step in walk(workflow):
        start, end = step.head.whole.start, step.head.whole.end
        if step.head.whole.path != source.path or start == end:  # written by nobody
            continue
        while True:  # what ends a step of YAML is the next thing that is no comment
            end = start + len(source.text[start:end].rstrip())
            if end not in ends or ends[end] <= start:
                break
            end = ends[end]
        place = _Place(step, start, end, source.position(start)[1])
        found.setdefault((start, end), place)
    return sorted(found.values(), key=lambda each: (each.start, -each.end))


class _Finder:
    """Finds the place of a comment among those of the steps."""

    def __init__(
        self, source: Source, comments: Sequence[_Comment], places: Sequence[_Place]
    ) -> None:
        self.text = source.text
        self.comments = comments
        self.places = places
        self.yaml = not source.path.endswith(".py")

    def put(self, comment: _Comment, found: Remarks) -> None:
        """Add a comment to those of its place."""
        following = next((p for p in self.places if p.start > comment.start), None)
        inner = self._around(comment)
        if inner is not None and self._is_of(inner, comment):
            _add(found.before, inner, comment)
        elif not comment.alone:
            self._beside(comment, inner, following, found)
        elif following and self._leads_to(comment, following):
            _add(found.before, following, comment)
        else:
            self._between(comment, inner, following, found)

    def _around(self, comment: _Comment) -> _Place | None:
        around = [p for p in self.places if p.start <= comment.start < p.end]
        return around[-1] if around else None

    def _is_of(self, inner: _Place, comment: _Comment) -> bool:
        """Say whether a comment is inside of what one step alone says."""
        held = [p for p in self.places if inner.start < p.start < inner.end]
        beside = (
            not comment.alone and "\n" not in self.text[inner.start : comment.start]
        )
        return not held or beside

    def _beside(
        self,
        comment: _Comment,
        inner: _Place | None,
        following: _Place | None,
        found: Remarks,
    ) -> None:
        ended = [p for p in self.places if p.end <= comment.start]
        same = [p for p in ended if "\n" not in self.text[p.end : comment.start]]
        if same:
            _add(found.before, same[-1], comment)
        elif following is not None and inner is not None:
            _add(found.before, following, comment)
        elif ended and following is None:
            _add(found.after, ended[-1], comment)
        else:
            found.top.append(comment.text)

    def _leads_to(self, comment: _Comment, following: _Place) -> bool:
        """Say whether nothing but comments stands between, and the column fits."""
        at, rest = comment.end, ""
        for each in self.comments:
            if comment.start < each.start < following.start:
                rest += self.text[at : each.start]
                at = each.end
        rest += self.text[at : following.start]
        blank = not rest.strip(" \t\r\n-" if self.yaml else None)
        return blank and comment.column <= following.column

    def _between(
        self,
        comment: _Comment,
        inner: _Place | None,
        following: _Place | None,
        found: Remarks,
    ) -> None:
        """Put a comment at the end of a block, by its column, or before a step."""
        reach = comment.column + (2 if self.yaml else 0)  # of the dash before a step
        first = inner.start if inner is not None else -1
        ended = [p for p in self.places if first < p.start and p.end <= comment.start]
        last = next((p for p in reversed(ended) if p.column <= reach), None)
        if last is not None and (self.yaml or comment.column > 1):
            _add(found.after, last, comment)
        elif following is None:
            found.bottom.append(comment.text)
        elif inner is not None or ended:
            _add(found.before, following, comment)
        else:
            found.top.append(comment.text)


def _add(table: dict[int, list[str]], place: _Place, comment: _Comment) -> None:
    table.setdefault(id(place.step), []).append(comment.text)


# --- the comments of one workflow of a Python file ----------------------------------


def _all_in_python(source: Source) -> list[_Comment]:
    found = []
    for start in python_comments(Places(source)):
        match = COMMENT.match(source.text, start)
        if match:
            found.append(_comment(source, start, match.group()))
    return found


@dataclass(frozen=True, slots=True)
class _Module:
    """The statements of a file, where each stands, decorators and all."""

    nodes: Sequence[ast.stmt]
    spans: Sequence[tuple[int, int]]
    documented: str | None

    def index_of(self, workflow: Workflow) -> int:
        """Return which statement a workflow is."""
        steps = [step.head.whole.start for step in walk(workflow)]
        return next(
            i for i, (a, b) in enumerate(self.spans) if any(a <= s < b for s in steps)
        )


def _module(source: Source) -> _Module:
    tree, places = quietly_parsed(source.text, "exec"), Places(source)
    assert isinstance(tree, ast.Module)
    spans = []
    for node in tree.body:
        span = places.span(node)
        decorators = getattr(node, "decorator_list", [])
        starts = [places.span(each).start - 1 for each in decorators]  # with the "@"
        spans.append((min([span.start, *starts]), span.end))
    return _Module(tree.body, spans, ast.get_docstring(tree))


def _own(
    source: Source,
    comments: Sequence[_Comment],
    module: _Module,
    workflow: Workflow,
) -> list[_Comment]:
    """Return the comments of a workflow: in it, right above it and right below it.

    Those at the head of a file are of all that the file has.
    """
    documented = module.documented is not None
    head = module.spans[1:2] if documented else module.spans[:1]
    near = _near(source, comments, module.spans, module.index_of(workflow))
    return [
        each
        for each in comments
        if each in near or any(each.start < first for first, _ in head)
    ]


def _near(
    source: Source,
    comments: Sequence[_Comment],
    spans: Sequence[tuple[int, int]],
    index: int,
) -> list[_Comment]:
    """Return the comments in a statement, right above it and right below it."""
    start, end = spans[index]
    before = spans[index - 1][1] if index else 0
    after = spans[index + 1][0] if index + 1 < len(spans) else None
    found = []
    for each in comments:
        within = start <= each.start < end
        above = before <= each.start < start and not _trails(source, before, each)
        below = end <= each.start < (after or len(source.text) + 1)
        trailing = below and (after is None or _trails(source, end, each))
        if within or above or trailing:
            found.append(each)
    return found


def _docstring(source: Source, module: _Module) -> list[_Comment]:
    """Return what the docstring of a module says, as comments."""
    start = module.spans[0][0] if module.documented else 0
    lines = (module.documented or "").splitlines()
    return [_comment(source, start, f"# {line}".rstrip()) for line in lines]


def _of_named(
    source: Source,
    comments: Sequence[_Comment],
    module: _Module,
    workflow: Workflow,
) -> list[_Comment]:
    """Return the comments of classes and constants that a workflow names, and these.

    Another language writes the fields of such a class, and such a constant, where it is
    named; what is said of it stands above the workflow.
    """
    reached = [module.index_of(workflow)]
    for index in reached:
        names = _names(module.nodes[index])
        for other, node in enumerate(module.nodes):
            if names & _bound_by(node) and other not in reached:
                reached.append(other)
    named = sorted(reached[1:])
    near = [_near(source, comments, module.spans, each) for each in named]
    return [each for each in comments if any(each in some for some in near)]


def _bound_by(node: ast.stmt) -> frozenset[str]:
    """Return the names of the classes and constants that a statement makes."""
    if isinstance(node, ast.ClassDef):
        return frozenset([node.name])
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return names_stored([node])
    return frozenset()


def _names(node: ast.stmt) -> set[str]:
    """Return the names in a statement, also those in quotes, as in annotations."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            found.add(each.id)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            found.update(re.findall(r"\w+", each.value))
    return found


def _trails(source: Source, end: int, comment: _Comment) -> bool:
    """Say whether a comment belongs to the statement that ends before it."""
    between = source.text[end : comment.start]
    if "\n" not in between:
        return True
    if comment.column > 1:
        return True
    lines = between.split("\n")[1:-1]
    return all(line.strip() for line in lines)  # no empty line stands between
