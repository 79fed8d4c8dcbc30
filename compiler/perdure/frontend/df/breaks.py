"""The value that `df.break` gives to its loop, as bindings of a `let`.

A break's value is a constant, and what reads it says which of its members count: each
is a name of its own, with the type that the values of all breaks of the loop have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from perdure.frontend.df.context import Context, Dialect, Goal
from perdure.frontend.df.literals import quoted
from perdure.frontend.df.nodes import Node, Value
from perdure.frontend.df.scope import Binding, Ending
from perdure.source import Span, Text
from perdure.syntax.expr import Name
from perdure.syntax.tree import LetStep


class _Number(str):
    """A number of JSON, as it is written."""


def binding_step(ctx: Context, ending: Ending, value: Value, span: Span) -> LetStep:
    """Return the step that binds what is read of the value of a break.

    Without a value, `$x?` is null and `$x` is JSON's null, in text.
    """
    read = _read(value)
    parts = {name: _member(read, key) for key, name in ending.members.items()}
    if ending.whole is not None:
        type_, needed = ending.types[ending.whole], ctx.use(ending.name).required
        given = read is not None or needed
        parts[ending.whole] = _whole(value, ctx.dialect, type_) if given else None
    bindings = (
        (Name(name, span), ctx.expr(_literal(parts[name], type_), span))
        for name, type_ in ending.types.items()
    )
    return LetStep(ctx.head(span), tuple(bindings))


def breaks_of(node: Node) -> Iterator[Node]:
    """Yield the breaks that end a loop, in its body and in its conditions."""
    for each in (*node.children, *node.parts.values()):
        if each.kind == "break":
            yield each
        elif each.kind not in ("loop", "repeat", "foreach"):
            yield from breaks_of(each)


def ending_of(ctx: Context, node: Node, goal: Goal) -> Ending | None:
    """Return what the breaks of a loop give to its name; None if nobody reads it."""
    use = ctx.use(goal.name)
    given = [each.values.get("value") for each in breaks_of(node)]
    if goal.name is None or not use.scalar or not given:
        return None
    read = [_read(each) for each in given]
    types, whole = {}, None
    if use.first:
        whole = ctx.names.bind(goal.name, ctx.place)
        types[whole] = _type_of(ctx, node, goal.name, read)
    members = {}
    for key in sorted(use.columns):
        parts = [_member(each, key) for each in read]
        if any(each is not None for each in parts):
            members[key] = ctx.names.bind(f"{goal.name}.{key}", ctx.place)
            types[members[key]] = _type_of(ctx, node, key, parts)
    partial = frozenset(k for k in members if any(_member(r, k) is None for r in read))
    ctx.booleans |= {name for name, type_ in types.items() if type_ == "boolean"}
    return Ending(goal.name, whole, members, types, partial)


def bound_by(loop: Node, ending: Ending | None) -> dict[str, Binding]:
    """Return what the name of a loop is after it, if its breaks say."""
    if ending is None:
        return {}
    if len(loop.parts) > 1:
        reason = "it is the value of a df.break, or the result of the last round"
        return {ending.name: Binding(ending.name, "lost", reason=reason)}
    binding = Binding(ending.whole or ending.name, "value", ending=ending)
    return {ending.name: binding}


def text_of(value: Value) -> str:
    """Return the argument of a break as it is written."""
    if isinstance(value, Text):
        return value.value
    return json.dumps(value, default=lambda text: text.value)


def _read(value: Value) -> object:
    """Return the value of a break: JSON if it is valid JSON, else a text."""
    if value is None:
        return None
    text = text_of(value)
    try:
        return json.loads(text, parse_int=_Number, parse_float=_Number)
    except ValueError:
        return text


def _member(read: object, name: str) -> object:
    return read.get(name) if isinstance(read, dict) else None


def _whole(value: Value, dialect: Dialect, type_: str) -> object:
    """Return what the name alone is: JSON on Perdure's runtime, the text elsewhere."""
    read = _read(value)
    if type_ != "text":
        return read
    text = text_of(value)
    is_text = isinstance(read, str) and not isinstance(read, _Number) and read == text
    return _shown(text) if dialect == "perdure" and is_text else text


def _type_of(ctx: Context, node: Node, what: str, values: Sequence[object]) -> str:
    """Return the type that holds all of some values; say so if they differ."""
    types = {_type(each) for each in values if each is not None}
    if len(types) < 2:
        return next(iter(types), "text")
    type_ = "numeric" if types == {"bigint", "numeric"} else "text"
    message = f'"{what}" has several types, by df.break; it is {type_} now'
    ctx.doubt(node.span, message, "see that nothing needs the other one")
    return type_


def _type(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case _Number():
            return "bigint" if value.lstrip("-").isdigit() else "numeric"
    return "text"


def _literal(value: object, type_: str) -> str:
    if value is None:
        return f"cast(null as {type_})"
    if type_ == "boolean":
        return "true" if value else "false"
    if type_ != "text":
        return str(value)
    return quoted(value if isinstance(value, str) else _shown(value))


def _shown(value: object) -> str:
    """Return JSON as text, its numbers as they were written."""
    match value:
        case _Number():
            return str(value)
        case dict():
            inner = (f"{_shown(key)}: {_shown(each)}" for key, each in value.items())
            return f"{{{', '.join(inner)}}}"
        case list():
            return f"[{', '.join(map(_shown, value))}]"
    return json.dumps(value, ensure_ascii=False)
