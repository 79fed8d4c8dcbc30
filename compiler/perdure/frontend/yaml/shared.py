"""Definitions that all workflows of a project share: types and retry policies.

They stand in a file of their own. A name is replaced by what it stands for when a
workflow is read, so that a change in the file changes the workflows that use it, and
no others. A type may use those above it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.yaml.compose import compose
from perdure.frontend.yaml.context import Context, entries, name_of, wrong_kind
from perdure.frontend.yaml.nodes import MappingNode, Node
from perdure.frontend.yaml.records import read_record
from perdure.frontend.yaml.rows_calls import SHARED
from perdure.frontend.yaml.steps import read_retry
from perdure.frontend.yaml.table import Key, Kind
from perdure.frontend.yaml.values import read_type
from perdure.source import Source, Span
from perdure.syntax.tree import Retry, TypeExpr

_TYPE = Key("types", Kind.TYPE, "A type.")
_RETRY = Key("retries", Kind.RETRY, "A retry policy.")
_NAMES = """
    bigint bit boolean box bytea char character cidr circle date decimal float4
    float8 inet int int2 int4 int8 integer interval json jsonb line lseg macaddr
    money name numeric oid path point polygon real smallint text time timestamp
    timestamptz timetz uuid varbit varchar xml
"""
_TAKEN = frozenset(_NAMES.split())


@dataclass(slots=True)
class Shared:
    """Types and retry policies by name."""

    types: dict[str, TypeExpr] = field(default_factory=dict)
    retries: dict[str, Retry] = field(default_factory=dict)


def read_shared(source: Source) -> tuple[Shared, list[Diagnostic]]:
    """Read the file of shared definitions; those that can't be read are left out."""
    from perdure.frontend.yaml.reader import READERS

    document = compose(source)
    shared = Shared()
    ctx = Context(source, lambda name: None, READERS, document.found, shared=shared)
    match document.root:
        case MappingNode() as node:
            read_record(ctx, node, SHARED, "the file of shared definitions")
        case None:
            pass
        case node if getattr(node, "nothing", False):
            span = Span(source.path, 0, 0)
            ctx.found.append(error("WF106", span, "the file is empty"))
        case node:
            wrong_kind(ctx, node, "types and retries")
    return shared, ctx.found


def read_types(ctx: Context, node: Node, key: Key) -> bool:
    """Read named types into the shared definitions."""
    for name, child in entries(ctx, node, key):
        bound = name_of(ctx, name)
        if bound is None:
            continue
        if bound.text in _TAKEN:
            message = f'"{bound.text}" is a type of PostgreSQL'
            ctx.report("WF138", bound.span, message, help="choose another name")
            continue
        type_ = read_type(ctx, child, _TYPE)
        if type_ is not None and ctx.shared:
            ctx.shared.types[bound.text] = type_
    return True


def read_retries(ctx: Context, node: Node, key: Key) -> bool:
    """Read named retry policies into the shared definitions."""
    for name, child in entries(ctx, node, key):
        bound = name_of(ctx, name)
        policy = read_retry(ctx, child, _RETRY) if bound else None
        if bound is not None and policy is not None and ctx.shared:
            ctx.shared.retries[bound.text] = policy
    return True
