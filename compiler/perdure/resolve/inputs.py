"""Inputs: types, defaults, and the environment that a workflow begins with."""

from __future__ import annotations

from dataclasses import replace

from perdure.catalog.model import Rejected
from perdure.diagnostics import error
from perdure.diagnostics.wording import worded
from perdure.ir.expr import Expression, Reference
from perdure.ir.tree import Input
from perdure.ir.types import Field, Scalar, Variable
from perdure.resolve.assign import assignable, objection, reads_as
from perdure.resolve.context import RESERVED, Context, unknown
from perdure.resolve.dates import report_dates, written_date
from perdure.resolve.expressions import resolve_undated
from perdure.resolve.returns import report_null
from perdure.resolve.scope import Binding, Env
from perdure.resolve.settled import holds
from perdure.resolve.types import resolve_scalar, show_type
from perdure.syntax import tree as syntax
from perdure.syntax.expr import Cast, Expr, Literal, Name, Ref

_NULL = Expression(("null",), Scalar("text"), nullable=True, immutable=True)


def resolve_inputs(
    context: Context, inputs: tuple[syntax.Input, ...]
) -> tuple[tuple[Input, ...], Env]:
    """Resolve the inputs and return the environment in which the steps begin."""
    env = Env()
    resolved = []
    for written in inputs:
        if not _is_free(context, env, written.name):
            continue
        type_ = resolve_scalar(context, written.type.name, written.type.span)
        default = _default(context, written, type_)
        if type_ is None:
            env = env.bind(written.name.text, unknown(written.name.span))
            continue
        nullable = written.type.nullable
        field = Field("value", type_, nullable)
        variable = context.declare(Variable("", written.name.text, "input", (field,)))
        assert variable is not None
        env = env.bind(written.name.text, Binding(variable, span=written.name.span))
        resolved.append(
            Input(
                written.name.text,
                variable.id,
                type_,
                nullable,
                default,
                written.name.span,
            )
        )
    return tuple(resolved), env


def _is_free(context: Context, env: Env, name: Name) -> bool:
    if name.text in RESERVED:
        message = f'"{name.text}" is the name of {RESERVED[name.text]}'
        context.report(error("WF208", name.span, message, help="choose another name"))
        return False
    if name.text in env.bindings:
        context.report(error("WF210", name.span, f'input "{name.text}" appears twice'))
        return False
    return True


def _default(
    context: Context, written: syntax.Input, type_: Scalar | None
) -> Expression | None:
    if written.default is None:
        return None if type_ is None or not written.type.nullable else _null(type_)
    if _names(context, written.default):
        return None
    value = resolve_undated(context, Env(run=False), written.default)
    if value is None or type_ is None:
        return None
    return _fitting(context, written, value, type_)


def _null(type_: Scalar) -> Expression:
    return replace(_NULL, parts=(f"cast(null as {type_.name})",), type=type_)


def _names(context: Context, default: Expr) -> bool:
    """Report a default that is nothing but a name, the usual slip with a text."""
    if not isinstance(default, Ref):
        return False
    shown = ".".join(part.text for part in default.parts)
    context.report(
        error(
            "WF221",
            default.span,
            f'the default "{shown}" is a name, a constant was expected',
            help=f"write a text in quotes: '{shown}'",
        )
    )
    return True


def _fitting(
    context: Context, written: syntax.Input, value: Expression, type_: Scalar
) -> Expression | None:
    """Return the default as a value of the input's type, None after a finding."""
    default = written.default
    assert default is not None
    reads = any(isinstance(part, Reference) for part in value.parts)
    if reads or not (value.immutable or _is_literal(default)):
        context.report(
            error(
                "WF221",
                default.span,
                "the default is not constant",
                help="make the input nullable, and compute the value in a step",
            )
        )
        return None
    if not _fits(context, default, value, type_):
        what, *notes = _unfit(context, default, value, type_)
        message = f'input "{written.name.text}" is {show_type(type_)}, {what}'
        help_ = _as_date(default, type_)
        context.report(error("WF222", default.span, message, *notes, help=help_))
        return None
    report_dates(context, default)
    sure = not value.nullable or holds(context, value, "% is not null")
    if not sure and not written.type.nullable:
        help_ = worded(
            default.span,
            f'declare "{show_type(type_)}?"',
            f'declare "{written.name.text}: ... | None"',
        )
        may = "is" if holds(context, value, "% is null") else "may be"
        report_null(context, default.span, f"a default that {may} null", type_, help_)
        return None
    if value.type == type_:
        return value
    text = "".join(part for part in value.parts if isinstance(part, str))
    return replace(value, parts=(f"cast({text} as {type_.name})",), type=type_)


def _as_date(default: Expr, type_: Scalar) -> str | None:
    """Return how the default of an input that holds a date is written."""
    date = written_date(default)
    holds_date = type_.name.startswith(("date", "timestamp"))
    if date is None or not holds_date:
        return None
    quoted = worded(default.span, f"'{date}'", f'"{date}"')
    return f"a date is written {quoted}"


def _unfit(
    context: Context, default: Expr, value: Expression, type_: Scalar
) -> tuple[str, ...]:
    """Return what is wrong with a default, and what PostgreSQL says of it."""
    if isinstance(default, Literal) and default.kind == "string":
        said = objection(context, default.text, type_)
        return (
            f'its default "{default.text}" is no value of it',
            *([said] if said else ()),
        )
    return (f"its default is {show_type(value.type)}",)


def _is_literal(default: Expr) -> bool:
    """Say whether a default is a literal, perhaps with a type before or after it.

    PostgreSQL calls such a cast stable when it depends on the session's time zone.
    """
    if isinstance(default, Cast):
        return _is_literal(default.operand)
    return isinstance(default, Literal)


def _fits(context: Context, default: Expr, value: Expression, type_: Scalar) -> bool:
    if isinstance(default, Literal) and default.kind == "null":
        return True
    if isinstance(default, Literal) and default.kind == "string":
        return reads_as(context, default.text, type_)
    # A domain takes what the type that it is made of does.
    plain = context.catalog.typeof(f"cast(null as {type_.name})")
    base = type_ if isinstance(plain, Rejected) else Scalar(plain.type)
    return assignable(value.type, base)
