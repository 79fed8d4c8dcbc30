"""What any step may have: `when` that skips it, `timeout`, and `undo`.

A step that `when` may skip binds its names all the same: they are null where it was
skipped, unless they had a value before. The rejected way, to leave them without a
value as after an arm of an `if`, makes `when` useless for steps with a result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from perdure.ir import tree as ir
from perdure.ir.expr import Expression
from perdure.resolve import sequence
from perdure.resolve.context import Branch, Context
from perdure.resolve.expressions import resolve_condition
from perdure.resolve.facts import facts_of
from perdure.resolve.prescan import names_bound
from perdure.resolve.scope import Env, after_race, merge, weaker
from perdure.syntax import tree as syntax

Steps = tuple[ir.Step, ...]
Resolve = Callable[[Context, Env, syntax.Step, ir.Head], tuple[Steps, Env]]


def resolve_guarded(
    context: Context, env: Env, step: syntax.Step, head: ir.Head, resolve: Resolve
) -> tuple[Steps, Env]:
    """Resolve a step, and what its head asks for."""
    written = step.head
    if written.when is None and written.timeout is None and written.undo is None:
        return resolve(context, env, step, head)
    when, inside, before = _condition(context, env, written)
    found, after = resolve(context, inside, step, head)
    undo = _undo(context, after, written.undo, head) if written.undo else None
    absent: tuple[str, ...] = ()
    if written.when is not None:
        after, absent = _skippable(context, before, after)
        if when is None:
            return (), after
    timeout = written.timeout.milliseconds if written.timeout else None
    full = replace(head, when=when, absent=absent, timeout=timeout, undo=undo)
    if len(found) > 1:  # a `let` of several
        return (ir.GroupStep(full, found, None),), after
    return tuple(replace(each, head=full) for each in found), after


def _condition(
    context: Context, env: Env, written: syntax.Head
) -> tuple[Expression | None, Env, Env]:
    """Return the condition, and what is known where it is true and where it is not."""
    if written.when is None:
        return None, env, env
    when = resolve_condition(context, env, written.when)
    inside = env.knowing(facts_of(written.when, "true"))
    return when, inside, env.knowing(facts_of(written.when, "not true"))


def _skippable(
    context: Context, before: Env, after: Env
) -> tuple[Env, tuple[str, ...]]:
    """Return what is known after a step that may have been skipped."""
    if not after.live:
        return before, ()
    met = merge([before, after]) if before.live else after
    absent: list[str] = []
    for name, binding in after.bindings.items():
        known = before.bindings.get(name)
        if binding.variable is None or not binding.definite:
            continue
        if known is not None and known.definite:
            continue
        weak = after_race(binding.variable)
        declared = context.variables[weak.id]
        context.variables[weak.id] = weaker(declared, weak)
        absent.append(weak.id)
        context.skipped.add(weak.id)
        met = met.bind(name, replace(binding, variable=weak, trusted=frozenset()))
    return met, tuple(absent)


def _undo(
    context: Context, env: Env, steps: tuple[syntax.Step, ...], head: ir.Head
) -> Steps:
    """Resolve the steps that take a step back; they see what it has bound."""
    inside = replace(env, live=True).forget(names_bound(steps))
    context.branches.append(Branch("undo", "undo", inside, {}))
    context.layers.append({})
    found, _ = sequence.resolve_steps(context, inside, steps, f"{head.path}.undo")
    context.layers.pop()
    context.branches.pop()
    return found
