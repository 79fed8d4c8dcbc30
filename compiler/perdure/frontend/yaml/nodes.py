"""The YAML file as a tree: what stands where, before any of it means something."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.source import Span, Text


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A scalar. `plain` is one without quotes, also where there is no value at all."""

    text: Text
    plain: bool

    @property
    def span(self) -> Span:
        """The whole scalar, quotes included."""
        return self.text.whole

    @property
    def value(self) -> str:
        """The decoded value."""
        return self.text.value

    @property
    def nothing(self) -> bool:
        """Whether there is no value at all, as in `key:`."""
        return self.plain and not self.text.value


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping; its keys are scalars, and no two of them are equal."""

    entries: tuple[tuple[ScalarNode, Node], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class BrokenNode:
    """Something that was reported already and must not be reported again."""

    span: Span


Node = ScalarNode | SequenceNode | MappingNode | BrokenNode
