"""Binding a name: who may, and when a name may be bound again."""

from __future__ import annotations

from perdure.diagnostics import Diagnostic, error
from perdure.diagnostics.wording import cast_to, worded
from perdure.ir.types import Variable
from perdure.resolve.context import RESERVED, Branch, Context, unknown
from perdure.resolve.references import show_fields
from perdure.resolve.scope import Binding, Env
from perdure.syntax.expr import Name


def bind(
    context: Context,
    env: Env,
    name: Name,
    variable: Variable | None,
    trusted: frozenset[str] = frozenset(),
) -> tuple[Env, str | None]:
    """Assign a step's result to a name; return the variable's id, None when wrong.

    `variable` is what the step gives, its id still open; None when it is unknown.
    """
    objection = _objection(context, env, name)
    if objection is not None:
        context.report_once(objection)
        return _keep_or_blur(env, name), None
    if variable is None:
        return env.bind(name.text, unknown(name.span)), None
    declared = context.declare(variable)
    if declared is None:
        context.report(_other_shape(context, name, variable))
        return env.bind(name.text, unknown(name.span)), None
    binding = Binding(declared, span=name.span, trusted=trusted)
    return env.bind(name.text, binding), declared.id


def _keep_or_blur(env: Env, name: Name) -> Env:
    """Keep what an input or an outer name is, so that its uses are still checked."""
    known = name.text in env.bindings or name.text in RESERVED
    return env if known else env.bind(name.text, unknown(name.span))


def _objection(context: Context, env: Env, name: Name) -> Diagnostic | None:
    if name.text in RESERVED:
        return error(
            "WF208",
            name.span,
            f'"{name.text}" is the name of {RESERVED[name.text]}',
            help="choose another name",
        )
    before = env.bindings.get(name.text)
    if before and before.variable and before.variable.kind == "input":
        return error(
            "WF210",
            name.span,
            f'"{name.text}" is an input and cannot be bound again',
            help="choose another name",
        )
    for branch in context.branches:
        if name.text in branch.entry.bindings:
            return _outer(branch, name)
        if name.text in branch.siblings:
            return _sibling(branch, name)
    return None


def objection_to_error(env: Env, name: Name) -> Diagnostic | None:
    """Return why an error in a `catch` cannot have a name; None when it can.

    It may hide the name of a step for a while, but not an input.
    """
    if name.text == "run":
        message = f'"{name.text}" is the name of {RESERVED[name.text]}'
        return error("WF208", name.span, message, help="choose another name")
    before = env.bindings.get(name.text)
    if before and before.variable and before.variable.kind == "input":
        message = f'"{name.text}" is an input and cannot be bound again'
        return error("WF210", name.span, message, help="choose another name")
    return None


def _outer(branch: Branch, name: Name) -> Diagnostic:
    before = branch.entry.bindings[name.text].span
    if before == name.span and branch.construct not in _WHY:
        return _earlier_round(branch, name)
    summed = ""
    if branch.construct == "foreach":
        summed = worded(name.span, "", "; a sum over rows is made by an sql step")
    return error(
        "WF211",
        name.span,
        f'"{name.text}" is bound outside of the {branch.construct} and cannot be '
        f"bound again in {_inside(branch)}",
        _WHY.get(branch.construct, _AT_ONCE),
        help=f"choose another name{summed}",
    )


def _earlier_round(branch: Branch, name: Name) -> Diagnostic:
    """Return the finding for a name that the round before has bound at this place."""
    return error(
        "WF211",
        name.span,
        f'"{name.text}" is bound by an earlier round of the loop and cannot be bound '
        f"again in a branch of the {branch.construct}",
        "the rounds of a loop over constants are written out one after the other",
        help=f"put the {branch.construct} into a workflow of its own, and call that in "
        "the loop",
    )


_AT_ONCE = "the branches run at the same time, each with its own names"
_WHY = {
    "foreach": "what an item binds is its own, nothing of it is there afterwards",
    "undo": "what an undo binds is its own, nothing of it is there afterwards",
}


def _inside(branch: Branch) -> str:
    return "it" if branch.construct in _WHY else f'its branch "{branch.name}"'


def _sibling(branch: Branch, name: Name) -> Diagnostic:
    sibling = branch.siblings[name.text]
    return error(
        "WF211",
        name.span,
        f'"{name.text}" is bound in two branches of a {branch.construct}: '
        f'"{sibling}" and "{branch.name}"',
        help="choose another name in one of them",
    )


def _other_shape(context: Context, name: Name, variable: Variable) -> Diagnostic:
    before = context.layers[-1][name.text]
    return error(
        "WF209",
        name.span,
        f'"{name.text}" is bound again with another shape',
        f"before: {_show(before)}",
        f"here: {_show(variable)}",
        help="choose another name, or " + _cast(name, before),
    )


def _cast(name: Name, before: Variable) -> str:
    """Return what to cast, to what a name has been before."""
    if before.kind not in ("value", "input"):
        return "cast the columns to the same types"
    return f'cast it to the same type: "{cast_to(name.span, _show(before))}"'


def _show(variable: Variable) -> str:
    if variable.kind in ("value", "input"):
        return show_fields(variable.fields).removeprefix("value ")
    return show_fields(variable.fields)
