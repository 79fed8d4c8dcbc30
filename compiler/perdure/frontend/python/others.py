"""Calls of other workflows, `start`, and what they are given.

shipped = ship_order(order_id, note="by hand")
shipped = call(ship_order(order_id), retry=3)
shipment = start("ship_order", {"order_id": order_id}, key=f"order {order_id}")
"""

from __future__ import annotations

import ast
import inspect
from typing import Any

from perdure.authoring.workflow import Workflow
from perdure.frontend.python import choices, refused, texts, values
from perdure.frontend.python.constants import constant
from perdure.frontend.python.context import Context, counted, name_of, nearest
from perdure.source import Span
from perdure.syntax.expr import Name
from perdure.syntax.tree import Mapping, Value

Arguments = tuple[tuple[Name, Value], ...]


def called_workflow(ctx: Context, node: ast.expr) -> Workflow[Any, Any] | None:
    """Return the workflow that an expression names, if it names one."""
    value = constant(ctx, node)
    return value if isinstance(value, Workflow) else None


def read_called(ctx: Context, node: ast.Call, kind: str) -> dict[str, Any]:
    """Return the fields `call` or `start`, and `with`, of a step."""
    whole = called_workflow(ctx, node.func)
    if whole is not None:
        return _of_workflow(ctx, node, whole, kind)
    if not node.args:
        message = f'"{kind}" needs the call of a workflow as its first argument'
        help_ = f"write {kind}(ship_order(order_id))"
        ctx.report("WF193", ctx.span(node.func), message, help=help_)
        return {}
    first, *others = node.args
    inner = called_workflow(ctx, first.func) if isinstance(first, ast.Call) else None
    if isinstance(first, ast.Call) and inner is not None:
        for extra in others:
            message = "the inputs stand in the call of the workflow"
            ctx.report("WF193", ctx.span(extra), message, help="give options by name")
        return _of_workflow(ctx, first, inner, kind)
    return _by_name(ctx, first, others, kind)


def _by_name(
    ctx: Context, first: ast.expr, others: list[ast.expr], kind: str
) -> dict[str, Any]:
    """Read `call("ship_order", {"order_id": order_id})`."""
    known = called_workflow(ctx, first)
    if isinstance(first, ast.Call) and isinstance(first.func, ast.Attribute):
        refused.refuse_call(ctx, first)
        return {}
    if known is not None or texts.flatten(ctx, first) is None:
        shown = ctx.shown(first) if known else "ship_order"
        message = f"expected the call of a workflow, or its name, for {kind}"
        help_ = f"write {kind}({shown}(...))"
        ctx.report("WF193", ctx.span(first), message, help=help_)
        return {}
    text = texts.constant_text(ctx, first, "the name of a workflow")
    name = name_of(ctx, text.value, text.span()) if text is not None else None
    for extra in others[1:]:
        message = f"{kind} takes a workflow and its inputs as a dict"
        ctx.report("WF193", ctx.span(extra), message, help="give options by name")
    given = values.value_of(ctx, others[0]) if others else None
    if given is not None and not isinstance(given, Mapping):
        message = "the inputs of a workflow are a dict of names and values"
        help_ = f'write {kind}("ship_order", {{"order_id": order_id}})'
        ctx.report("WF193", ctx.span(others[0]), message, help=help_)
        return {}
    arguments = _named(ctx, given.entries) if isinstance(given, Mapping) else ()
    return {kind: name, "with": arguments}


def _named(ctx: Context, entries: Arguments) -> Arguments:
    names = [name_of(ctx, name.text, name.span) for name, _ in entries]
    return tuple(
        (name, value)
        for name, (_, value) in zip(names, entries, strict=True)
        if name is not None
    )


def _of_workflow(
    ctx: Context, node: ast.Call, workflow: Workflow[Any, Any], kind: str
) -> dict[str, Any]:
    """Read the call of a workflow by the names of its parameters."""
    names = list(inspect.signature(workflow.function).parameters)
    place = ctx.span(node.func)
    found: dict[str, tuple[Name, Value | None]] = {}
    for name, arg in zip(names, node.args, strict=False):
        if isinstance(arg, ast.Starred):
            _unpacked(ctx, ctx.span(arg))
            return {}
        _check_choice(ctx, workflow, name, arg)
        found[name] = (Name(name, ctx.span(arg)), values.value_of(ctx, arg))
    for extra in node.args[len(names) :]:
        message = f'workflow "{workflow.name}" has {counted(len(names), "input")}'
        ctx.report("WF193", ctx.span(extra), message)
    for keyword in node.keywords:
        whole = ctx.places.span(keyword)
        if keyword.arg is None:
            _unpacked(ctx, whole)
            continue
        word = Span(whole.path, whole.start, whole.start + len(keyword.arg))
        if keyword.arg not in names:
            _no_input(ctx, keyword.arg, word, workflow, names)
            continue
        if keyword.arg in found:
            message = f'input "{keyword.arg}" is there twice'
            ctx.report("WF112", word, message)
        _check_choice(ctx, workflow, keyword.arg, keyword.value)
        value = values.value_of(ctx, keyword.value)
        found[keyword.arg] = (Name(keyword.arg, word), value)
    arguments = tuple(
        (name, value) for name, value in found.values() if value is not None
    )
    return {kind: Name(workflow.name, place), "with": arguments}


def _check_choice(
    ctx: Context, workflow: Workflow[Any, Any], name: str, given: ast.expr
) -> None:
    taken = choices.choices_of(ctx, workflow, name, ctx.span(given))
    if taken:
        choices.check_constant(ctx, name, given, taken)


def _unpacked(ctx: Context, span: Span) -> None:
    message = "inputs can't be unpacked from a list or a dict"
    ctx.report("WF193", span, message, help="give each input by name")


def _no_input(
    ctx: Context,
    name: str,
    span: Span,
    workflow: Workflow[Any, Any],
    names: list[str],
) -> None:
    message = f'workflow "{workflow.name}" has no input "{name}"'
    meant = nearest(name, names)
    help_ = f'did you mean "{meant}"?' if meant else None
    if name in ("retry", "timeout", "undo", "when", "description", "key"):
        help_ = f"give options to call: call({ast.unparse(ast.Name(workflow.name))}"
        help_ += f"(...), {name}=...)"
    ctx.report("WF242", span, message, help=help_)
