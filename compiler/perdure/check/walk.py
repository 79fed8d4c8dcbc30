"""Walking over IR: steps, their inner lists, expressions and references."""

from __future__ import annotations

from collections.abc import Iterator

from perdure.ir import tree as ir
from perdure.ir.expr import Expression, Listing, Mapping, Reference, Template, Value

Steps = tuple[ir.Step, ...]


def inner_lists(step: ir.Step) -> tuple[Steps, ...]:
    """Return the lists of steps that stand directly in a step."""
    match step:
        case ir.IfStep():
            return (*(arm.steps for arm in step.arms), step.otherwise)
        case ir.ParallelStep() | ir.RaceStep():
            return tuple(branch.steps for branch in step.branches)
        case ir.LoopStep():
            return (step.steps,)
        case _:
            return ()


def every_list(steps: Steps) -> Iterator[Steps]:
    """Yield a list of steps and all lists in it, at any depth."""
    yield steps
    for step in steps:
        for inner in inner_lists(step):
            yield from every_list(inner)


def every_step(steps: Steps) -> Iterator[ir.Step]:
    """Yield all steps, at any depth, in the order of the file."""
    for step in steps:
        yield step
        for inner in inner_lists(step):
            yield from every_step(inner)


def conditions(step: ir.Step) -> tuple[Expression, ...]:
    """Return the conditions of a step, not those of the steps in it."""
    match step:
        case ir.IfStep():
            return tuple(arm.condition for arm in step.arms)
        case ir.LoopStep():
            return tuple(each for each in (step.while_, step.until) if each)
        case ir.AssertStep():
            return (step.condition,)
        case _:
            return ()


def expressions(step: ir.Step) -> Iterator[Expression]:
    """Yield all expressions of a step, not those of the steps in it."""
    yield from conditions(step)
    match step:
        case ir.HttpStep():
            yield from _in_value(step.url)
            for _, header in step.headers:
                yield from _in_value(header)
            for value in (step.json, step.body):
                yield from _in_value(value)
        case ir.SleepStep() if isinstance(step.duration, Expression):
            yield step.duration
        case ir.LetStep():
            yield step.value
        case ir.ReturnStep():
            yield from _in_value(step.value)
        case ir.FailStep() | ir.AssertStep():
            yield from _in_value(step.message)


def references(step: ir.Step) -> Iterator[Reference]:
    """Yield all references of a step, not those of the steps in it."""
    if isinstance(step, ir.SqlStep):
        yield from (p for p in step.statement.parts if isinstance(p, Reference))
    for expression in expressions(step):
        yield from in_expression(expression)


def in_expression(expression: Expression) -> Iterator[Reference]:
    """Yield the references of an expression."""
    return (part for part in expression.parts if isinstance(part, Reference))


def _in_value(value: Value | None) -> Iterator[Expression]:
    match value:
        case Expression():
            yield value
        case Template():
            yield from (part for part in value.parts if isinstance(part, Expression))
        case Mapping():
            for _, item in value.entries:
                yield from _in_value(item)
        case Listing():
            for item in value.items:
                yield from _in_value(item)


def bound(step: ir.Step) -> Iterator[str]:
    """Yield the variables that a step binds, not those of the steps in it."""
    variable = getattr(step, "variable", None)
    if isinstance(variable, str):
        yield variable
    if isinstance(step, ir.RaceStep):
        yield from (export.outside for export in step.exports)
