"""Sequences, branches and loops."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from perdure.frontend.df.breaks import binding_step, bound_by, ending_of, text_of
from perdure.frontend.df.context import Context, Goal, Loop
from perdure.frontend.df.fold import as_value
from perdure.frontend.df.literals import plain
from perdure.frontend.df.nodes import Node
from perdure.frontend.df.nodes import Value as Constant
from perdure.frontend.df.queries import ALWAYS, NEVER, condition
from perdure.frontend.df.scope import Binding, identifier
from perdure.frontend.df.sending import json_value
from perdure.frontend.df.times import milliseconds
from perdure.source import Span
from perdure.syntax import tree
from perdure.syntax.expr import Name
from perdure.syntax.tree import (
    Arm,
    Branch,
    BreakStep,
    ContinueStep,
    Duration,
    FailStep,
    GroupStep,
    IfStep,
    LetStep,
    LoopStep,
    ParallelStep,
    RaceStep,
    ReturnStep,
    SqlStep,
    Step,
    TryStep,
)

_WAITS = frozenset(
    {
        "sleep",
        "sleep_for",
        "sleep_until",
        "wait_for_signal",
        "wait_for_schedule",
        "call",
    }
)


def sequence(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate nodes one after the other; the result is the last one's."""
    steps: list[Step] = []
    for each in node.children[:-1]:
        steps += ctx.translate(ctx, each, Goal())
    return steps + ctx.translate(ctx, node.children[-1], goal)


def named(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.as`: the name goes down to the step that makes the result."""
    name = node.text("name")
    assert name is not None
    found = len(ctx.findings)
    steps = ctx.translate(ctx, node.parts["fut"], Goal(name.value, goal.last))
    if name.value not in ctx.env and len(ctx.findings) > found:
        ctx.bind(name.value, Binding(name.value, "value"))  # its error was reported
    if goal.name and name.value in ctx.env:
        ctx.env[goal.name] = ctx.env[name.value]
    return steps


def choice(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.if`."""
    steps, test = condition(ctx, node.parts["condition"])
    return [*steps, *_choice(ctx, node, goal, test)]


def choice_by_rows(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.if_rows`: whether a result has rows is asked by a statement."""
    name = node.text("result_name")
    assert name is not None
    binding = ctx.env.get(name.value)
    if binding is None or binding.kind != "rows":
        raise ctx.refuse(
            name.whole,
            f'"{name.value}" has no rows to look for',
            help="name the result of a statement",
        )
    ctx.after_arm(binding, name.value, name.whole)
    query = f"select exists (select from :{binding.name}.* as r) as any_row"
    check = ctx.names.fresh(f"{binding.name}_found")
    text = plain(query, name.whole)
    step = SqlStep(ctx.head(node.span, check), ctx.statement(query, text))
    return [ctx.keep(step), *_choice(ctx, node, goal, f"{check}.any_row")]


def _choice(ctx: Context, node: Node, goal: Goal, test: str) -> list[Step]:
    before = dict(ctx.env)
    then = ctx.translate(ctx, node.parts["then_branch"], goal)
    after, ctx.env = ctx.env, dict(before)
    otherwise: list[Step] = []
    if "else_branch" in node.parts:
        otherwise = ctx.translate(ctx, node.parts["else_branch"], goal)
    decided = test in (ALWAYS, NEVER)
    if not (decided or _leaves(then) or _leaves(otherwise)):
        _mark(after, ctx.env, node)
        if ctx.loops and ctx.loops[-1].carries:
            ctx.repeated.add(id(node))
    ctx.env = _merged(after, ctx.env)
    if decided:
        return then if test == ALWAYS else otherwise
    if id(node) in ctx.split:
        return _groups(ctx, node, test, then, otherwise)
    arm = Arm(ctx.expr(test, node.span), tuple(then))
    head = ctx.head(node.span)
    return [ctx.keep(IfStep(head, (arm,), tuple(otherwise) or None))]


def _mark(one: dict[str, Binding], other: dict[str, Binding], node: Node) -> None:
    """Note on what one of two branches binds that the other one does not."""
    for env, without in ((one, other), (other, one)):
        for name in env.keys() - without.keys():
            env[name] = replace(env[name], arms=env[name].arms | {id(node)})


def _leaves(steps: Sequence[Step]) -> bool:
    """Say whether nothing after some steps runs."""
    last = steps[-1] if steps else None
    if isinstance(last, IfStep):
        arms = [*(each.steps for each in last.arms), last.otherwise or ()]
        return all(map(_leaves, arms))
    return isinstance(last, BreakStep | ContinueStep | ReturnStep | FailStep)


def _groups(
    ctx: Context, node: Node, test: str, then: list[Step], otherwise: list[Step]
) -> list[Step]:
    """Return two groups that `when` skips: what they bind can be read after them."""
    if not otherwise:
        return [_when(ctx, node, test, then)]
    taken = ctx.names.fresh("taken")
    value = ctx.expr(f"({test}) is true", node.span)
    let = LetStep(ctx.head(node.span), ((Name(taken, node.span), value),))
    groups = [(taken, then), (f"not {taken}", otherwise)]
    return [
        ctx.keep(let),
        *(_when(ctx, node, when, steps) for when, steps in groups if steps),
    ]


def _when(ctx: Context, node: Node, test: str, steps: list[Step]) -> Step:
    when = ctx.expr(test, node.span)
    if len(steps) == 1 and steps[0].head.when is None:
        step = steps[0]
        return ctx.instead(step, replace(step, head=replace(step.head, when=when)))
    return ctx.keep(GroupStep(replace(ctx.head(node.span), when=when), tuple(steps)))


def _merged(one: dict[str, Binding], other: dict[str, Binding]) -> dict[str, Binding]:
    """Return what is bound after either of two branches."""
    merged = {**one, **other}
    for name in set(one) & set(other):
        arms = one[name].arms | other[name].arms
        if _meaning(one[name]) != _meaning(other[name]):
            reason = "it means two things, depending on the branch that was taken"
            merged[name] = Binding(one[name].name, "lost", reason=reason)
        elif arms != other[name].arms:
            merged[name] = replace(other[name], arms=arms)
    return merged


def _meaning(binding: Binding) -> tuple[object, ...]:
    return binding.name, binding.kind, binding.ending


def join(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.join`: results are read by the names in the branches."""
    branches, bound = _branches(ctx, node, Goal())
    ctx.unreturned = ctx.unreturned or goal.last
    for env in bound:
        ctx.env |= {n: b for n, b in env.items() if ctx.env.get(n) is not b}
    if goal.name:
        reason = "it is the list of the results of branches"
        ctx.bind(goal.name, Binding(goal.name, "lost", reason=reason))
    return [ctx.keep(ParallelStep(ctx.head(node.span), branches))]


def race(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.race`; a name for its result is one in each branch."""
    inner = Goal(goal.name, goal.last)
    branches, bound = _branches(ctx, node, inner, shared=True)
    for env in bound:
        ctx.env |= {n: b for n, b in env.items() if ctx.env.get(n) is not b}
    return [ctx.keep(RaceStep(ctx.head(node.span), branches))]


def _branches(
    ctx: Context, node: Node, goal: Goal, shared: bool = False
) -> tuple[tuple[Branch, ...], list[dict[str, Binding]]]:
    """Translate branches; `shared`: they may bind the same names."""
    branches: list[Branch] = []
    bound: list[dict[str, Binding]] = []
    place, before, own = ctx.place, dict(ctx.env), 0
    used: set[str] = set()
    for at, child in enumerate(node.children, 1):
        if at == 1 or not shared:
            ctx.places += 1
            own = ctx.places
        ctx.place, ctx.env = (*place, own), dict(before)
        steps = ctx.translate(ctx, child, goal)
        name = _branch_name(child, at, used)
        branches.append(Branch(Name(name, child.span), tuple(steps)))
        bound.append({n: b for n, b in ctx.env.items() if before.get(n) is not b})
    ctx.place, ctx.env = place, before
    return tuple(branches), bound


def _branch_name(node: Node, at: int, used: set[str]) -> str:
    """Return the name of a branch: what it binds as a whole, or its number."""
    given = node.text("name") if node.kind == "as" else None
    name = identifier(given.value) if given else f"branch_{at}"
    while name in used:
        name = f"{name}_{at}"
    used.add(name)
    return name


# --- loops ----------------------------------------------------------------------


def loop(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.loop`: a round, and again while the condition holds."""
    body = node.parts["body"]
    test = node.parts.get("condition")
    ending = ending_of(ctx, node, goal)
    ctx.loops.append(Loop(goal.last, ending))
    named = test is not None and ending is None
    before = dict(ctx.env)
    steps = ctx.translate(ctx, body, Goal(goal.name if named else None))
    if node.values.get("continue_on_failure") is True:
        steps = [_failing_round(ctx, node, steps)]
        ctx.env |= _perhaps(before, ctx.env)
    until = None
    if test is not None:
        more, found = condition(ctx, test)
        if more and _continues(body):
            raise ctx.refuse(
                test.span,
                "a round that df.continue ends would pass over this condition",
                help="write the condition without a query, as select $name.column > 0",
            )
        steps += more
        until = ctx.expr(f"({found}) is not true", test.span)
    ctx.loops.pop()
    ctx.env |= bound_by(node, ending)
    waits = _always_waits(body) or (test is not None and _always_waits(test))
    every = None if waits else Duration(1000, node.span)
    head = ctx.head(node.span)
    return [ctx.keep(LoopStep(head, tuple(steps), until=until, every=every))]


def repeat(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.repeat`; a condition with a query becomes steps of the round."""
    before: list[Step] = []
    while_ = until = None
    if "while_condition" in node.parts:
        part = node.parts["while_condition"]
        more, found = condition(ctx, part)
        while_ = ctx.expr(found, part.span)
        if more:
            leave = Arm(
                ctx.expr(f"({found}) is not true", part.span),
                (ctx.keep(BreakStep(ctx.head(part.span))),),
            )
            before = [*more, ctx.keep(IfStep(ctx.head(part.span), (leave,), None))]
            while_ = None
    ending = ending_of(ctx, node, goal)
    ctx.loops.append(Loop(goal.last, ending))
    steps = ctx.translate(ctx, node.parts["body"], Goal())
    if "until_condition" in node.parts:
        part = node.parts["until_condition"]
        more, found = condition(ctx, part)
        steps += more
        until = ctx.expr(found, part.span)
    ctx.loops.pop()
    ctx.env |= bound_by(node, ending)
    given = node.values.get("every")
    every = None
    if given is not None:
        every = Duration(milliseconds(ctx, given, node.span), node.span)
    head = ctx.head(node.span)
    body = (*before, *steps)
    return [ctx.keep(LoopStep(head, body, while_=while_, until=until, every=every))]


def _perhaps(
    before: dict[str, Binding], after: dict[str, Binding]
) -> dict[str, Binding]:
    """Return the names that a round binds, which has failed before it did."""
    reason = "a round that fails may not have bound it, nor has anything before"
    return {
        name: Binding(binding.name, "lost", reason=reason)
        for name, binding in after.items()
        if name not in before
    }


def _failing_round(ctx: Context, node: Node, steps: list[Step]) -> Step:
    """Return a round that goes on after a failure, to the condition of its loop."""
    flag = Name(ctx.names.fresh("passed_over"), node.span)
    end = LetStep(ctx.head(node.span), ((flag, ctx.expr("true", node.span)),))
    head = ctx.head(node.span)
    error = Name(ctx.names.fresh("failure"), node.span)
    ctx.doubt(
        node.span,
        "a failing round is passed over",
        "record the error in the catch, or remove the try",
    )
    return ctx.keep(TryStep(head, tuple(steps), error, (end,), None))


def leave(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.break`; its value is the run's, if the loop is the last node."""
    del goal
    value = node.values.get("value")
    around = ctx.loops[-1] if ctx.loops else None
    if around is None:
        raise ctx.refuse(
            node.span,
            "df.break stands in no loop, so that the run fails here",
            help="leave it out, or put it into the loop",
        )
    if around.last and not ctx.place and value is not None:
        return [ctx.keep(ReturnStep(ctx.head(node.span), _constant(value, node.span)))]
    end = BreakStep(ctx.head(node.span))
    if around.ending is None or not around.ending.types:
        return [ctx.keep(end)]
    let = binding_step(ctx, around.ending, value, node.span)
    return [ctx.keep(let), ctx.keep(end)]


def proceed(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.continue`."""
    del goal
    return [ctx.keep(ContinueStep(ctx.head(node.span)))]


def _constant(value: Constant, span: Span) -> tree.Value | None:
    """Return the value of a break: JSON if it is valid JSON, else a text."""
    if value is None:
        return None
    text = text_of(value)
    try:
        read = json.loads(text)
    except ValueError:
        read = text
    return json_value(as_value(read, span), span)


def _always_waits(node: Node) -> bool:
    """Say whether each way through a node waits, so that a loop has a pace."""
    match node.kind:
        case "if" | "if_rows":
            arms = [node.parts.get("then_branch"), node.parts.get("else_branch")]
            tested = node.parts.get("condition")
            if tested is not None and _always_waits(tested):
                return True
            return all(arm is not None and _always_waits(arm) for arm in arms)
        case "race":
            return all(map(_always_waits, node.children))
        case "seq" | "join":
            return any(map(_always_waits, node.children))
        case "as":
            return _always_waits(node.parts["fut"])
        case "retry" | "timeout" | "loop":
            inner = node.parts.get("node") or node.parts.get("body")
            return inner is not None and _always_waits(inner)
        case "break" | "return":
            return True
    return node.kind in _WAITS


def _continues(node: Node) -> bool:
    if node.kind in ("loop", "repeat", "foreach"):
        return False
    inner = (*node.children, *node.parts.values())
    return node.kind == "continue" or any(map(_continues, inner))
