"""Control flow: what each construct does to the paths and to the names on them."""

from __future__ import annotations

from dataclasses import replace

from perdure.diagnostics import error
from perdure.ir import tree as ir
from perdure.ir.types import TEXT, Field, Variable
from perdure.resolve import sequence
from perdure.resolve.binding import bind
from perdure.resolve.context import Branch, Context
from perdure.resolve.expressions import resolve_condition
from perdure.resolve.facts import facts_of
from perdure.resolve.prescan import names_bound
from perdure.resolve.scope import (
    Binding,
    Env,
    Fact,
    Won,
    after_race,
    merge,
    weaker,
    winner_fact,
)
from perdure.syntax import tree as syntax
from perdure.syntax.expr import Name

# --- if -------------------------------------------------------------------------


def resolve_if(
    context: Context, env: Env, step: syntax.IfStep, head: ir.Head
) -> tuple[ir.IfStep | None, Env]:
    """Resolve the arms, each from the same names; after it the arms meet."""
    arms: list[ir.Arm] = []
    ends: list[Env] = []
    before = env
    for index, written in enumerate(step.arms):
        condition = resolve_condition(context, before, written.condition)
        inside = before.knowing(facts_of(written.condition, "true"))
        elif_ = f"elif[{index - 1}]." if index else ""
        path = f"{head.path}.{elif_}then"
        steps, end = sequence.resolve_steps(context, inside, written.steps, path)
        ends.append(end)
        before = before.knowing(facts_of(written.condition, "not true"))
        if condition is not None:
            arms.append(ir.Arm(condition, steps))
    otherwise, end = sequence.resolve_steps(
        context, before, step.otherwise or (), f"{head.path}.else"
    )
    ends.append(end)
    complete = len(arms) == len(step.arms)
    return (
        ir.IfStep(head, tuple(arms), otherwise) if complete else None,
        merge(ends),
    )


# --- loop -----------------------------------------------------------------------


def resolve_loop(
    context: Context, env: Env, step: syntax.LoopStep, head: ir.Head
) -> tuple[ir.LoopStep | None, Env]:
    """Resolve a loop; what a round leaves of a name holds at the head as well."""
    start = context.enter_loop(head.path, env, names_bound(step.steps))
    while_ = resolve_condition(context, start, step.while_) if step.while_ else None
    first = start.knowing(facts_of(step.while_, "true")) if step.while_ else start
    steps, end = sequence.resolve_steps(context, first, step.steps, f"{head.path}.loop")
    loop = context.loops.pop()
    back = merge([end, *loop.continues])
    until = resolve_condition(context, back, step.until) if step.until else None
    context.learn(head.path, start, back)
    exits = list(loop.breaks)
    if step.while_:
        over = facts_of(step.while_, "not true")
        exits += [start.knowing(over), back.knowing(over)]
    if step.until:
        exits.append(back.knowing(facts_of(step.until, "true")))
    after = merge(exits) if exits else back.ended()
    complete = (while_ is None) == (step.while_ is None) and (until is None) == (
        step.until is None
    )
    every = step.every.milliseconds if step.every else None
    if step.every and not every:
        message = "the time from one round to the next is more than zero"
        help_ = "leave `every` out: the next round begins at once"
        context.report(error("WF126", step.every.span, message, help=help_))
    resolved = ir.LoopStep(head, steps, while_, until, every) if complete else None
    return resolved, after


def resolve_leap(
    context: Context, env: Env, step: syntax.BreakStep | syntax.ContinueStep
) -> Env:
    """Note that a path goes to the end of a round or of the loop."""
    word = "break" if isinstance(step, syntax.BreakStep) else "continue"
    if not context.loops:
        message = f"`{word}` outside of a loop"
        context.report(error("WF230", step.head.span, message))
        return env.ended()
    loop = context.loops[-1]
    arrivals = loop.breaks if word == "break" else loop.continues
    arrivals.append(context.leave(loop, env))
    return env.ended()


# --- parallel -------------------------------------------------------------------


def resolve_parallel(
    context: Context, env: Env, step: syntax.ParallelStep, head: ir.Head
) -> tuple[ir.ParallelStep, Env]:
    """Resolve the branches; the names of all are there after it."""
    siblings: dict[str, str] = {}
    bindings: dict[str, Binding] = dict(env.bindings)
    branches: list[ir.Branch] = []
    live, facts = env.live, env.facts
    for written in step.branches:
        context.branches.append(Branch("parallel", written.name.text, env, siblings))
        path = f"{head.path}.parallel.{written.name.text}"
        steps, end = sequence.resolve_steps(context, env, written.steps, path)
        context.branches.pop()
        branches.append(ir.Branch(written.name.text, steps))
        live, facts = live and end.live, facts | end.facts
        for name, binding in _new(env, end).items():
            bindings.setdefault(name, binding)
            siblings.setdefault(name, written.name.text)
    return ir.ParallelStep(head, tuple(branches)), Env(bindings, live, facts)


# --- race -----------------------------------------------------------------------


def resolve_race(
    context: Context, env: Env, step: syntax.RaceStep, head: ir.Head
) -> tuple[ir.RaceStep, Env]:
    """Resolve the branches; a name bound in one is perhaps null after it."""
    branches: list[ir.Branch] = []
    ends: list[tuple[str, Env]] = []
    for written in step.branches:
        context.branches.append(Branch("race", written.name.text, env, {}))
        context.layers.append({})
        path = f"{head.path}.race.{written.name.text}"
        steps, end = sequence.resolve_steps(context, env, written.steps, path)
        context.layers.pop()
        context.branches.pop()
        branches.append(ir.Branch(written.name.text, steps))
        ends.append((written.name.text, end))
    after = replace(env, live=env.live and any(end.live for _, end in ends))
    variable = None
    if step.head.name is not None:
        name = step.head.name
        fields = (Field("winner", TEXT, nullable=False),)
        result = Variable("", name.text, "race", fields)
        after, variable = bind(context, after, name, result)
    after, exports = _export(context, env, after, ends, step.head.name)
    return ir.RaceStep(head, variable, tuple(branches), exports), after


def _export(
    context: Context,
    before: Env,
    after: Env,
    ends: list[tuple[str, Env]],
    race: Name | None,
) -> tuple[Env, tuple[ir.Export, ...]]:
    """Bind what the branches bound, each name to a variable of its own."""
    exports: list[ir.Export] = []
    for branch, end in ends:
        for name, inside in _new(before, end).items():
            if not (inside.definite and inside.variable and inside.span and end.live):
                blurred = Binding(None, end.live and inside.definite, inside.span)
                if name not in after.bindings:
                    after = after.bind(name, blurred)
                continue
            twin = after.bindings.get(name)
            outer = after_race(inside.variable)
            after, outside = bind(context, after, Name(name, inside.span), outer)
            if outside is None:
                continue
            exports.append(ir.Export(outside, inside.variable.id, branch))
            if any(export.outside == outside for export in exports[:-1]):
                after = _of_both(after, name, twin)
            elif race is not None:
                after = _when_won(after, name, inside, winner_fact(race.text, branch))
    return after, tuple(exports)


def _of_both(after: Env, name: str, twin: Binding | None) -> Env:
    """Return the environment where one of two branches has bound a name."""
    binding = after.bindings[name]
    assert binding.variable is not None
    if twin is None or twin.variable is None:
        return after
    both = weaker(binding.variable, twin.variable)
    return after.bind(name, replace(binding, variable=both))


def _when_won(after: Env, name: str, inside: Binding, fact: Fact) -> Env:
    """Note what a name is where the branch that bound it is known to have won."""
    outer = after.bindings[name]
    assert outer.variable is not None
    assert inside.variable is not None
    view = replace(inside.variable, id=outer.variable.id)
    return after.bind(name, replace(outer, won=Won(fact, view, inside.trusted)))


def _new(before: Env, after: Env) -> dict[str, Binding]:
    """Return what an environment has and an earlier one had not."""
    return {
        name: binding
        for name, binding in after.bindings.items()
        if name not in before.bindings
    }
