"""What a graph binds and reads, and the names that a workflow gives to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal as OneOf

from perdure.frontend.df.columns import Shape
from perdure.frontend.df.nodes import Node, Value
from perdure.frontend.df.references import Found, in_sql, in_text
from perdure.frontend.yaml.language import MAX_NAME, RESERVED
from perdure.source import Text

Kind = OneOf[
    "rows", "signal", "http", "item", "error", "value", "call", "schedule", "lost"
]
SYSTEM = {"sys_instance_id": "run.id", "sys_label": "run.workflow"}
_SQL_ARGUMENTS = frozenset({"query", "items", "collect"})
_TEXT_ARGUMENTS = frozenset({"url", "body", "headers", "parts", "seconds"})


@dataclass(frozen=True, slots=True)
class Ending:
    """What breaks give to the name of their loop: values of a `let`, with their types.

    `members` are those of a JSON object that are read; not each break gives `partial`
    ones.
    """

    name: str
    whole: str | None
    members: Mapping[str, str]
    types: Mapping[str, str]
    partial: frozenset[str]


@dataclass(frozen=True, slots=True)
class Binding:
    """What a name of the graph is in the workflow.

    `many` says that its rows are read as a set, so that a column takes a sub-select;
    `reason` why a `lost` one can't be read; `ending` what a `value` is; `arms` which
    nodes `if`, by `id`, bind it in one of their arms only.
    """

    name: str
    kind: Kind
    shape: Shape | None = None
    many: bool = False
    reason: str = ""
    signal: str = ""
    ending: Ending | None = None
    arms: frozenset[int] = frozenset()


@dataclass(slots=True)
class Use:
    """How a name is read, anywhere in the graph."""

    first: bool = False
    rows: bool = False
    tested: bool = False  # by if_rows
    required: bool = False  # without `?`
    columns: set[str] = field(default_factory=set)

    @property
    def scalar(self) -> bool:
        """Whether a single value of it is read."""
        return self.first or bool(self.columns)


def uses_of(node: Node) -> dict[str, Use]:
    """Return how each name is read."""
    uses: dict[str, Use] = {}
    for each in walk(node):
        tested = each.text("result_name")
        if tested is not None:
            uses.setdefault(tested.value, Use()).tested = True
        for found in _references(each):
            if not found.variable:
                _count(uses.setdefault(found.name, Use()), found)
    return uses


def _count(use: Use, found: Found) -> None:
    use.rows = use.rows or found.column == "*"
    use.first = use.first or found.column is None
    if found.column not in (None, "*"):
        use.columns.add(found.column)
    use.required = use.required or (not found.optional and found.column != "*")


def variables_of(node: Node) -> dict[str, list[Found]]:
    """Return where each variable `{name}` is read, in order."""
    found: dict[str, list[Found]] = {}
    for each in walk(node):
        for reference in _references(each):
            if reference.variable:
                found.setdefault(reference.name, []).append(reference)
    return found


def inputs_of(node: Node) -> dict[str, list[Found]]:
    """Return where each field of `$input` is read."""
    found: dict[str, list[Found]] = {}
    for each in walk(node):
        for reference in _references(each):
            if (
                reference.name == "input"
                and reference.column
                and not reference.variable
            ):
                found.setdefault(reference.column, []).append(reference)
    return found


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    yield node
    for each in (*node.children, *node.parts.values()):
        yield from walk(each)


def _references(node: Node) -> Iterator[Found]:
    for name, value in node.values.items():
        if name not in _SQL_ARGUMENTS | _TEXT_ARGUMENTS:
            continue  # df replaces nothing in it
        for text in _texts(value):
            yield from in_sql(text) if name in _SQL_ARGUMENTS else in_text(text)


def _texts(value: Value) -> Iterator[str]:
    match value:
        case Text():
            yield value.value
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)


@dataclass(slots=True)
class Names:
    """Gives out names of steps and branches, each meaning one thing.

    A branch of a `parallel` or `race` may not bind again what is bound outside of it,
    so that a name belongs to the place, a path of branches, that binds it first.
    """

    taken: set[str] = field(default_factory=lambda: {"run", "err", "secrets"})
    homes: dict[tuple[str, tuple[int, ...]], str] = field(default_factory=dict)

    def bind(self, name: str, place: tuple[int, ...]) -> str:
        """Return the name in the workflow for a name that the graph binds."""
        if (name, place) not in self.homes:
            self.homes[name, place] = self.fresh(name)
        return self.homes[name, place]

    def fresh(self, wanted: str) -> str:
        """Return a name that nothing else has."""
        wanted = identifier(wanted)
        name, count = wanted, 1
        while name in self.taken:
            count += 1
            name = f"{wanted}_{count}"
        self.taken.add(name)
        return name


def is_plain(column: str | None) -> bool:
    """Say whether a reference can name a column."""
    return re.fullmatch(r"[A-Za-z_]\w*", column or "", re.ASCII) is not None


def identifier(text: str) -> str:
    """Return text as a name of the language."""
    name = re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_")[:MAX_NAME]
    if not name or name[0].isdigit():
        name = f"w_{name}".rstrip("_")
    return f"{name}_" if name in RESERVED else name
