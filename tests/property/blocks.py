"""Draws of control flow beyond branches and loops; `Drawer` is made of these, too.

What a part may not do is kept out of it here: nothing returns from a clean-up, items
that run at the same time wait for no signal and count nothing, and what a timeout may
cut short binds no name again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.property import tree
from tests.property.tree import Call, Const, Ref, Step, Steps

if TYPE_CHECKING:
    from tests.property.workflows import Drawer, Scope

LIMITED = (
    *(tree.If, tree.Parallel, tree.Race, tree.Loop, tree.Switch, tree.Try),
    *(tree.Foreach, tree.Group, tree.Sleep, tree.Divide),
)
UNDONE = (tree.Insert, tree.If, tree.Parallel, tree.Group, tree.Transaction)
WORDS = ("", "a", "it's", "$a", "{a}", "null", "x: y", "1")


def seldom(drawer: Drawer, of: int) -> bool:
    """Say yes once in so many times, and not in the simplest example."""
    return bool(drawer.draw(st.integers(1, of)) == of)


def switch(drawer: Drawer, scope: Scope) -> tuple[Steps, Scope | None]:
    type_ = drawer.pick(("text", "bigint"))
    subject = drawer.expr(scope, type_)
    values: Any = WORDS if type_ == "text" else [str(n) for n in range(-2, 7)]
    chosen = drawer.draw(
        st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)
    )
    cases, ends = [], []
    for value in chosen:
        steps, end = drawer.steps(scope.inner())
        cases.append((value, steps))
        ends.append(end)
    default: Steps | None = None
    if seldom(drawer, 2):
        default, end = drawer.steps(scope.inner())
        ends.append(end)
    else:
        ends.append(scope.inner())
    live = [end for end in ends if end is not None]
    for end in live:
        scope = drawer.seen(scope, end)
    return (tree.Switch(subject, tuple(cases), default),), scope if live else None


def attempt(drawer: Drawer, scope: Scope) -> tuple[Steps, Scope | None]:
    steps, end = drawer.steps(scope.inner())
    ends, error, handler, last = [end], None, None, None
    if drawer.often(3, 4):
        error = drawer.name("e")
        refs = [Ref("text", f"{error}.message"), Ref("text", f"{error}.sqlstate")]
        inside = replace(scope.adding(*refs).inner(), error=error)
        handler, caught = drawer.steps(inside)
        ends.append(caught)
    live = [end for end in ends if end is not None]
    for end in live:
        scope = drawer.seen(scope, end)
    if handler is None or seldom(drawer, 2):
        inside = scope.inner(sealed=True, in_loop=False)
        last, end = drawer.steps(inside)
        if end is None:
            return (tree.Try(steps, error, handler, last),), None
        scope = drawer.bound(drawer.seen(scope, end), end)
    return (tree.Try(steps, error, handler, last),), scope if live else None


def foreach(drawer: Drawer, scope: Scope) -> tuple[Steps, Scope]:
    name, item = drawer.name("f"), drawer.name("x")
    if scope.rows and drawer.often(1, 2):
        begin: Steps = ()
        rows = drawer.pick(scope.rows)
    else:
        rows = drawer.name("s")
        count = Call("bigint", "abs({}) % 7", (drawer.expr(scope, "bigint", 1),))
        begin = (tree.SelectRows(rows, count),)
        scope = replace(scope, rows=(*scope.rows, rows))
    most = drawer.pick((1, 1, 2, 3))
    inside = scope.branch().adding(Ref("bigint", f"{item}.i"))
    inside = replace(inside, in_loop=True)
    if most > 1:
        inside = replace(inside, alone=False)
    steps, end = drawer.steps(inside)
    value = drawer.expr(end, "bigint", 1) if end else Const("bigint", 1)
    if end is not None:
        scope = drawer.seen(scope, end)
    step = tree.Foreach(name, item, rows, steps, most, value)
    return (*begin, step), replace(scope, rows=(*scope.rows, name))


def transaction(drawer: Drawer, scope: Scope) -> tuple[Steps, Scope]:
    drawn: list[Step] = []
    for _ in range(drawer.draw(st.integers(1, 4))):
        choices = [drawer.insert, drawer.select, drawer.let, drawer.reading]
        steps, scope = drawer.pick(choices)(scope)
        drawn += [
            replace(each, attempts=1) if isinstance(each, tree.Divide) else each
            for each in steps
        ]
        if seldom(drawer, 6):
            condition = drawer.condition(scope)
            drawn.append(tree.Assert(condition, drawer.template(scope)))
    return (tree.Transaction(tuple(drawn)),), scope


def group(drawer: Drawer, scope: Scope) -> tuple[Steps, Scope | None]:
    steps, end = drawer.steps(scope.inner())
    step = tree.Group(steps, drawer.draw(st.integers(1, 3)), drawer.pick((1, 2)))
    if end is None:
        return (step,), None
    return (step,), drawer.bound(drawer.seen(scope, end), end)


def time(drawer: Drawer, scope: Scope) -> tuple[Steps, Scope]:
    if drawer.often(1, 3):
        return (tree.Schedule(),), scope
    value = drawer.expr(scope, "bigint", 1)
    length = Call("bigint", "coalesce({}, {})", (value, Const("bigint", 1)))
    return (tree.SleepUntil(Call("bigint", "abs({}) % 7", (length,))),), scope


# --- guards ---------------------------------------------------------------------


def guarded(drawer: Drawer, scope: Scope, draw: Any) -> tuple[Steps, Scope | None]:
    """Draw a step, and perhaps `when`, `timeout` and `undo` for it."""
    if not seldom(drawer, 4):
        drawn: tuple[Steps, Scope | None] = draw(scope)
        return drawn
    timed, skipped = seldom(drawer, 2), seldom(drawer, 2)
    when = drawer.condition(scope) if skipped else None
    inside = replace(scope, lets=(), signals=()) if timed else scope
    (*before, step), after = draw(inside)
    timeout = None
    if timed and isinstance(step, LIMITED):
        timeout = drawer.draw(st.integers(2, 15))
    bound = (
        name
        for each in before
        if isinstance(each, tree.Let)
        for name, _ in each.bindings
    )
    keeps = (*(ref.name for ref in inside.lets), *bound)
    undo = None
    if after is not None and isinstance(step, UNDONE) and seldom(drawer, 2):
        undo = _undo(drawer, scope)
    if after is not None and timed:
        lets = tuple(each for each in scope.lets if each not in after.lets)
        after = replace(after, lets=(*lets, *after.lets))
    if after is None and when is not None:
        after = scope
    return (*before, tree.Guarded(step, when, keeps, timeout, undo)), after


def _undo(drawer: Drawer, scope: Scope) -> Steps:
    """Draw an undo, which reads inputs only: other names may be bound again."""
    refs = tuple(ref for ref in scope.refs if ref.name in drawer.inputs)
    inside = scope.inner(sealed=True, in_loop=False, lets=(), signals=(), error=None)
    inside = replace(inside, refs=refs, rows=())
    steps, _ = drawer.steps(inside)
    return steps
