"""`signal`: its data against what the run's workflow waits for, where that is known."""

from __future__ import annotations

import re

from perdure.diagnostics import error
from perdure.diagnostics.wording import worded
from perdure.ir import tree as ir
from perdure.ir.callee import Callee, Payload
from perdure.ir.expr import Template, Value
from perdure.resolve.calls import constant_text, fits
from perdure.resolve.context import Context
from perdure.resolve.keys import never_null
from perdure.resolve.policies import resolve_retry
from perdure.resolve.scope import Env
from perdure.resolve.suggest import did_you_mean, nearest, replacement
from perdure.resolve.types import show_type
from perdure.resolve.values import resolve_value
from perdure.source import Span
from perdure.syntax import tree as syntax
from perdure.syntax.expr import Ref

_ID = re.compile("[0-9a-f]{8}")


def resolve_send(
    context: Context, env: Env, step: syntax.SendStep, head: ir.Head
) -> ir.SendStep | None:
    """Resolve a signal; its data is checked where the workflow of the run is known."""
    to = never_null(context, env, step.to)
    if to is not None:
        _check_id(context, step.to.span, to)
    data = resolve_value(context, env, step.data) if step.data else None
    if to is None or (data is None) != (step.data is None):
        return None
    callee = _target(context, env, step)
    if callee is not None and callee.sound:
        _check_signal(context, step, data, callee)
    return ir.SendStep(head, step.signal.text, to, data, resolve_retry(step.retry))


def _check_id(context: Context, span: Span, to: Template) -> None:
    """Report a constant that is the id of no run."""
    text = constant_text(to)
    if text is not None and not _ID.fullmatch(text):
        message = f'"{text}" is the id of no run, which is eight hex digits'
        help_ = worded(span, "${shipment.run_id}", "shipment.run_id")
        help_ = f'a value is written as in "{help_}"'
        context.report(error("WF257", span, message, help=help_))


def _target(context: Context, env: Env, step: syntax.SendStep) -> Callee | None:
    """Return the workflow of the run: `to: ${started.run_id}` tells, or `${run.id}`."""
    match step.to.parts:
        case (Ref(parts=(name, _)),):
            binding = env.bindings.get(name.text)
            if binding is None or binding.variable is None:
                return None
            started = context.started.get(binding.variable.id)
            return (started and context.library.find(started, context.workflow)) or None
        case _:
            return None


def _check_signal(
    context: Context, step: syntax.SendStep, data: Value | None, callee: Callee
) -> None:
    payload = callee.payload(step.signal.text)
    if payload is None:
        names = [name for name, _ in callee.signals]
        meant = nearest(step.signal.text, names)
        note = f"it waits for: {', '.join(names)}" if names else "it waits for none"
        context.report(
            error(
                "WF246",
                step.signal.span,
                f'workflow "{callee.name}" waits for no signal "{step.signal.text}"',
                note,
                help=did_you_mean(meant),
                fix=replacement(meant, step.signal.span),
            )
        )
        return
    _check_payload(context, step, data, callee, payload)


def _check_payload(
    context: Context,
    step: syntax.SendStep,
    data: Value | None,
    callee: Callee,
    payload: Payload,
) -> None:
    if payload.type is None:
        return
    what = f'the data of signal "{step.signal.text}" of "{callee.name}"'
    if data is None or step.data is None:
        if not payload.nullable:
            message = f"{what} is {show_type(payload.type)}, this signal has none"
            help_ = worded(step.head.span, 'add "data:"', 'add "data={...}"')
            context.report(error("WF247", step.head.span, message, help=help_))
        return
    fits(
        context,
        step.data.span,
        data,
        payload.type,
        payload.nullable,
        what,
        "WF247",
    )
