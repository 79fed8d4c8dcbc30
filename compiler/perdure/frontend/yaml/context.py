"""What reading one file carries along, and the checks that all readers share.

A reader takes a node and returns a piece of the syntax tree, or None after it has
reported why there is none. A `BrokenNode` was reported before: readers pass over it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from perdure.diagnostics import Diagnostic, Edit, Fix, error
from perdure.frontend.yaml.language import (
    MAX_NAME,
    MEANT,
    NAME_PATTERN,
    RESERVED,
    Key,
    Kind,
)
from perdure.frontend.yaml.nodes import (
    BrokenNode,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
)
from perdure.source import Source, Span, Text
from perdure.syntax.expr import Name

if TYPE_CHECKING:
    from perdure.frontend.yaml.shared import Shared

T = TypeVar("T")
Load = Callable[[str], Source | None]
Fields = Mapping[str, Any]
"""Values of a mapping by key: what the readers of the keys' kinds returned."""

MAX_SUGGESTIONS = 100
"""After so many findings a file is no workflow, and suggestions only cost time."""


@dataclass(slots=True)
class Context:
    """The file, the reader of each kind, and what was found so far.

    `unread` collects the names that would be bound by what could not be read; `shared`
    are the project's definitions.
    """

    source: Source
    load: Load
    readers: Mapping[Kind, Callable[[Context, Node, Key], Any]]
    found: list[Diagnostic] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    shared: Shared | None = None

    def report(
        self,
        code: str,
        span: Span,
        message: str,
        *notes: str,
        help: str | None = None,
        fix: Fix | None = None,
    ) -> None:
        """Add an error."""
        self.found.append(error(code, span, message, *notes, help=help, fix=fix))

    def take(self, result: tuple[T, list[Diagnostic]]) -> T:
        """Add the findings of another reader and return its result."""
        self.found.extend(result[1])
        return result[0]

    def read(self, node: Node, key: Key) -> Any:
        """Read the value of a key by its kind."""
        return self.readers[key.kind](self, node, key)

    def nearest(self, word: str, words: Iterable[str]) -> str | None:
        """Return the word that was probably meant."""
        if len(self.found) > MAX_SUGGESTIONS or len(word) > 2 * MAX_NAME:
            return None
        return _nearest(word, tuple(words))


@lru_cache(maxsize=1000)
def _nearest(word: str, words: tuple[str, ...]) -> str | None:
    lower = word.lower().replace("-", "_")
    return next(iter(get_close_matches(lower, words, 1, 0.65)), None)


def wrong_kind(
    ctx: Context, node: Node, expected: str, help: str | None = None
) -> None:
    """Report that a node is not what it should be, unless that is known."""
    match node:
        case BrokenNode():
            return
        case ScalarNode() if node.nothing:
            ctx.report("WF118", node.span, f"expected {expected}, found nothing")
            return
        case ScalarNode():
            found = "text"
        case SequenceNode():
            found = "a list"
        case MappingNode():
            found = "a mapping"
    message = f"expected {expected}, found {found}"
    ctx.report("WF110", _first_line(ctx, node.span), message, help=help)


def _first_line(ctx: Context, span: Span) -> Span:
    line, _ = ctx.source.position(span.start)
    start = ctx.source.line_starts[line - 1]
    return Span(
        span.path, span.start, min(span.end, start + len(ctx.source.line(line)))
    )


def scalar(
    ctx: Context, node: Node, expected: str, help: str | None = None
) -> ScalarNode | None:
    """Return the node if it is a scalar with a value, quotes without text included."""
    if isinstance(node, ScalarNode) and not node.nothing:
        return node
    wrong_kind(ctx, node, expected, help)
    return None


def items(
    ctx: Context, node: Node, key: Key, help: str, empty: str | None = None
) -> tuple[Node, ...]:
    """Return the items of a list that must not be empty; `empty` helps if it is."""
    if not isinstance(node, SequenceNode):
        wrong_kind(ctx, node, key.kind.value, help)
        return ()
    if not node.items:
        message = f"expected {key.kind.value}, found an empty list"
        ctx.report("WF118", node.span, message, help=_way_out(key, empty or help))
    return node.items


def entries(
    ctx: Context, node: Node, key: Key, help: str | None = None
) -> tuple[tuple[ScalarNode, Node], ...]:
    """Return the entries of a mapping that must not be empty."""
    if not isinstance(node, MappingNode):
        wrong_kind(ctx, node, key.kind.value, help)
        return ()
    if not node.entries:
        message = f"expected {key.kind.value}, found an empty mapping"
        ctx.report("WF118", node.span, message, help=_way_out(key, help))
    return node.entries


def _way_out(key: Key, instead: str | None) -> str | None:
    """Return what to do about a list or mapping without entries."""
    return instead if key.required else f'leave "{key.name}" out'


def name_of(ctx: Context, node: ScalarNode) -> Name | None:
    """Return the name that a scalar holds, if it is a proper one."""
    word = node.value
    if not re.fullmatch(NAME_PATTERN, word):
        _bad_name(ctx, node)
    elif len(word) > MAX_NAME:
        message = f"the name has {len(word)} characters, the limit is {MAX_NAME}"
        ctx.report("WF119", node.span, message, help="choose a shorter name")
    elif word in RESERVED:
        message = f'"{word}" is a word of the expression language, not a name'
        ctx.report("WF120", node.span, message, help=f'for example "{word}_"')
    else:
        return Name(word, node.span)
    return None


def _bad_name(ctx: Context, node: ScalarNode) -> None:
    if re.fullmatch(r"[-+.\d]+", node.value):
        message = f'expected a name, found the number "{node.value}"'
    else:
        message = f'"{_short(node.value)}" is not a name'
    rule = "names are lower-case letters, digits and _, not a digit first"
    likely = re.sub(r"[\s.-]+", "_", node.value.strip().lower())
    good = re.fullmatch(NAME_PATTERN, likely) and len(likely) <= MAX_NAME
    help_ = f'for example "{likely}"' if good else None
    ctx.report("WF119", node.span, message, rule, help=help_)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def choice(
    ctx: Context, text: Text, choices: tuple[str, ...], code: str, what: str
) -> str | None:
    """Return the text if it is one of the choices."""
    if text.value in choices:
        return text.value
    other = MEANT.get(text.value.lower())
    meant = other if other in choices else ctx.nearest(text.value, choices)
    if text.value.upper() in choices:
        meant = text.value.upper()
    message = f'expected {what}, found "{_short(text.value)}"'
    known = "it can be " + ", ".join(choices)
    ctx.report(code, text.span(), message, known, **_suggestion(text.span(), meant))
    return None


def word_of(
    ctx: Context, node: Node, key: Key, choices: tuple[str, ...], code: str, what: str
) -> Name | None:
    """Read one of a few words."""
    found = scalar(ctx, node, key.kind.value)
    if found is None:
        return None
    chosen = choice(ctx, found.text, choices, code, what)
    return Name(chosen, found.span) if chosen else None


def unknown_key(ctx: Context, key: ScalarNode, where: str, known: list[str]) -> None:
    """Report a key that is not part of the language."""
    meant = ctx.nearest(key.value, known)
    message = f'unknown key "{_short(key.value)}" in {where}'
    note = () if meant else ("known keys are " + ", ".join(known),)
    ctx.report("WF111", key.span, message, *note, **_suggestion(key.span, meant))


def _suggestion(span: Span, meant: str | None) -> dict[str, Any]:
    if meant is None:
        return {}
    fix = Fix(f'replace by "{meant}"', (Edit(span, meant),))
    return {"help": f'did you mean "{meant}"?', "fix": fix}
