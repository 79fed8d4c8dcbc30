"""The result of a called workflow, taken apart into names.

    total, label = price_of(order_id)     name: total_label
                                          call: price_of
                                          let: {total: total_label.total, ...}

Its type is a named tuple. A plain `tuple[int, str]` says no names that its parts could
have in SQL and in JSON, and is no type of a result.
"""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Sequence

from perdure.frontend.python import calls, others, refused
from perdure.frontend.python.constants import fields_of, is_named_tuple
from perdure.frontend.python.context import Context, counted, name_of
from perdure.frontend.yaml.language import MAX_NAME
from perdure.source import Span
from perdure.syntax.expr import Name, Ref
from perdure.syntax.tree import Head, LetStep, Step

_HELP = "assign it to one name, and write name.column"


def read_unpacked(
    ctx: Context, targets: Sequence[ast.expr], place: Span, node: ast.Assign
) -> list[Step]:
    """Read `a, b = called(...)`: the call, and a step that binds its parts."""
    shape = _result_of(ctx, node.value)
    value = node.value
    if isinstance(value, ast.Call) and _is_of_python(ctx, value):
        refused.refuse_call(ctx, value)
        return []
    if shape is None:
        message = "a result can't be unpacked: its columns are read by name"
        ctx.report("WF176", place, message, help=_HELP)
        return []
    parts = fields_of(shape)
    names = [each for each in targets if isinstance(each, ast.Name)]
    if len(names) < len(targets) or len(names) != len(parts):
        listed = ", ".join(parts)
        message = f'"{shape.__name__}" has {counted(len(parts), "part")}: {listed}'
        ctx.report("WF176", place, message, help="write a name for each")
        return []
    read = [each.id for each in names if each.id != "_"]
    twice = next((each for each in read if read.count(each) > 1), None)
    if twice is not None:
        message = f'"{twice}" is bound twice by the same statement'
        ctx.report("WF176", place, message, help="write _ for a part that is not read")
        return []
    bound = [name_of(ctx, each.id, ctx.span(each)) for each in names]
    whole = Name(_whole(ctx, node, "_".join(read)), place)
    step = calls.read_step(ctx, node.value, whole, ctx.span(node))
    if step is None or None in bound:
        return []
    head = Head(None, None, place, ctx.span(node))
    bindings = [
        (name, Ref((whole, Name(part, name.span)), name.span))
        for name, part in zip(bound, parts, strict=True)
        if name is not None and name.text != "_"
    ]
    return [step, LetStep(head, tuple(bindings))] if bindings else [step]


def _is_of_python(ctx: Context, node: ast.Call) -> bool:
    """Say whether a call is no step, but a function or a method of Python."""
    return calls.step_kind(ctx, node) is None and refused.is_of_python(ctx, node)


def _result_of(ctx: Context, node: ast.expr) -> type | None:
    """Return the named tuple that a call of a workflow results in."""
    if not isinstance(node, ast.Call) or calls.step_kind(ctx, node) != "call":
        return None
    called = others.called_workflow(ctx, node.func)
    inner = node.args[0] if node.args else None
    if called is None and isinstance(inner, ast.Call):
        called = others.called_workflow(ctx, inner.func)
    function = called.function if called is not None else None
    if not inspect.isfunction(function):
        return None
    try:
        result = typing.get_type_hints(function).get("return")
    except Exception:  # a name that the module does not have: reported where it is read
        return None
    return result if is_named_tuple(result) else None


def _whole(ctx: Context, node: ast.Assign, name: str) -> str:
    """Return the name of a result as a whole, which only this statement binds."""
    base = name[: MAX_NAME - 4].strip("_") or "result"
    taken = {*ctx.locals, *ctx.wholes.values()}
    candidates = [base, *(f"{base}_{number}" for number in range(2, 1000))]
    free = next(each for each in candidates if each not in taken)
    return ctx.wholes.setdefault(id(node), free)
