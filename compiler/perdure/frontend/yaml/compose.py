"""YAML text to a tree of nodes with places, by libyaml's events.

Events and not PyYAML's own nodes, because they come one by one: aliases are seen
before they are expanded, and nesting is measured before anything recurses. What YAML
has and workflow files don't (anchors, aliases, merge keys, tags, several documents)
is reported here, once each, and leaves a `BrokenNode` behind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.decode import MAX_SIZE, too_large
from perdure.frontend.yaml.nodes import (
    BrokenNode,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
)
from perdure.frontend.yaml.scalars import scalar_text
from perdure.frontend.yaml.syntax_errors import explain
from perdure.source import Source, Span

MAX_DEPTH = 100
"""Deepest nesting of lists and mappings."""

# What YAML does not allow, and the byte order mark, which it allows at line starts.
_CONTROL = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


@dataclass(frozen=True, slots=True)
class Document:
    """What composing found: the root, the findings, and where the scalars stand.

    `scalars` are in order; no comment can stand inside one. Of a block scalar, the
    line of its `|` or `>` is left out.
    """

    root: Node | None
    found: list[Diagnostic]
    scalars: list[ScalarNode]


@dataclass(slots=True)
class _Open:
    """A list or mapping that has not ended yet; keys and values are children alike."""

    mapping: bool
    flow: bool
    start: int
    broken: bool
    children: list[Node] = field(default_factory=list)


class _TooDeep(Exception):
    pass


def compose(source: Source) -> Document:
    """Compose the nodes of a file."""
    document = Document(None, [], [])
    if len(source.text) > MAX_SIZE:
        document.found.append(too_large(source.path))
        return document
    bad = _control_characters(source)
    if bad:
        document.found.extend(bad)
        return document
    return _Composer(source, document.found, document.scalars).compose()


def _control_characters(source: Source) -> list[Diagnostic]:
    """Find the first character that no file may hold; a binary file has many."""
    text = source.text
    match = _CONTROL.search(text, 1 if text.startswith("\ufeff") else 0)
    if not match:
        return []
    span = Span(source.path, match.start(), match.end())
    message = f"character U+{ord(match.group()):04X} is not allowed in a file"
    help_ = "remove it, or write it as an escape in double quotes"
    return [error("WF104", span, message, help=help_)]


class _Composer:
    """The state of composing one file: the open lists and mappings."""

    def __init__(
        self, source: Source, found: list[Diagnostic], scalars: list[ScalarNode]
    ) -> None:
        self.source = source
        self.found = found
        self.scalars = scalars
        self.open: list[_Open] = []
        self.root: Node | None = None
        # libyaml does not count a byte order mark.
        self.skipped = 1 if source.text.startswith("\ufeff") else 0

    def compose(self) -> Document:
        """Handle events until the document ends or something stops it."""
        documents = 0
        try:
            for event in yaml.parse(self.source.text, Loader=yaml.CSafeLoader):
                if isinstance(event, yaml.DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        self._second_document(event)
                        break
                else:
                    self._event(event)
        except yaml.MarkedYAMLError as failure:
            last = self.scalars[-1] if self.scalars else None
            self.found.append(explain(self.source, failure, self.skipped, last))
            self.root = None
        except _TooDeep:
            self.root = None
        return Document(self.root, self.found, self.scalars)

    def _event(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._start(event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._end(event)
            case yaml.AliasEvent():
                self._not_yaml(event, "WF108", f'alias "*{event.anchor}"', _NO_ALIAS)
                self._add(BrokenNode(self._span(event)))

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark.index, event.end_mark.index
        return Span(self.source.path, start + self.skipped, end + self.skipped)

    def _scalar(self, event: Any) -> None:
        span = self._span(event)
        text = scalar_text(
            span.path,
            self.source.text,
            span.start,
            span.end,
            event.value,
            event.style or "",
        )
        node = ScalarNode(text, plain=not event.style)
        self.scalars.append(node)
        broken = self._properties(event)
        if "\0" in event.value:
            at = event.value.index("\0")
            message = "character U+0000 can't be part of a value"
            self._report("WF104", text.span(at, at + 1), message)
            broken = True
        self._add(BrokenNode(text.whole) if broken else node)

    def _start(self, event: Any) -> None:
        span = self._span(event)
        if len(self.open) >= MAX_DEPTH:
            message = f"lists and mappings are nested more than {MAX_DEPTH} deep"
            self._report("WF105", Span(span.path, span.start, span.start), message)
            raise _TooDeep
        mapping = isinstance(event, yaml.MappingStartEvent)
        broken = self._properties(event)
        self.open.append(_Open(mapping, event.flow_style, span.start, broken))

    def _end(self, event: Any) -> None:
        done = self.open.pop()
        end = self._span(event).end
        if not done.flow:
            end = done.children[-1].span.end if done.children else done.start
        span = Span(self.source.path, done.start, max(end, done.start))
        if done.broken:
            self._add(BrokenNode(span))
        elif done.mapping:
            self._add(MappingNode(self._entries(done), span))
        else:
            items = self._join_split(done) if done.flow else done.children
            self._add(SequenceNode(tuple(items), span))

    def _add(self, node: Node) -> None:
        if self.open:
            self.open[-1].children.append(node)
        else:
            self.root = node

    def _entries(self, done: _Open) -> tuple[tuple[ScalarNode, Node], ...]:
        """Pair keys and values; what is no key is reported and left out."""
        children = self._join_split(done) if done.flow else done.children
        entries: dict[str, tuple[ScalarNode, Node]] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, ScalarNode):
                self._bad_key(key)
            elif key.plain and key.value == "<<":
                self._merge_key(key, value)
            elif key.value in entries:
                self._duplicate(key, entries[key.value][0])
            else:
                entries[key.value] = (key, value)
        return tuple(entries.values())

    def _bad_key(self, key: Node) -> None:
        if not isinstance(key, BrokenNode):
            what = "a list" if isinstance(key, SequenceNode) else "a mapping"
            message = f"expected a key, found {what}"
            help_ = "put ${...} and other text with brackets in quotes"
            self._report("WF110", key.span, message, help_)

    def _merge_key(self, key: ScalarNode, value: Node) -> None:
        if not isinstance(value, BrokenNode):
            message = "found a merge key, which workflow files don't have"
            self._report("WF108", key.span, message, _NO_ALIAS)

    def _duplicate(self, key: ScalarNode, first: ScalarNode) -> None:
        line, _ = self.source.position(first.span.start)
        self.found.append(
            error(
                "WF112",
                key.span,
                f'key "{key.value}" is there twice',
                f"it is first on line {line}",
                help="remove or rename one of them",
            )
        )

    def _join_split(self, done: _Open) -> list[Node]:
        """Report values that a comma cut in two: `{total: coalesce(a, b)}`.

        In a mapping, each further piece reads as a key without a value. All pieces
        up to the one that closes the parenthesis become one broken node.
        """
        kept: list[Node] = []
        split: int | None = None
        closed = False
        for index, child in enumerate(done.children):
            if closed:
                closed = False
                continue
            kept.append(child)
            is_value = done.mapping and index % 2 == 1
            balance = _balance(child)
            first = kept[split] if split is not None else None
            if isinstance(first, ScalarNode) and balance < 0 and not is_value:
                self._split(first, child)
                kept[split:] = [BrokenNode(first.span.to(child.span))]
                split, closed = None, done.mapping
            elif (is_value or not done.mapping) and not _nothing(child):
                split = len(kept) - 1 if balance > 0 else split
        return kept

    def _split(self, first: ScalarNode, last: Node) -> None:
        span = first.span.to(last.span)
        message = f'the comma ends the value "{first.value}" here'
        self._report("WF128", span, message, "put the whole value in quotes")

    def _properties(self, event: Any) -> bool:
        """Report an anchor or a tag; say whether there was one."""
        if event.anchor:
            self._not_yaml(event, "WF108", f'anchor "&{event.anchor}"', _NO_ALIAS)
        elif event.tag:
            self._not_yaml(event, "WF109", "a tag", _NO_TAG)
        return bool(event.anchor or event.tag)

    def _not_yaml(self, event: Any, code: str, what: str, help_: str) -> None:
        start = self._span(event).start
        word = re.compile(r"\S*").match(self.source.text, start)
        end = word.end() if word else start
        message = f"found {what}, which workflow files don't have"
        self._report(code, Span(self.source.path, start, end), message, help_)

    def _second_document(self, event: Any) -> None:
        start = self._span(event).start
        span = Span(self.source.path, start, self._span(event).end)
        message = "a second document begins here"
        self._report("WF107", span, message, "write one workflow per file")

    def _report(
        self, code: str, span: Span, message: str, help_: str | None = None
    ) -> None:
        self.found.append(error(code, span, message, help=help_))


_NO_ALIAS = "write the value out where it is used"
_NO_TAG = "remove it; a value's type follows from its place"


def _nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.nothing


def _balance(node: Node) -> int:
    """Return how many parentheses a plain scalar leaves open, or closes too many."""
    if not isinstance(node, ScalarNode) or not node.plain:
        return 0
    return node.value.count("(") - node.value.count(")")
