"""`parallel` and `race`, and what a loop says about its rounds.

    with parallel():                    reserved, mail = gather(
        with branch("reserve"):             lambda: sql("..."),
            ...                             lambda: http.post("..."),
        with branch("notify"):          )
            ...

A block of Python opens no scope, so names that a branch binds are read after it as
they are in YAML, and `return`, `break` and `continue` mean what they say. Functions
and lambdas are for short branches; inside of them a name is their own, and `return`
would be theirs.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from perdure.authoring.workflow import Workflow
from perdure.frontend.python import calls, statements, texts, values
from perdure.frontend.python.constants import constant
from perdure.frontend.python.context import Context, name_of
from perdure.frontend.yaml.language import KINDS
from perdure.source import Span
from perdure.syntax.expr import Name
from perdure.syntax.tree import Branch, Duration, Head, ParallelStep, RaceStep, Step

_MAKERS: Mapping[str, type[ParallelStep | RaceStep]] = {
    "parallel": ParallelStep,
    "race": RaceStep,
}
_PLACES = {
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


def pace(ctx: Context, node: ast.Call) -> Duration | None:
    """Read `every("5m")`."""
    args = calls.positional(ctx, node, 'every("5m")', 1)
    key = next(key for key in KINDS["loop"].keys if key.name == "every")
    return values.read_duration(ctx, args[0], key) if args else None


# --- blocks ---------------------------------------------------------------------


def block(ctx: Context, node: ast.With) -> Step | None:
    """Read `with parallel():` and `with race() as outcome:`."""
    item = node.items[0]
    kind = calls.block_kind(ctx, item.context_expr)
    if kind is None or kind not in _MAKERS or len(node.items) > 1:
        _other_block(ctx, node, kind)
        return None
    call_ = item.context_expr
    assert isinstance(call_, ast.Call)
    given = [each for each in call_.keywords if each.arg != "description"]
    if call_.args or given:
        message = f'"{kind}" has its branches in the block or as arguments, not both'
        ctx.report("WF193", ctx.span(call_), message, help=f"write with {kind}():")
    name = _result(ctx, item.optional_vars, kind)
    found = [_branch(ctx, each) for each in node.body]
    read = tuple(each for each in found if each is not None)
    head = Head(name, _description(ctx, call_), ctx.span(call_.func), ctx.span(node))
    return _made(ctx, kind, head, read)


def _other_block(ctx: Context, node: ast.With, kind: str | None) -> None:
    if kind == "branch":
        misplaced(ctx, node.items[0].context_expr, kind)
        return
    what = ctx.shown(node.items[0].context_expr)
    if kind in _MAKERS:
        message = "a block has one with"
        ctx.report("WF172", ctx.places.head(node), message, help="nest the blocks")
        return
    message = f'"with {what}" is no part of a workflow: no Python process runs it'
    help_ = "with is for parallel(), race() and branch(...)"
    ctx.report("WF172", ctx.places.head(node), message, help=help_)


def _result(ctx: Context, target: ast.expr | None, kind: str) -> Name | None:
    if target is None:
        return None
    if kind == "parallel":
        message = "parallel has no result"
        ctx.report("WF176", ctx.span(target), message, help='leave out "as"')
        return None
    if isinstance(target, ast.Name):
        return name_of(ctx, target.id, ctx.span(target))
    ctx.report("WF176", ctx.span(target), "the result of race is bound to one name")
    return None


def _branch(ctx: Context, node: ast.stmt) -> Branch | None:
    """Read `with branch("name"):`."""
    if isinstance(node, ast.FunctionDef):
        define(ctx, node)
        return None
    item = node.items[0] if isinstance(node, ast.With) else None
    kind = calls.block_kind(ctx, item.context_expr) if item else None
    if not isinstance(node, ast.With) or kind != "branch" or item is None:
        message = "every step of this block belongs to a branch"
        help_ = 'write with branch("name"): around it'
        ctx.report("WF194", ctx.places.head(node), message, help=help_)
        return None
    assert isinstance(item.context_expr, ast.Call)
    if item.optional_vars is not None or len(node.items) > 1:
        message = "a branch has no result"
        ctx.report("WF176", ctx.places.head(node), message, help='leave out "as"')
    args = calls.positional(ctx, item.context_expr, 'branch("name")', 1)
    text = texts.constant_text(ctx, args[0], "the name of the branch") if args else None
    name = name_of(ctx, text.value, text.span()) if text is not None else None
    steps = statements.read_body(ctx, node.body, "the branch", ctx.places.head(node))
    return Branch(name, steps) if name is not None else None


def _description(ctx: Context, node: ast.Call) -> str | None:
    for keyword in node.keywords:
        if keyword.arg == "description" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None


def _made(
    ctx: Context, kind: str, head: Head, found: tuple[Branch, ...]
) -> Step | None:
    names: dict[str, Name] = {}
    for each in found:
        if each.name.text in names:
            message = f'branch "{each.name.text}" is there twice'
            ctx.report("WF112", each.name.span, message)
        names[each.name.text] = each.name
    return _MAKERS[kind](head, found) if found and len(names) == len(found) else None


# --- functions and lambdas ------------------------------------------------------


def define(ctx: Context, node: ast.FunctionDef) -> None:
    """Remember a function that is nested in the workflow, for its use as a branch."""
    span = _name_span(ctx, node)
    if node.decorator_list:
        message = "a branch has no decorators"
        ctx.report("WF190", ctx.span(node.decorator_list[0]), message)
    args = node.args
    if args.args or args.posonlyargs or args.kwonlyargs or args.vararg or args.kwarg:
        message = f'branch "{node.name}" has parameters'
        help_ = "leave them out: a branch reads the names of the workflow"
        ctx.report("WF191", span, message, help=help_)
    ctx.blocks[node.name] = node


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
    description = _description(ctx, node)
    for keyword in node.keywords:
        if keyword.arg == "description" and description is not None:
            continue
        span = ctx.places.span(keyword)
        word = Span(span.path, span.start, span.start + len(keyword.arg or "**"))
        branch = name_of(ctx, keyword.arg or "**", word)
        steps = _steps(ctx, keyword.value, None)
        if branch is not None and steps is not None:
            found.append(Branch(branch, steps))
    if not node.keywords and not node.args:
        ctx.report("WF118", ctx.span(node), f'"{kind}" has no branches')
    complete = len(found) == len(node.keywords) - (description is not None)
    head = Head(name, description, ctx.span(node.func), whole)
    return _made(ctx, kind, head, tuple(found)) if complete else None


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
        message = f"gather has {len(node.args)} results, found {len(targets)} names"
        ctx.report("WF193", ctx.span(node), message)
        return None
    found = []
    for index, arg in enumerate(node.args):
        name = _target(ctx, targets[index]) if targets else None
        if targets and name is None:
            continue
        steps = _steps(ctx, arg, None if name and name.text == "_" else name)
        branch = _branch_name(ctx, arg, name, index)
        if steps is not None and branch is not None:
            found.append(Branch(branch, steps))
    head = Head(None, None, ctx.span(node.func), ctx.span(whole))
    complete = found and len(found) == len(node.args)
    return _made(ctx, "parallel", head, tuple(found)) if complete else None


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


def _steps(
    ctx: Context, node: ast.expr, result: Name | None
) -> tuple[Step, ...] | None:
    """Read a function or a lambda; its result is bound to a name, if there is one."""
    if isinstance(node, ast.Lambda):
        return _of_lambda(ctx, node, result)
    if isinstance(node, ast.Name) and node.id in ctx.blocks:
        return _of_function(ctx, node, result)
    span = ctx.span(node)
    if calls.step_kind(ctx, node) and isinstance(node, ast.Call):
        message = "a branch is a function, this is a step that would run at once"
        help_ = f'write "lambda: {ctx.shown(node.func)}(...)"'
        ctx.report("WF194", span, message, help=help_)
    elif isinstance(constant(ctx, node), Workflow):
        message = "calling another workflow is not supported yet by this version"
        ctx.report("WF114", span, message)
    else:
        message = "expected a branch: a lambda, or a function inside of this one"
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
    steps = statements.read_statements(ctx, body) if body else ()
    if not steps and not final:
        ctx.report("WF118", _name_span(ctx, function), "the branch has no steps")
        return None
    return (*steps, *final)
