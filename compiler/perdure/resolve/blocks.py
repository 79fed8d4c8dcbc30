"""`switch`, `try`, and steps as one: `transaction` and `do`."""

from __future__ import annotations

import re
from dataclasses import replace

from perdure.catalog.model import Rejected
from perdure.diagnostics import error
from perdure.diagnostics.wording import cast_to, word
from perdure.ir import tree as ir
from perdure.ir.expr import Expression
from perdure.ir.types import TEXT, Field, Scalar, Variable
from perdure.resolve import sequence
from perdure.resolve.assign import is_text
from perdure.resolve.binding import objection_to_error
from perdure.resolve.context import Context
from perdure.resolve.expressions import resolve_expression
from perdure.resolve.policies import resolve_retry
from perdure.resolve.prescan import names_bound
from perdure.resolve.scope import Binding, Env, merge
from perdure.resolve.types import show_type, without_modifier
from perdure.source import Text
from perdure.syntax import tree as syntax
from perdure.syntax.expr import Name

ERROR_FIELDS = (
    Field("step", TEXT, nullable=False),
    Field("message", TEXT, nullable=False),
    Field("sqlstate", TEXT, nullable=False),
    Field("detail", TEXT, nullable=False),
)


# --- switch ---------------------------------------------------------------------


def resolve_switch(
    context: Context, env: Env, step: syntax.SwitchStep, head: ir.Head
) -> tuple[ir.SwitchStep | None, Env]:
    """Resolve the cases, each from the same names; after it they meet."""
    subject = resolve_expression(context, env, step.subject)
    comparable = subject is not None and _comparable(context, step, subject)
    good = comparable
    seen: list[Text] = []
    cases: list[ir.Case] = []
    ends: list[Env] = []
    for index, case in enumerate(step.cases):
        if subject is not None and comparable:
            good &= _check_kind(context, case, subject) and _check_case(
                context, case.value, subject, seen
            )
        path = f"{head.path}.cases[{index}]"
        steps, end = sequence.resolve_steps(context, env, case.steps, path)
        ends.append(end)
        cases.append(ir.Case(case.value.value, steps))
    default, end = sequence.resolve_steps(
        context, env, step.default or (), f"{head.path}.default"
    )
    ends.append(end)
    resolved = None
    if subject is not None and good:
        resolved = ir.SwitchStep(head, subject, tuple(cases), default)
    return resolved, merge(ends)


def _comparable(context: Context, step: syntax.SwitchStep, subject: Expression) -> bool:
    """Check that values of the subject's type can be compared."""
    type_ = without_modifier(subject.type)
    if isinstance(type_, Scalar):
        asked = f"cast(null as {type_.name}) = cast(null as {type_.name})"
        if not isinstance(context.catalog.typeof(asked), Rejected):
            return True
    place = step.subject.span
    context.report(
        error(
            "WF236",
            place,
            f"`{word(place, 'switch')}` cannot compare values of type "
            f"{show_type(type_)}",
            help=f'look at one part of it, or cast it: "{cast_to(place, "text")}"',
        )
    )
    return False


def _check_kind(context: Context, case: syntax.Case, subject: Expression) -> bool:
    """Check that a case of Python's is text where text is looked at."""
    type_ = without_modifier(subject.type)
    if case.kind in (None, "text") or not is_text(type_):
        return True
    place = case.value.whole
    message = f'"{case.value.value}" is a {case.kind}, and what is matched is text'
    why = "in Python the two are never equal"
    help_ = f'write case "{case.value.value}":'
    context.report(error("WF236", place, message, why, help=help_))
    return False


def _check_case(
    context: Context, value: Text, subject: Expression, seen: list[Text]
) -> bool:
    """Check that a case is a value of the subject's type, and a new one."""
    type_ = without_modifier(subject.type)
    assert isinstance(type_, Scalar)
    answer = context.catalog.typeof(_constant(value, type_))
    if isinstance(answer, Rejected):
        message = f'"{value.value}" is not a value of type {type_.name}'
        context.report(error("WF236", value.whole, message, answer.message))
        return False
    if type_.name in _MOMENTS and not _is_settled(value.value, type_):
        message = f'"{value.value}" is no constant of type {type_.name} by itself'
        why = "what it means depends on the day, or on settings of the session"
        help_ = f"write it as {_MOMENTS[type_.name]}"
        context.report(error("WF236", value.whole, message, why, help=help_))
        return False
    twin = _twin(context, value, type_, seen)
    if twin is not None:
        message = f'case "{value.value}" is the same value as "{twin.value}"'
        help_ = "put the steps of both into one of them"
        context.report(error("WF235", value.whole, message, help=help_))
        return False
    seen.append(value)
    return True


_MOMENTS = {
    "date": "2030-01-31",
    "timestamp without time zone": "2030-01-31 12:00",
    "timestamp with time zone": "2030-01-31 12:00+00",
}
_ISO = re.compile(
    r"\d{4,}-\d\d?-\d\d?(?:[T ]\d\d?:\d\d(?::\d\d(?:\.\d+)?)?)?"
    r"\s*(Z|[+-]\d\d?(?::?\d\d)?)?",
    re.IGNORECASE,
)


def _is_settled(text: str, type_: Scalar) -> bool:
    """Say whether a time is the same on every day and in every session."""
    found = _ISO.fullmatch(text.strip())
    zoned = type_.name == "timestamp with time zone"
    return found is not None and (found[1] is not None or not zoned)


def _twin(
    context: Context, value: Text, type_: Scalar, seen: list[Text]
) -> Text | None:
    """Return the earlier case that is the same value, if there is one."""
    for each in seen:
        if each.value == value.value:
            return each
    if is_text(type_) or not seen:
        return None
    listed = ", ".join(_constant(each, type_) for each in seen)
    asked = f"array_position(array[{listed}], {_constant(value, type_)})"
    answer = context.catalog.compute(asked)
    if isinstance(answer, Rejected) or answer.text is None:
        return None
    return seen[int(answer.text) - 1]


def _constant(value: Text, type_: Scalar) -> str:
    literal = "'" + value.value.replace("'", "''") + "'"
    return f"cast({literal} as {type_.name})"


# --- try ------------------------------------------------------------------------


def resolve_try(
    context: Context, env: Env, step: syntax.TryStep, head: ir.Head
) -> tuple[ir.TryStep, Env]:
    """Resolve the steps, then what handles their failure, then what always runs."""
    steps, end = sequence.resolve_steps(context, env, step.steps, f"{head.path}.try")
    ends = [end]
    variable, handler = None, None
    if step.error is not None and step.handler is not None:
        path = f"{head.path}.do"
        variable, handler, caught = resolve_handler(
            context, env, end, step.steps, step.error, step.handler, path
        )
        ends.append(caught)
    after = merge(ends)
    last: tuple[ir.Step, ...] = ()
    if step.finally_ is not None:
        inside = (*step.steps, *(step.handler or ()))
        start = _somewhere_in(context, env, merge(ends), inside)
        last, final = sequence.resolve_steps(
            context, start, step.finally_, f"{head.path}.finally"
        )
        after = _with_bound(after, final, step.finally_)
    return ir.TryStep(head, steps, variable, handler, last), after


def resolve_handler(
    context: Context,
    env: Env,
    end: Env,
    tried: tuple[syntax.Step, ...],
    name: Name,
    steps: tuple[syntax.Step, ...],
    path: str,
) -> tuple[str, tuple[ir.Step, ...], Env]:
    """Resolve the steps of a `catch`, where the error has a name.

    `env` and `end` are what is known before and after the steps that were tried.
    """
    start = _somewhere_in(context, env, end, tried)
    objection = objection_to_error(start, name)
    if objection is not None:
        context.report(objection)
    known = context.declare_apart(Variable("", name.text, "error", ERROR_FIELDS))
    shown = known if objection is None else None
    inside = start.bind(name.text, Binding(shown, span=name.span))
    context.errors.append(known.id)
    handler, after = sequence.resolve_steps(context, inside, steps, path)
    context.errors.pop()
    kept = {key: each for key, each in after.bindings.items() if key != name.text}
    if name.text in start.bindings:
        kept[name.text] = start.bindings[name.text]
    return known.id, handler, replace(after, bindings=kept)


def _somewhere_in(
    context: Context, env: Env, end: Env, steps: tuple[syntax.Step, ...]
) -> Env:
    """Return what is known where some of the steps have run, no one knows which."""
    names = names_bound(steps)
    bindings: dict[str, Binding] = {}
    for name, binding in {**end.bindings, **env.bindings}.items():
        if name not in names:
            bindings[name] = binding
            continue
        known = binding.variable and context.variables.get(binding.variable.id)
        definite = name in env.bindings and binding.definite
        tried = not definite and (binding.definite or binding.tried)
        bindings[name] = Binding(known, definite, binding.span, tried=tried)
    return replace(env.forget(names), bindings=bindings, live=True)


def _with_bound(after: Env, final: Env, steps: tuple[syntax.Step, ...]) -> Env:
    """Return the names after a `try` with those that its `finally` has bound."""
    for name in sorted(names_bound(steps)):
        if name in final.bindings:
            after = after.bind(name, final.bindings[name])
    return replace(after, live=after.live and final.live)


# --- steps as one ---------------------------------------------------------------


def resolve_transaction(
    context: Context, env: Env, step: syntax.TransactionStep, head: ir.Head
) -> tuple[ir.TransactionStep, Env]:
    """Resolve steps that commit together."""
    path = f"{head.path}.transaction"
    steps, end = sequence.resolve_steps(context, env, step.steps, path)
    return ir.TransactionStep(head, steps, resolve_retry(step.retry)), end


def resolve_group(
    context: Context, env: Env, step: syntax.GroupStep, head: ir.Head
) -> tuple[ir.GroupStep, Env]:
    """Resolve a group of steps."""
    path = f"{head.path}.do"
    steps, end = sequence.resolve_steps(context, env, step.steps, path)
    return ir.GroupStep(head, steps, resolve_retry(step.retry)), end
