"""Walking over IR: steps, their inner lists, expressions and references."""

from __future__ import annotations

from collections.abc import Iterator

from perdure.ir import tree as ir
from perdure.ir.expr import Expression, Listing, Mapping, Reference, Template, Value

Steps = tuple[ir.Step, ...]


def inner_lists(step: ir.Step) -> tuple[Steps, ...]:
    """Return the lists of steps that stand directly in a step, its undo last."""
    return (*own_lists(step), *((step.head.undo,) if step.head.undo else ()))


def own_lists(step: ir.Step) -> tuple[Steps, ...]:
    """Return the lists of steps that stand directly in a step, without its undo."""
    match step:
        case ir.IfStep():
            return (*(arm.steps for arm in step.arms), step.otherwise)
        case ir.ParallelStep() | ir.RaceStep():
            return tuple(branch.steps for branch in step.branches)
        case ir.LoopStep() | ir.ForeachStep() | ir.TransactionStep() | ir.GroupStep():
            return (step.steps,)
        case ir.SwitchStep():
            return (*(case.steps for case in step.cases), step.default)
        case ir.TryStep():
            handler = () if step.handler is None else (step.handler,)
            return (step.steps, *handler, step.finally_)
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
    when = () if step.head.when is None else (step.head.when,)
    match step:
        case ir.IfStep():
            return (*when, *(arm.condition for arm in step.arms))
        case ir.LoopStep():
            return (*when, *(each for each in (step.while_, step.until) if each))
        case ir.AssertStep():
            return (*when, step.condition)
        case _:
            return when


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
            for _, text in step.form or ():
                yield from _in_value(text)
            for part in step.multipart or ():
                yield from _in_value(part.body)
                yield from _in_value(part.filename)
        case ir.CallStep() | ir.StartStep():
            yield from (argument.value for argument in step.arguments)
            if isinstance(step, ir.StartStep):
                yield from _in_value(step.key)
        case ir.SendStep():
            yield from _in_value(step.to)
            yield from _in_value(step.data)
        case ir.SleepStep() if isinstance(step.duration, Expression):
            yield step.duration
        case ir.SleepUntilStep():
            yield step.time
        case ir.SwitchStep():
            yield step.subject
        case ir.ForeachStep():
            for collected in step.collect:
                yield from _in_value(collected)
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
    if isinstance(step, ir.ForeachStep):
        yield step.rows
    if isinstance(step, ir.HttpStep):
        yield from (part.source for part in step.multipart or () if part.source)
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
    if isinstance(step, ir.ForeachStep):
        yield step.item
    if isinstance(step, ir.RaceStep):
        yield from (export.outside for export in step.exports)


def option_references(workflow: ir.Workflow) -> Iterator[Reference]:
    """Yield the references of a workflow's own keys."""
    options = workflow.options
    if options is None:
        return
    concurrency = options.concurrency
    for key in (options.idempotency_key, concurrency and concurrency.key):
        if key:
            yield from in_expression(key)
