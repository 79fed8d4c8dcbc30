"""`call` and `start`: other workflows, and the runs of them.

The inputs are checked against those of the workflow that is named, and its result has
the type that it declares or shows. A workflow that has errors is known by name only:
what is said about it is said there.
"""

from __future__ import annotations

import re

from perdure.diagnostics import error
from perdure.diagnostics.wording import cast_to, worded
from perdure.ir import tree as ir
from perdure.ir.callee import Callee
from perdure.ir.expr import Expression, Listing, Mapping, Value
from perdure.ir.results import type_of
from perdure.ir.types import (
    JSONB,
    TEXT,
    Field,
    Items,
    Record,
    Scalar,
    Type,
    Variable,
)
from perdure.ir.values import as_expression
from perdure.resolve.assign import assignable, is_json, objection, reads_as
from perdure.resolve.binding import bind
from perdure.resolve.context import Context
from perdure.resolve.keys import start_key
from perdure.resolve.policies import resolve_retry
from perdure.resolve.returns import report_null, report_nullable
from perdure.resolve.scope import Env
from perdure.resolve.suggest import did_you_mean, nearest, replacement
from perdure.resolve.types import show_type
from perdure.resolve.values import resolve_value
from perdure.source import Span
from perdure.syntax import tree as syntax
from perdure.syntax.expr import Name

_RUN_ID = Field("run_id", TEXT, nullable=False)


# --- call and start -------------------------------------------------------------


def resolve_call(
    context: Context, env: Env, step: syntax.CallStep, head: ir.Head
) -> tuple[ir.CallStep | None, Env]:
    """Resolve a call and bind its result."""
    callee = _find(context, step.workflow)
    arguments = _arguments(context, env, step, callee)
    variable = None
    if step.head.name is not None:
        name = step.head.name
        result = None
        if callee and callee.sound:
            field = Field("value", callee.result or JSONB, callee.nullable)
            result = Variable("", name.text, "value", (field,))
        env, variable = bind(context, env, name, result)
    if callee is None or not callee.sound or arguments is None:
        return None, env
    retry = resolve_retry(step.retry)
    if retry is not None and callee.keyed:
        message = f'a retry of "{callee.name}" would get the run that failed'
        note = "it has an `idempotency_key`, and the inputs are the same"
        help_ = f'retry in "{callee.name}", where it fails'
        context.report(error("WF448", step.head.span, message, note, help=help_))
    inline = callee.workflow is not None and retry is None
    return (
        ir.CallStep(
            head,
            variable,
            callee.name,
            arguments,
            callee.result or JSONB,
            callee.nullable,
            retry,
            callee.digest,
            inline,
            callee.workflow,
        ),
        env,
    )


def resolve_start(
    context: Context, env: Env, step: syntax.StartStep, head: ir.Head
) -> tuple[ir.StartStep | None, Env]:
    """Resolve a start and bind the id of the run."""
    callee = _find(context, step.workflow)
    arguments = _arguments(context, env, step, callee)
    key = start_key(context, env, step.key) if step.key else None
    variable = None
    if step.head.name is not None:
        name = step.head.name
        result = Variable("", name.text, "rows", (_RUN_ID,))
        env, variable = bind(context, env, name, result)
        if variable is not None and callee is not None:
            context.started[variable] = callee.name
    complete = arguments is not None and (key is None) == (step.key is None)
    if callee is None or not callee.sound or not complete:
        return None, env
    retry = resolve_retry(step.retry)
    assert arguments is not None
    return (
        ir.StartStep(head, variable, callee.name, arguments, key, retry, callee.digest),
        env,
    )


def _find(context: Context, name: Name) -> Callee | None:
    callee = context.library.find(name.text, context.workflow)
    if callee is None:
        known = context.library.names()
        meant = nearest(name.text, known)
        listed = ", ".join(sorted(known)[:20])
        context.report(
            error(
                "WF241",
                name.span,
                f'there is no workflow "{name.text}" in this project',
                *([f"there are: {listed}"] if listed and meant is None else []),
                help=did_you_mean(meant),
                fix=replacement(meant, name.span),
            )
        )
    elif not callee.sound:
        context.blocked = True
    return callee


Arguments = tuple[ir.Argument, ...]


def _arguments(
    context: Context,
    env: Env,
    step: syntax.CallStep | syntax.StartStep,
    callee: Callee | None,
) -> Arguments | None:
    """Return the values for the inputs, None after a finding."""
    inputs = {each.name: each for each in callee.inputs} if callee else {}
    found: list[ir.Argument] = []
    complete = True
    for name, written in step.arguments:
        value = resolve_value(context, env, written)
        declared = inputs.get(name.text)
        if callee is None or not callee.sound:
            continue
        if declared is None:
            _unknown_input(context, name, callee)
            complete = False
        elif value is None or not _fits(context, callee, written, value, declared):
            complete = False
        else:
            found.append(ir.Argument(name.text, as_expression(value, declared.type)))
    if callee is None or not callee.sound:
        return None
    given = {name.text for name, _ in step.arguments}
    missing = [
        each
        for each in callee.inputs
        if each.name not in given and each.default is None and not each.nullable
    ]
    if missing:
        _missing(context, step, callee, missing)
    return tuple(found) if complete and not missing else None


def _unknown_input(context: Context, name: Name, callee: Callee) -> None:
    known = [each.name for each in callee.inputs]
    meant = nearest(name.text, known)
    shown = ", ".join(f"{i.name} {show_type(i.type)}" for i in callee.inputs)
    context.report(
        error(
            "WF242",
            name.span,
            f'workflow "{callee.name}" has no input "{name.text}"',
            f"its inputs are: {shown}" if shown else "it has no inputs",
            help=did_you_mean(meant),
            fix=replacement(meant, name.span),
        )
    )


def _missing(
    context: Context,
    step: syntax.CallStep | syntax.StartStep,
    callee: Callee,
    missing: list[ir.Input],
) -> None:
    names = ", ".join(f'"{each.name}"' for each in missing)
    place = step.workflow.span
    given = ", ".join(f'{each.name}: "${{...}}"' for each in missing)
    example = ", ".join(f"{each.name}=..." for each in missing)
    context.report(
        error(
            "WF243",
            place,
            f'workflow "{callee.name}" needs a value for {names}',
            help=worded(place, f"write with: {{{given}}}", f"add {example}"),
        )
    )


def _fits(
    context: Context,
    callee: Callee,
    written: syntax.Value,
    value: Value,
    declared: ir.Input,
) -> bool:
    """Say whether a value may stand for an input; report it if not."""
    what = f'input "{declared.name}" of "{callee.name}"'
    return fits(
        context, written.span, value, declared.type, declared.nullable, what, "WF244"
    )


def fits(
    context: Context,
    span: Span,
    value: Value,
    declared: Type,
    nullable: bool,
    what: str,
    code: str,
) -> bool:
    """Say whether a value may stand where a type is declared; report it if not."""
    match value, declared:
        case Mapping(entries), Record(fields):
            return _members_fit(context, span, dict(entries), fields, what, code)
        case Listing(items), Items(item=item, nullable=optional):
            within = f"an item of {what}"
            return all(
                fits(context, span, each, item, optional, within, code)
                for each in items
            )
    text = constant_text(value)
    found, may_be_null = type_of(value)
    if text is not None and isinstance(declared, Scalar):
        good = assignable(TEXT, declared) or reads_as(context, text, declared)
    elif _is_null(value):
        good = True
    else:
        good = assignable(found, declared)
    if not good:
        message = f"{what} is {show_type(declared)}, this is {show_type(found)}"
        help_ = _unquoted(span, text) or _cast(span, found, declared)
        notes: list[str] = []
        if text is not None and isinstance(declared, Scalar):
            message = f'{what} is {show_type(declared)}, "{text}" is not a value of it'
            notes += [objection(context, text, declared) or ""]
            help_ = _unquoted(span, text)
        context.report(error(code, span, message, *notes, help=help_))
        return False
    if may_be_null and not nullable and not is_json_value(value):
        if _is_null(value):
            verb = "make the input" if code == "WF244" else "declare it"
            shown = worded(span, f"{show_type(declared)}?", "... | None")
            report_null(context, span, "null", declared, f'{verb} "{shown}"', what)
        else:
            report_nullable(context, span, value, declared, what)
        return False
    return True


def _members_fit(
    context: Context,
    span: Span,
    given: dict[str, Value],
    fields: tuple[Field, ...],
    what: str,
    code: str,
) -> bool:
    """Say whether an object has the members that are declared, and no others."""
    known = {field.name: field for field in fields}
    for name in given.keys() - known.keys():
        message = f'{what} has no member "{name}"'
        shown = f"it is {show_type(Record(fields))}"
        help_ = did_you_mean(nearest(name, known))
        context.report(error(code, span, message, shown, help=help_))
        return False
    missing = [each.name for each in fields if not each.nullable]
    missing = [name for name in missing if name not in given]
    if missing:
        listed = ", ".join(f'"{name}"' for name in missing)
        message = f"{what} needs {listed}"
        context.report(error(code, span, message, f"it is {show_type(Record(fields))}"))
        return False
    return all(
        fits(
            context,
            span,
            value,
            known[name].type,
            known[name].nullable,
            f'"{name}" of {what}',
            code,
        )
        for name, value in given.items()
    )


def _is_null(value: Value) -> bool:
    return getattr(value, "text", None) == "null"


def is_json_value(value: Value) -> bool:
    """Say whether a value is an object or a list, which is never null itself."""
    return hasattr(value, "entries") or hasattr(value, "items")


def constant_text(value: Value) -> str | None:
    """Return the text of a value that is one, without expressions."""
    parts = getattr(value, "parts", None)
    if parts is None or isinstance(value, Expression):
        return None
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(parts) else None


def _unquoted(span: Span, text: str | None) -> str | None:
    """Tell how to read what is named where its name alone is written."""
    if text is None or not re.fullmatch(
        r"[a-z_][a-z0-9_]*([.][a-z_][a-z0-9_]*)*", text
    ):
        return None
    written = worded(span, f'"${{{text}}}"', f"{text}, without quotes")
    return f"to give what is called {text}, write {written}"


def _cast(span: Span, found: Type, declared: Type) -> str | None:
    if isinstance(declared, Scalar) and isinstance(found, Scalar):
        written = cast_to(span, declared.name)
        return f'cast it: "{worded(span, f"${{{written}}}", written)}"'
    if is_json(found):
        return None
    if isinstance(found, Items) and show_type(declared).endswith("[]"):
        return (
            f"a list is JSON; the array is made in an sql step: "
            f'"select cast(array[...] as {show_type(declared)}) as name"'
        )
    return f"it takes {show_type(declared)}"
