"""Inputs that take some values only: those of a `Literal` or of an enum.

    def ship(order_id: int, speed: Literal["slow", "fast"]):

    - assert: speed in ('slow', 'fast')
      message: "input speed is one of: slow, fast"

The check is the first step of the workflow, as it would be in YAML; what is known when
a caller is compiled is checked then. The rejected way, an enum type that is made for
the input, would be a part of the schema that no migration of the schema knows.
"""

from __future__ import annotations

import ast
import typing
from collections.abc import Sequence
from typing import Any

from perdure.authoring.workflow import Workflow
from perdure.frontend.python import expressions, types
from perdure.frontend.python.constants import UNKNOWN, constant
from perdure.frontend.python.context import Context, Given, short
from perdure.frontend.python.held import plain, shown
from perdure.source import Span
from perdure.syntax.expr import Binary, Expr, InList, IsTest, Name, Ref
from perdure.syntax.tree import AssertStep, Head, Step, Template

_MANY = 20
"""How many values a message lists."""


def check_of(
    ctx: Context, name: Name, values: Sequence[Any], nullable: bool
) -> Step | None:
    """Return the step that refuses other values of an input."""
    span = name.span
    items = [expressions.from_value(ctx, Given(each, span)) for each in values]
    kept = tuple(each for each in items if each is not None)
    if len(kept) < len(items):
        return None
    ref = Ref((name,), span)
    condition: Expr = InList(ref, kept, False, span)
    if nullable:
        condition = Binary(
            "or", IsTest(ref, "null", False, span), condition, span, span
        )
    text = types.placed(f"input {name.text} is one of: {_listed(values)}", span)
    return AssertStep(Head(None, None, span, span), condition, Template((text,), span))


def check_constant(
    ctx: Context, name: str, operand: ast.expr, values: Sequence[Any]
) -> None:
    """Report a constant that is none of the values of an input."""
    value = plain(constant(ctx, operand))
    if value is UNKNOWN or value is None or value in [plain(each) for each in values]:
        return
    message = f'{short(shown(value))} is no value of input "{name}"'
    help_ = f"write one of: {_listed(values)}"
    ctx.report("WF191", ctx.span(operand), message, help=help_)


def choices_of(
    ctx: Context, workflow: Workflow[Any, Any], name: str, span: Span
) -> Sequence[Any]:
    """Return the values that an input of another workflow takes; none if any."""
    count = len(ctx.found)
    try:
        hints = typing.get_type_hints(workflow.function, include_extras=True)
    except Exception:  # a name that its module does not have: reported where it is read
        return ()
    hint = Given(hints.get(name), span)
    values = types.of_input(ctx, hint)[1] if name in hints else ()
    del ctx.found[count:]
    return values


def _listed(values: Sequence[Any]) -> str:
    listed = [str(plain(each)) for each in values[:_MANY]]
    return ", ".join([*listed, *(["..."] if len(values) > _MANY else [])])
