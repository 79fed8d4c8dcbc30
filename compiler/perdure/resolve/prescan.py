"""All names that are bound, wherever it is.

For messages, because a name that is unknown at one place but bound at another deserves
another message than one that is bound nowhere; and for loops, whose rounds bind again
what was proved before them.
"""

from __future__ import annotations

from collections.abc import Iterator

from perdure.syntax import tree as syntax

BOUND = "bound"
IN_ROUNDS = "in rounds"
_RESULTLESS = {
    syntax.SleepStep: "sleep",
    syntax.LetStep: "let",
    syntax.IfStep: "if",
    syntax.ParallelStep: "parallel",
    syntax.LoopStep: "loop",
    syntax.BreakStep: "break",
    syntax.ContinueStep: "continue",
    syntax.ReturnStep: "return",
    syntax.FailStep: "fail",
    syntax.AssertStep: "assert",
    syntax.SendStep: "signal",
    syntax.SwitchStep: "switch",
    syntax.TryStep: "try",
    syntax.TransactionStep: "transaction",
    syntax.GroupStep: "do",
    syntax.SleepUntilStep: "sleep_until",
    syntax.WaitForScheduleStep: "wait_for_schedule",
}


def step_names(workflow: syntax.Workflow) -> dict[str, str]:
    """Return per name `bound`, or the kind of a step that has no result.

    What nothing but the rounds of a loop over rows binds is `in rounds`.
    """
    names: dict[str, str] = {}
    for step in _walk(workflow.steps):
        kind = _RESULTLESS.get(type(step), BOUND)
        if isinstance(step, syntax.ForeachStep) and step.collect is None:
            kind = "foreach"
        if step.head.name is not None and names.get(step.head.name.text) != BOUND:
            names[step.head.name.text] = kind
        if isinstance(step, syntax.LetStep):
            names.update((name.text, BOUND) for name, _ in step.bindings)
    outside = _names(_walk(workflow.steps, rounds=False))
    apart = (each for each, kind in names.items() if kind == BOUND)
    return names | {each: IN_ROUNDS for each in apart if each not in outside}


def names_bound(steps: tuple[syntax.Step, ...]) -> frozenset[str]:
    """Return the names that steps bind, at any depth."""
    return frozenset(_names(_walk(steps)))


def _names(steps: Iterator[syntax.Step]) -> set[str]:
    names: set[str] = set()
    for step in steps:
        if isinstance(step, syntax.LetStep):
            names.update(name.text for name, _ in step.bindings)
        elif step.head.name is not None:
            names.add(step.head.name.text)
    return names


def _walk(
    steps: tuple[syntax.Step, ...], *, rounds: bool = True
) -> Iterator[syntax.Step]:
    """Yield steps and those in them; `rounds` says whether also of loops over rows."""
    for step in steps:
        yield step
        apart = isinstance(step, syntax.ForeachStep) and not rounds
        for inner in (*(() if apart else _inner(step)), step.head.undo or ()):
            yield from _walk(inner, rounds=rounds)


def _inner(step: syntax.Step) -> Iterator[tuple[syntax.Step, ...]]:
    match step:
        case syntax.IfStep():
            yield from (arm.steps for arm in step.arms)
            yield step.otherwise or ()
        case syntax.ParallelStep() | syntax.RaceStep():
            yield from (branch.steps for branch in step.branches)
        case (
            syntax.LoopStep()
            | syntax.ForeachStep()
            | syntax.TransactionStep()
            | syntax.GroupStep()
        ):
            yield step.steps
        case syntax.SwitchStep():
            yield from (case.steps for case in step.cases)
            yield step.default or ()
        case syntax.TryStep():
            yield from (step.steps, step.handler or (), step.finally_ or ())
        case _:
            return
