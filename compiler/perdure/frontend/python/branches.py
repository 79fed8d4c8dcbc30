"""Branches as functions and lambdas, and what stands where it means nothing.

    reserved, mail = gather(
        lambda: sql("..."),
        lambda: http.post("..."),
    )

They are for short branches and for `undo`; inside of a function a name is its own, and
`return` would be its own, too, so it may only stand before the step that is its result.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

import perdure.authoring as authoring
from perdure.frontend.python import calls, others, statements
from perdure.frontend.python.constants import constant
from perdure.frontend.python.context import Context, Operand, counted, name_of
from perdure.source import Span
from perdure.syntax.expr import Name
from perdure.syntax.tree import Branch, CallStep, Head, ParallelStep, RaceStep, Step

_OPTIONS = ("description", "when", "timeout", "undo")
_MAKERS: Mapping[str, type[ParallelStep | RaceStep]] = {
    "parallel": ParallelStep,
    "race": RaceStep,
}
_PLACES = {
    "step": ("at the beginning of a block", "write with step(timeout=...):"),
    "group": ("at the beginning of a block", "write with group(retry=...):"),
    "transaction": ("at the beginning of a block", "write with transaction():"),
    "foreach": ("in for", "write for order in foreach(orders, max_parallel=10):"),
    "collect": (
        "at the end of a for loop over rows",
        "write told = collect(id=...) as the last line of the loop",
    ),
    "branch": ("in parallel or race", 'write with branch("name"): in with parallel():'),
    "every": ("at the beginning of a loop", "make it the first line of a while loop"),
    "until": ("at the end of a loop", "make it the last line of a while loop"),
    "parallel": ("on a line of its own", "write with parallel():"),
    "race": ("on a line of its own", "write with race() as outcome:"),
    "gather": ("on a line of its own", "write a, b = gather(...)"),
}


def misplaced(ctx: Context, node: ast.expr, kind: str) -> None:
    """Report one of the words of this module that stands where it means nothing."""
    where, help_ = _PLACES[kind]
    span = ctx.span(node.func if isinstance(node, ast.Call) else node)
    ctx.report("WF194", span, f'"{kind}" stands {where}', help=help_)


def made(ctx: Context, kind: str, head: Head, found: tuple[Branch, ...]) -> Step | None:
    """Return the step of branches that were read, whose names differ."""
    names: dict[str, Name] = {}
    for each in found:
        if each.name.text in names:
            message = f'branch "{each.name.text}" is there twice'
            ctx.report("WF112", each.name.span, message)
        names[each.name.text] = each.name
    return _MAKERS[kind](head, found) if found and len(names) == len(found) else None


# --- functions and lambdas ------------------------------------------------------


def define(ctx: Context, node: ast.FunctionDef) -> None:
    """Remember a function that is nested in the workflow, for its use as a branch.

    One that `on_failure` decorates is read at once.
    """
    span = _name_span(ctx, node)
    last = False
    for decorator in node.decorator_list:
        if constant(ctx, decorator) is authoring.on_failure:
            last = True
            continue
        message = "a branch has no decorators"
        ctx.report("WF190", ctx.span(decorator), message)
    args = node.args
    given = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    if last and len(given) == 1 and not args.vararg and not args.kwarg:
        _error_parameter(ctx, given[0])
    elif given or args.vararg or args.kwarg:
        message = f'branch "{node.name}" has parameters'
        help_ = "leave them out: a branch reads the names of the workflow"
        if last:
            help_ = "it may have one, err, the failure"
        ctx.report("WF191", span, message, help=help_)
    if last:
        _read_failure(ctx, node, span)
    else:
        ctx.blocks[node.name] = node


def _error_parameter(ctx: Context, parameter: ast.arg) -> None:
    if parameter.arg == "err":
        return
    whole = ctx.places.span(parameter)
    word = Span(whole.path, whole.start, whole.start + len(parameter.arg))
    message = f'the failure is called "err" in on_failure, not "{parameter.arg}"'
    ctx.report("WF191", word, message, help="write err: Failure")


def _read_failure(ctx: Context, node: ast.FunctionDef, span: Span) -> None:
    """Read the steps that run when the workflow has failed."""
    if ctx.failure is not None or node not in ctx.body:
        message = "a workflow has one on_failure, at its top"
        ctx.report("WF194", span, message, help="put all steps into one function")
        return
    ctx.errors.append("err")
    ctx.failure = statements.read_body(ctx, node.body, "on_failure", span)
    ctx.errors.pop()


def report_unused(ctx: Context) -> None:
    """Report nested functions that no step uses."""
    for name, node in ctx.blocks.items():
        if name not in ctx.used:
            message = f'"{name}" is not used as a branch'
            help_ = f"write parallel({name}={name}), or call it from another workflow"
            ctx.report("WF194", _name_span(ctx, node), message, help=help_)


def _name_span(ctx: Context, node: ast.FunctionDef) -> Span:
    whole = ctx.span(node)
    return ctx.places.find(node.name, ctx.places.head(node).end, whole.end)


def call(
    ctx: Context, node: ast.expr, kind: str, name: Name | None, whole: Span
) -> Step | None:
    """Read `parallel(a=..., b=...)` and `race(a=..., b=...)`."""
    assert isinstance(node, ast.Call)
    for arg in node.args:
        message = f'"{kind}" takes its branches by name'
        help_ = f"write {kind}(first=..., second=...), or gather(...)"
        ctx.report("WF193", ctx.span(arg), message, help=help_)
    found = []
    options = [each for each in node.keywords if not is_branch(ctx, each)]
    named = [each for each in node.keywords if is_branch(ctx, each)]
    fields = calls.read_options(ctx, options, calls.options_of(kind), kind)
    for keyword in named:
        word = calls.word_of(ctx, keyword)
        branch = name_of(ctx, keyword.arg or "**", word)
        steps = steps_of(ctx, keyword.value, None)
        if branch is not None and steps is not None:
            found.append(Branch(branch, steps))
    if not named and not node.args:
        ctx.report("WF118", ctx.span(node), f'"{kind}" has no branches')
    head = calls.head_of(fields, kind, name, ctx.span(node.func), whole)
    return made(ctx, kind, head, tuple(found)) if len(found) == len(named) else None


def is_branch(ctx: Context, keyword: ast.keyword) -> bool:
    """Say whether an argument of `parallel` or `race` is a branch, not an option."""
    value = keyword.value
    if keyword.arg not in _OPTIONS:
        return True
    if keyword.arg == "undo":
        return False
    return isinstance(value, ast.Lambda) or (
        isinstance(value, ast.Name) and value.id in ctx.blocks
    )


def gather(
    ctx: Context, node: ast.expr, targets: Sequence[ast.expr], whole: ast.stmt
) -> Step | None:
    """Read `a, b = gather(first, second)`; steps and branches get the names."""
    assert isinstance(node, ast.Call)
    if node.keywords:
        message = "gather takes no options"
        help_ = "write parallel(name=...) to name the branches"
        ctx.report("WF193", ctx.places.span(node.keywords[0]), message, help=help_)
    if targets and len(targets) != len(node.args):
        message = "gather has " + counted(len(node.args), "result")
        message += f", found {counted(len(targets), 'name')}"
        ctx.report("WF193", ctx.span(node), message)
        return None
    found = []
    for index, arg in enumerate(node.args):
        name = _target(ctx, targets[index]) if targets else None
        if targets and name is None:
            continue
        steps = steps_of(ctx, arg, None if name and name.text == "_" else name)
        branch = _branch_name(ctx, arg, name, index)
        if steps is not None and branch is not None:
            found.append(Branch(branch, steps))
    head = Head(None, None, ctx.span(node.func), ctx.span(whole))
    complete = found and len(found) == len(node.args)
    return made(ctx, "parallel", head, tuple(found)) if complete else None


def _target(ctx: Context, target: ast.expr) -> Name | None:
    if isinstance(target, ast.Name):
        return name_of(ctx, target.id, ctx.span(target))
    message = "a result of gather is bound to a name"
    ctx.report("WF176", ctx.span(target), message)
    return None


def _branch_name(
    ctx: Context, arg: ast.expr, name: Name | None, index: int
) -> Name | None:
    if name is not None and name.text != "_":
        return name
    if isinstance(arg, ast.Name):
        return name_of(ctx, arg.id, ctx.span(arg))
    return Name(f"branch_{index + 1}", ctx.span(arg))


def read_undo(ctx: Context, operand: Operand) -> tuple[Step, ...] | None:
    """Read the value of `undo`."""
    if isinstance(operand, ast.expr):
        return steps_of(ctx, operand, None, "undo")
    message = "expected a function or a lambda"
    ctx.report("WF194", operand.span, message, help="write undo=lambda: sql(...)")
    return None


def steps_of(
    ctx: Context, node: ast.expr, result: Name | None, what: str = "a branch"
) -> tuple[Step, ...] | None:
    """Read a function or a lambda; its result is bound to a name, if there is one."""
    with ctx.apart(undoing=what == "undo"):
        return _steps_of(ctx, node, result, what)


def _steps_of(
    ctx: Context, node: ast.expr, result: Name | None, what: str
) -> tuple[Step, ...] | None:
    if isinstance(node, ast.Lambda):
        return _of_lambda(ctx, node, result)
    if isinstance(node, ast.Name) and node.id in ctx.blocks:
        return _of_function(ctx, node, result)
    span = ctx.span(node)
    called = others.called_workflow(ctx, node)
    if called is not None:
        head = Head(result, None, span, span)
        return (CallStep(head, Name(called.name, span)),)
    if calls.step_kind(ctx, node) and isinstance(node, ast.Call):
        message = f"{what} is a function, this is a step that would run at once"
        help_ = f'write "lambda: {ctx.shown(node.func)}(...)"'
        ctx.report("WF194", span, message, help=help_)
    else:
        message = f"{what} is a lambda, or a function inside of this one"
        ctx.report("WF194", span, message, help="write lambda: sql(...)")
    return None


def _of_lambda(
    ctx: Context, node: ast.Lambda, result: Name | None
) -> tuple[Step, ...] | None:
    args = node.args
    if args.args or args.vararg or args.kwarg or args.kwonlyargs or args.posonlyargs:
        message = "a branch has no parameters"
        ctx.report("WF191", ctx.span(node), message, help="write lambda: sql(...)")
        return None
    if not calls.step_kind(ctx, node.body):
        message = "the lambda of a branch is a step"
        help_ = "for several steps, write a function, or with branch(...):"
        ctx.report("WF194", ctx.span(node.body), message, help=help_)
        return None
    step = calls.read_step(ctx, node.body, result, ctx.span(node.body))
    return (step,) if step is not None else None


def _of_function(
    ctx: Context, node: ast.Name, result: Name | None
) -> tuple[Step, ...] | None:
    function = ctx.blocks[node.id]
    ctx.used.add(node.id)
    if node.id in ctx.reading:
        message = f'"{node.id}" would run itself without end'
        ctx.report("WF194", ctx.span(node), message, help="write a while loop")
        return None
    ctx.reading.append(node.id)
    try:
        return _body(ctx, function, node, result)
    finally:
        ctx.reading.pop()


def _body(
    ctx: Context, function: ast.FunctionDef, use: ast.Name, result: Name | None
) -> tuple[Step, ...] | None:
    body, last = list(function.body), function.body[-1]
    final: tuple[Step, ...] = ()
    if isinstance(last, ast.Return) and calls.step_kind(ctx, last.value or use):
        assert last.value is not None
        body.pop()
        step = calls.read_step(ctx, last.value, result, ctx.span(last))
        final = (step,) if step is not None else ()
    elif isinstance(last, ast.Return) and last.value is None:
        body.pop()
    elif result is not None:
        message = (
            f'"{function.name}" does not end with the step that "{result.text}" is'
        )
        help_ = "write its last line as return sql(...)"
        ctx.report("WF194", ctx.span(use), message, help=help_)
        return None
    before = len(ctx.found)
    steps = statements.read_statements(ctx, body) if body else ()
    if not steps and not final:
        if len(ctx.found) > before:
            return None
        ctx.report("WF118", _name_span(ctx, function), "the branch has no steps")
        return None
    return (*steps, *final)
