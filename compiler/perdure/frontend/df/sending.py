"""Statements that call df themselves: signals become steps, starts are refused."""

from __future__ import annotations

import json
import re

from perdure.frontend.df.context import Context
from perdure.frontend.df.fold import as_value
from perdure.frontend.df.nodes import Node
from perdure.frontend.df.nodes import Value as Constant
from perdure.frontend.df.scope import identifier
from perdure.source import Span, Text
from perdure.syntax import tree
from perdure.syntax.expr import Name

_SIGNAL = re.compile(r"\s*select\s+df\s*\.\s*signal\s*\((.*)\)\s*;?\s*", re.I | re.S)
_START = re.compile(r"\bdf\s*\.\s*(start|start_many|signal|await_instance)\s*\(", re.I)
_TEXT = re.compile(r"\s*'((?:[^']|'')*)'(?:\s*::\s*\w+)?\s*")


def sending(ctx: Context, node: Node, text: Text) -> list[tree.Step]:
    """Return the step that a statement with `df.signal` becomes; none for others."""
    match = _SIGNAL.fullmatch(text.value)
    step = match and _signal(ctx, node, text, arguments(match[1]))
    if step:
        return [ctx.keep(step)]
    if match := _START.search(text.value):
        raise ctx.refuse(
            text.span(*match.span()),
            f"df.{match[1].lower()} is called by a statement",
            help="workflows have steps for that: call, start, signal",
        )
    return []


def _signal(
    ctx: Context, node: Node, text: Text, given: list[str]
) -> tree.SendStep | None:
    if len(given) not in (2, 3):
        return None
    run, name = ctx.bare(text, given[0]), _TEXT.fullmatch(given[1])
    if run is None or name is None:
        return None
    data: tree.Value | None = None
    if len(given) == 3:
        constant = _TEXT.fullmatch(given[2])
        if constant and "$" not in constant[1]:
            data = _json(constant[1].replace("''", "'"), text.whole)
        else:
            value = ctx.bare(text, given[2])
            if value is None:
                return None
            data = tree.Template((value,), text.whole)
    return tree.SendStep(
        ctx.head(node.span),
        Name(identifier(name[1]), text.whole),
        tree.Template((run,), text.whole),
        data,
    )


def arguments(text: str) -> list[str]:
    """Return arguments, cut at the commas outside of parentheses and strings."""
    found, depth, quoted = [""], 0, False
    for char in text:
        quoted = quoted != (char == "'")
        depth += 0 if quoted else (char in "([") - (char in ")]")
        if char == "," and depth == 0 and not quoted:
            found.append("")
        else:
            found[-1] += char
    return [each for each in found if each.strip()]


def _json(text: str, span: Span) -> tree.Value:
    try:
        read = json.loads(text)
    except ValueError:
        read = text
    return json_value(as_value(read, span), span)


def json_value(value: Constant, span: Span) -> tree.Value:
    """Return constant JSON as a value of the language."""
    match value:
        case Text():
            return tree.Template((value,) if value.value else (), span)
        case dict():
            entries = ((Name(k, span), json_value(v, span)) for k, v in value.items())
            return tree.Mapping(tuple(entries), span)
        case list():
            return tree.Listing(tuple(json_value(v, span) for v in value), span)
    return tree.Constant(json.dumps(value), span)
