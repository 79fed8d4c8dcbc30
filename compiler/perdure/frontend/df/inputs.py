"""Variables and inputs of a graph as inputs of a workflow.

A variable of `df.setvar` is raw text, shared by all runs of a role; an input has a
type and belongs to one run. The type is that of a cast beside it, else that of the
value in the file, else text inside of literals and a guess outside.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from perdure.frontend.df.context import Context
from perdure.frontend.df.fold import as_value, hole_of
from perdure.frontend.df.literals import plain, quoted
from perdure.frontend.df.nodes import Node, Value
from perdure.frontend.df.references import Found
from perdure.frontend.df.scope import SYSTEM, Names, inputs_of, variables_of
from perdure.frontend.expr import parse_expr
from perdure.source import Span, Text
from perdure.syntax.expr import Name
from perdure.syntax.tree import Input, NamedType

_SECRET = re.compile(r"key|token|secret|passw|credential", re.IGNORECASE)
_TYPES = {
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "bool": "boolean",
    "float8": "double precision",
}


def variables(
    node: Node, set_: Mapping[str, Text], holes: Mapping[str, str | None]
) -> dict[str, list[Found]]:
    """Return the variables that a graph reads, with their places.

    What only bodies in dollar quotes hold is one if the file sets it.
    """
    found = {}
    for name, uses in variables_of(node).items():
        known = name in set_ or name in holes
        in_bodies = all(each.within == "dollar" for each in uses)
        if name not in SYSTEM and (known or not in_bodies):
            found[name] = uses
    return found


def names_of(names: Names, *wanted: Mapping[str, object]) -> dict[str, str]:
    """Return the names of inputs in the workflow."""
    return {name: names.fresh(name) for each in wanted for name in each}


def declared(
    ctx: Context,
    node: Node,
    set_: Mapping[str, Text],
    holes: Mapping[str, str | None],
    given: Value,
) -> tuple[Input, ...]:
    """Return the inputs of the workflow."""
    span = node.span
    found = []
    for name, uses in variables(node, set_, holes).items():
        value = set_.get(name)
        type_ = holes.get(name) or _type_of_variable(uses, value)
        if type_ is None:
            type_ = "bigint"
            ctx.doubt(
                span,
                f'input "{name}" was text that became code, its type is a guess',
                "write its type",
            )
        default = _literal(value.value, type_) if value is not None else None
        if value is not None and _SECRET.search(name):
            default = None
            message = f'"{name}" looks like a secret, its value is left out'
            ctx.doubt(value.whole, message, f"write ${{secrets.{name}}} in requests")
        found.append(_input(ctx.inputs[name], type_, default, span))
    members = _members(given)
    for name, uses in inputs_of(node).items():
        member = members.get(name)
        hole = hole_of(member, holes)  # of each run, and so no default
        known = holes[hole] if hole else _type_of_value(member)
        type_ = _cast_beside(uses) or known
        if type_ is None:
            type_ = "text"
            message = f'the type of input "{name}" is a guess'
            ctx.doubt(span, message, "write its type")
        default = None
        if name in members and member is not None and hole is None:
            shown = member.value if isinstance(member, Text) else json.dumps(member)
            default = _literal(shown, type_)
        found.append(_input(ctx.inputs[name], type_, default, span))
    return tuple(found)


def _members(given: Value) -> dict[str, Value]:
    """Return the input of a start, an object of JSON or its text."""
    if isinstance(given, Text):
        try:
            given = as_value(json.loads(given.value), given.whole)
        except ValueError:
            return {}
    return given if isinstance(given, dict) else {}


def _type_of_variable(uses: Sequence[Found], value: Text | None) -> str | None:
    cast = _cast_beside(uses)
    if cast:
        return cast
    if any(each.within in ("literal", "text") for each in uses):
        return "text"
    if value is None:
        return None
    return _type_of_text(value.value) or "text"


def _type_of_text(text: str) -> str | None:
    if re.fullmatch(r"-?\d{1,18}", text):
        return "bigint"
    if re.fullmatch(r"-?\d*\.\d+", text):
        return "numeric"
    return "boolean" if text in ("true", "false") else None


def _type_of_value(value: Value) -> str | None:
    match value:
        case bool():
            return "boolean"
        case int():
            return "bigint"
        case float():
            return "numeric"
        case Text():
            return "text"
        case dict() | list():
            return "jsonb"
    return None


def _cast_beside(uses: Sequence[Found]) -> str | None:
    casts = {each.cast for each in uses if each.cast}
    name = next(iter(casts)) if len(casts) == 1 else None
    return _TYPES.get(name, name) if name else None


def _literal(text: str, type_: str) -> str:
    number = _type_of_text(text) in ("bigint", "numeric")
    if type_ in ("bigint", "integer", "numeric", "smallint", "double precision"):
        return text if number else quoted(text)
    if type_ == "boolean" and text in ("true", "false"):
        return text
    return quoted(text)


def _input(name: str, type_: str, default: str | None, span: Span) -> Input:
    expr = None
    if default is not None:
        expr, _ = parse_expr(plain(default, span))
    return Input(Name(name, span), NamedType(type_, False, span), expr)
