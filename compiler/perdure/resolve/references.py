"""References: a dotted name becomes a variable and a path into it.

What may follow a name depends on what bound it. One value (`:threshold`) stands for
itself, a step's result needs a column, and typed JSON (a record) has members below
it. JSON of unknown form has none: `->>` says that the value may be anything.
"""

from __future__ import annotations

from dataclasses import replace

from perdure.diagnostics import Diagnostic, error
from perdure.diagnostics.wording import worded
from perdure.ir.expr import Reference
from perdure.ir.types import Field, Items, Record, Scalar, Type, Variable
from perdure.resolve.context import RUN, Context
from perdure.resolve.prescan import BOUND, IN_ROUNDS
from perdure.resolve.scope import Binding, Env
from perdure.resolve.suggest import did_you_mean, nearest, replacement
from perdure.resolve.types import is_anonymous, show_type
from perdure.source import Span
from perdure.syntax.expr import Name

Parts = tuple[Name, ...]
_VALUES = ("input", "value")


def resolve_reference(
    context: Context, env: Env, parts: Parts, span: Span
) -> Reference | None:
    """Bind a reference to one value; None when a finding says why not."""
    binding = look_up(context, env, parts[0])
    if binding is None or binding.variable is None:
        return None
    found = _part(context, env, binding, binding.variable, parts, span)
    if found is None or not is_anonymous(found.type):
        return found
    context.report_once(_not_kept(binding, parts, found.type, span))
    return None


def _part(
    context: Context,
    env: Env,
    binding: Binding,
    variable: Variable,
    parts: Parts,
    span: Span,
) -> Reference | None:
    if variable.kind in _VALUES:
        (value,) = variable.fields
        return _members(context, env, variable, (), value, parts, 1, span)
    if len(parts) == 1:
        context.report(_not_a_value(variable, parts[0]))
        return None
    return _column(context, env, binding, parts, span)


def resolve_row_set(
    context: Context, env: Env, parts: Parts, span: Span
) -> Reference | None:
    """Bind `:step.*` to all rows of a step."""
    binding = look_up(context, env, parts[0])
    if binding is None or binding.variable is None:
        return None
    variable = binding.variable
    if variable.kind != "rows" or len(parts) > 1:
        shown = ".".join(part.text for part in parts)
        context.report(
            error(
                "WF207",
                span,
                f'"{shown}" has no rows, ".*" is for the result of an sql step',
                help=f'write ":{shown}" for a value',
            )
        )
        return None
    unkept = [field for field in variable.fields if is_anonymous(field.type)]
    for field in unkept:
        column = replace(parts[0], text=field.name)
        found = _not_kept(binding, (parts[0], column), field.type, span)
        context.report_once(found)
    if unkept:
        return None
    record = Record(variable.fields)
    return Reference(variable.id, (), record, False, row_set=True, span=span)


def look_up(context: Context, env: Env, name: Name) -> Binding | None:
    """Return what a name is bound to; None when it has no value here for certain."""
    if name.text == RUN.name:
        context.variables.setdefault(RUN.id, RUN)
        return Binding(RUN)
    if name.text == "secrets":
        context.report(
            error(
                "WF248",
                name.span,
                "a secret is read outside of a request, or in an expression",
                "only the worker that sends a request knows its value",
                help="write it"
                + worded(name.span, ' alone, as "${secrets.name}",', "")
                + " in the URL, a header or the body of an http step",
            )
        )
        return None
    binding = env.bindings.get(name.text)
    if binding is None and name.text in context.unread:
        return None
    if binding is not None and binding.definite:
        return binding
    if binding is not None:
        context.report(_unassigned(name, binding))
    else:
        _report_unknown(context, env, name)
    return None


# --- into a variable ------------------------------------------------------------


def _column(
    context: Context, env: Env, binding: Binding, parts: Parts, span: Span
) -> Reference | None:
    variable, trusted = _view(env, binding)
    name = parts[1]
    field = _find(variable.fields, name.text)
    if field is None:
        context.report(_no_column(variable, parts))
        return None
    if variable.cardinality == "many":
        context.report(_many(variable, span))
        return None
    nullable = field.nullable and not (field.name in trusted and len(parts) > 2)
    absent = variable.cardinality == "maybe" and not env.proves((parts[0].text,))
    known = Field(field.name, field.type, nullable or absent)
    return _members(context, env, variable, (field.name,), known, parts, 2, span)


def _members(
    context: Context,
    env: Env,
    variable: Variable,
    path: tuple[str, ...],
    field: Field,
    parts: Parts,
    at: int,
    span: Span,
) -> Reference | None:
    """Follow the parts from `at` through typed JSON, below a field with a value."""
    for index in range(at, len(parts)):
        name = parts[index]
        if not isinstance(field.type, Record):
            known = _FORMS.get(variable.kind) if index == 2 else None
            context.report(_no_members(field.type, parts[:index], name, known))
            return None
        member = _find(field.type.fields, name.text)
        if member is None:
            context.report(_no_member(field.type, parts[:index], name))
            return None
        path = (*path, member.name)
        nullable = field.nullable and not env.proves(_texts(parts[:index]))
        field = Field(member.name, member.type, member.nullable or nullable)
    nullable = field.nullable and not env.proves(_texts(parts))
    return Reference(variable.id, path, field.type, nullable, span=span)


def _view(env: Env, binding: Binding) -> tuple[Variable, frozenset[str]]:
    """Return what is known of a name here: more, where its branch has won."""
    assert binding.variable is not None
    won = binding.won
    if won is not None and won.fact in env.facts:
        return won.variable, won.trusted
    return binding.variable, binding.trusted


def _texts(parts: Parts) -> tuple[str, ...]:
    return tuple(part.text for part in parts)


def _find(fields: tuple[Field, ...], name: str) -> Field | None:
    return next((field for field in fields if field.name == name), None)


# --- findings -------------------------------------------------------------------


def _not_kept(binding: Binding, parts: Parts, type_: Type, span: Span) -> Diagnostic:
    """Say, where a result is made, that a part of it cannot be read."""
    name = ".".join(part.text for part in parts)
    array = show_type(type_) != "record"
    what = "has anonymous records" if array else "is an anonymous record"
    help_ = "cast it to a composite type, or use jsonb_build_object"
    message = f'"{name}" {what}, which no later step can read'
    return error("WF519", binding.span or span, message, help=help_)


def _report_unknown(context: Context, env: Env, name: Name) -> None:
    kind = context.step_names.get(name.text)
    if kind not in (None, BOUND, IN_ROUNDS):
        context.report(
            error(
                "WF206",
                name.span,
                f'step "{name.text}" has no result, it is a `{kind}` step',
                help=worded(
                    name.span,
                    "say what the items give, with `collect`",
                    f"write {name.text} = collect(...) as the last line of the loop",
                )
                if kind == "foreach"
                else None,
            )
        )
        return
    if kind is not None and env.run:
        context.report(
            error(
                "WF202",
                name.span,
                f'"{name.text}" is used before it has a value',
                "the step of that name comes later, or in a branch that is not on "
                "the way here",
                help=_of_rounds(name) if kind == IN_ROUNDS else None,
            )
        )
        return
    meant = nearest(name.text, [n for n, b in env.bindings.items() if b.definite])
    later = "the step of that name comes later: a key is computed before the run"
    context.report(
        error(
            "WF201",
            name.span,
            f'unknown name "{name.text}"',
            *([later] if kind is not None else []),
            _names_in_scope(env),
            help=did_you_mean(meant),
            fix=replacement(meant, name.span),
        )
    )


def _names_in_scope(env: Env) -> str:
    names = [name for name, binding in env.bindings.items() if binding.definite]
    names += ["run"] if env.run else []
    return f"names here: {', '.join(names) or 'none'}"


def _unassigned(name: Name, binding: Binding) -> Diagnostic:
    message = f'"{name.text}" has no value on some path to here'
    if binding.tried:
        return error(
            "WF202",
            name.span,
            message,
            "the `try` may have failed before it bound that name",
            help="read it in the steps of the `try`, or bind it before the `try`, too",
        )
    return error(
        "WF202",
        name.span,
        message,
        "it is bound only in an arm, a round or a branch that may not have run",
        help="bind it on every path, "
        + worded(
            name.span, "also in `else` or `default`", 'also below "else" or "case _"'
        )
        + ", or move its use to where it is bound",
    )


def _of_rounds(name: Name) -> str:
    """Return what to do about a name of a round that is read after the loop."""
    return "what is bound in a loop over rows ends with its round; " + worded(
        name.span,
        "say what is kept of each, with `collect` of that foreach",
        "to keep values, end that loop with name = collect(...), and read the name",
    )


_WHAT = {"run": "", "error": "error ", "item": "row "}
_WHOLE = {"error": "an error", "item": "a row"}


def _not_a_value(variable: Variable, name: Name) -> Diagnostic:
    columns = [field.name for field in variable.fields]
    example = f"{variable.name}.{columns[0]}" if columns else f"{variable.name}.*"
    return error(
        "WF204",
        name.span,
        f'"{name.text}" is {_WHOLE.get(variable.kind, "the result of a step")}, a '
        "value was expected",
        f"its columns are: {show_fields(variable.fields)}",
        help=_column_or_rows(variable, name, example),
    )


def _column_or_rows(variable: Variable, name: Name, example: str) -> str:
    """Return what to write for a step's result, which is no value."""
    many = variable.cardinality == "many" and variable.fields
    rows = f'":{name.text}.*" in FROM reads its rows in an sql step'
    counted = f"{rows}: count(*), or jsonb_agg(...) for a list"
    column = f'name a column: "{example}"'
    if variable.cardinality == "maybe" and variable.fields:
        column += f'; where there is no row, "{example} is {{}}"'.format(
            worded(name.span, "null", "None")
        )
    return worded(name.span, column, counted if many else column)


_OF_RESPONSES = {
    "text": "body",
    "content": "body",
    "data": "json",
    "code": "status",
    "status_code": "status",
    "is_success": "ok",
    "success": "ok",
}
"""What others call the parts of a response."""


def _no_column(variable: Variable, parts: Parts) -> Diagnostic:
    name = parts[1]
    fields = [field.name for field in variable.fields]
    meant = nearest(name.text, fields)
    if variable.kind == "http":
        meant = _OF_RESPONSES.get(name.text, meant)
    what = _WHAT.get(variable.kind, "step ")
    return error(
        "WF203",
        parts[0].span.to(name.span),
        f'{what}"{variable.name}" has no column "{name.text}"',
        f"its columns are: {show_fields(variable.fields)}",
        help=did_you_mean(meant, f"{variable.name}.{meant}"),
        fix=replacement(meant, name.span),
    )


def _many(variable: Variable, span: Span) -> Diagnostic:
    return error(
        "WF303",
        span,
        f'step "{variable.name}" may have many rows, one value was expected',
        f'nothing proves that step "{variable.name}" returns at most one row',
        help=worded(
            span,
            f'add `expect: one` or `expect: maybe` to step "{variable.name}", ',
            f'add expect="one" or expect="maybe" to step "{variable.name}", ',
        )
        + f'or read all its rows in SQL: "from :{variable.name}.*"',
    )


_FORMS = {"http": "returns", "signal": "payload"}
"""What says the form of JSON that a step gives."""


def _no_members(
    type_: Type, parents: Parts, name: Name, form: str | None
) -> Diagnostic:
    shown = ".".join(part.text for part in parents)
    if isinstance(type_, Scalar) and type_.name in ("jsonb", "json"):
        return error(
            "WF205",
            name.span,
            f'"{shown}" is {type_.name} of unknown form, its members have no type',
            help=worded(
                name.span,
                f"write \"({shown} ->> '{name.text}')\" and cast it",
                f'write {shown}["{name.text}"], which is text, and cast it',
            )
            + (f"; or say its form in the step, with `{form}`" if form else ""),
        )
    what = "a list" if isinstance(type_, Items) else show_type(type_)
    return error(
        "WF205",
        name.span,
        f'"{shown}" is {what}, it has no member "{name.text}"',
        help=_instead_of_member(type_, shown, name),
    )


def _instead_of_member(type_: Type, shown: str, name: Name) -> str | None:
    """Return what to write for what Python's objects have, and PostgreSQL's not."""
    base = type_.base if isinstance(type_, Scalar) else ""
    if name.text == "value":
        return f'"{shown}" is the value: write it alone'
    if base == "integer" and name.text == "days":
        return f'two dates are so many days apart: write "{shown}" alone'
    part = "day" if name.text == "days" and base == "interval" else name.text
    if base not in _TIMES or part not in _PARTS:
        return None
    return worded(
        name.span,
        f'write "extract({part} from {shown})"',
        f'write func.extract("{part}", {shown}), which is numeric',
    )


_TIMES = frozenset({"timestamptz", "timestamp", "date", "time", "interval"}) | {
    *("timestamp with time zone", "timestamp without time zone"),
    "time without time zone",
}
_PARTS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")


def _no_member(type_: Record, parents: Parts, name: Name) -> Diagnostic:
    shown = ".".join(part.text for part in parents)
    meant = nearest(name.text, [field.name for field in type_.fields])
    return error(
        "WF203",
        parents[0].span.to(name.span),
        f'"{shown}" has no member "{name.text}"',
        f"its members are: {show_fields(type_.fields)}",
        help=did_you_mean(meant, f"{shown}.{meant}"),
        fix=replacement(meant, name.span),
    )


def show_fields(fields: tuple[Field, ...]) -> str:
    """Return columns or members as a message shows them."""
    return ", ".join(
        f"{field.name} {show_type(field.type)}{'?' if field.nullable else ''}"
        for field in fields
    )
