"""Everything in a workflow by its class, found in one walk.

Lowering asks for all references, all bindings, all texts. A walk per question over
every field of every node took most of the time of compiling.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

from perdure.syntax.sql import Token

Kind = TypeVar("Kind")

_NAMES = """
    steps arms otherwise branches exports statement parts condition message value url
    headers json body duration entries items while_ until
    head when undo subject cases default handler finally_ rows collect time
    arguments key to data form multipart source filename
"""
_HOLDERS = frozenset(_NAMES.split())
"""Fields below which steps, expressions and references stand."""


class Index:
    """The nodes below some steps, by class, outer before inner."""

    def __init__(self, steps: Any) -> None:
        self._found: dict[type[Any], list[Any]] = defaultdict(list)
        self.tokens: list[Token] = []
        self._add(steps)

    def of(self, kind: type[Kind]) -> Sequence[Kind]:
        """Return all nodes of a class."""
        return self._found.get(kind, ())

    def _add(self, node: Any) -> None:
        kind: Any = type(node)
        if kind is tuple:
            for item in node:
                self._add(item)
        elif kind is Token:
            self.tokens.append(node)
        elif names := _holders(kind):
            self._found[kind].append(node)
            for name in names:
                self._add(getattr(node, name))
        elif hasattr(kind, "__dataclass_fields__"):
            self._found[kind].append(node)


@cache
def _holders(kind: Any) -> tuple[str, ...]:
    if not hasattr(kind, "__dataclass_fields__"):
        return ()
    return tuple(each.name for each in fields(kind) if each.name in _HOLDERS)
