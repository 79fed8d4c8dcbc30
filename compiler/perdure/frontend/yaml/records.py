"""Mappings whose keys the language knows: reading them by their table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from perdure.frontend.yaml.context import Context, Fields, unknown_key
from perdure.frontend.yaml.language import STEPS, Key
from perdure.frontend.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping that was read: all required values, and whether nothing was wrong."""

    values: Fields
    sound: bool


def read_record(
    ctx: Context,
    node: MappingNode,
    keys: Iterable[Key],
    where: str,
    *,
    in_step: bool = False,
) -> Record | None:
    """Read the values of a mapping, or return None if a required one is not there.

    `where` names the mapping in messages. A missing key is not reported beside an
    unknown one, which is most likely the same key.
    """
    known = {key.name: key for key in keys}
    before = len(ctx.found)
    values: dict[str, Any] = {}
    strange = False
    for name, child in node.entries:
        key = known.get(name.value)
        if key is None:
            strange = True
            _stranger(ctx, name, where, list(known), in_step)
        else:
            value = ctx.read(child, key)
            if value is not None:
                values[name.value] = value
    if not strange:
        _report_missing(ctx, node, known, where)
    if any(key.required and key.name not in values for key in known.values()):
        return None
    wrong = any(each.severity == "error" for each in ctx.found[before:])
    return Record(values, not wrong and len(values) == len(node.entries))


def _stranger(
    ctx: Context, name: ScalarNode, where: str, known: list[str], in_step: bool
) -> None:
    owners = owners_of(name.value) if in_step else []
    if owners:
        *others, last = (f'"{owner}"' for owner in owners)
        listed = f"{', '.join(others)} or {last}" if others else last
        message = f'key "{name.value}" does not belong in {where}'
        ctx.report("WF115", name.span, message, f"it belongs to {listed}")
    else:
        unknown_key(ctx, name, where, known)


def _report_missing(
    ctx: Context, node: MappingNode, known: Mapping[str, Key], where: str
) -> None:
    present = {name.value for name, _ in node.entries}
    for key in known.values():
        if key.required and key.name not in present:
            span = node.entries[0][0].span if node.entries else node.span
            message = f'{where} has no "{key.name}"'
            help_ = f'add "{key.name}:", {key.kind.value}'
            ctx.report("WF113", span, message, help=help_)


def owners_of(name: str) -> list[str]:
    """Return the kinds of step that have a key."""
    return [kind.name for kind in STEPS for key in kind.keys if key.name == name]


def bound_names(node: Node) -> Iterable[str]:
    """Yield the names that steps below a node would bind."""
    match node:
        case MappingNode():
            for key, child in node.entries:
                if key.value == "name" and isinstance(child, ScalarNode):
                    yield child.value
                elif key.value == "let" and isinstance(child, MappingNode):
                    yield from (name.value for name, _ in child.entries)
                else:
                    yield from bound_names(child)
        case SequenceNode():
            for item in node.items:
                yield from bound_names(item)
