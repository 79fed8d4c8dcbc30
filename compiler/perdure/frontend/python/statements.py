"""Statements to steps."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from perdure.frontend.python import (
    blocks,
    branches,
    calls,
    expressions,
    guards,
    loops,
    refused,
    texts,
    unpacked,
    values,
)
from perdure.frontend.python.constants import constant
from perdure.frontend.python.context import Context, name_of, names_stored
from perdure.source import Span
from perdure.syntax.expr import Expr, Name
from perdure.syntax.tree import (
    Arm,
    AssertStep,
    BreakStep,
    ContinueStep,
    Head,
    IfStep,
    LetStep,
    ReturnStep,
    Step,
)

Binding = tuple[Name, Expr]


def read_body(
    ctx: Context, body: Sequence[ast.stmt], what: str, place: Span
) -> tuple[Step, ...]:
    """Read the statements of a block, which must have steps; `what` names it."""
    before = len(ctx.found)
    steps = read_statements(ctx, body)
    if not steps and len(ctx.found) == before:
        help_ = "put a step into it, or leave it out"
        ctx.report("WF118", place, f"{what} has no steps", help=help_)
    return steps


def read_statements(ctx: Context, body: Sequence[ast.stmt]) -> tuple[Step, ...]:
    """Read statements; those that can't be read are left out.

    Assignments of values in a row are one `let`, up to one that binds a name again;
    `pass` ends the row.
    """
    steps: list[Step] = []
    row: list[tuple[Binding, Span]] = []
    for node in body:
        bindings = _bindings(ctx, node)
        if bindings is None:
            _flush(steps, row)
            steps += _read(ctx, node)
            continue
        bound = {name.text for (name, _), _ in row}
        if any(name.text in bound for name, _ in bindings):
            _flush(steps, row)
        row += [(each, ctx.span(node)) for each in bindings]
    _flush(steps, row)
    return tuple(steps)


def _flush(steps: list[Step], row: list[tuple[Binding, Span]]) -> None:
    """Add the assignments of a row as one step."""
    if row:
        first, whole = row[0][0][0].span, row[0][1].to(row[-1][1])
        head = Head(None, None, first, whole)
        steps.append(LetStep(head, tuple(each for each, _ in row)))
        row.clear()


# --- assignments ----------------------------------------------------------------


def _bindings(ctx: Context, node: ast.stmt) -> list[Binding] | None:
    """Return what a statement assigns values to, or None if it does something else."""
    match node:
        case ast.Assign(targets=[ast.Name() as target], value=value):
            if _does_something(ctx, value):
                return None
            return _bind(ctx, [(target, value)])
        case ast.Assign(
            targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=items)
        ) if len(targets) == len(items):
            return _several(ctx, targets, items)
        case ast.AugAssign(target=ast.Name() as target, op=op, value=value):
            left = ast.copy_location(ast.Name(target.id, ast.Load()), target)
            sum_ = ast.copy_location(ast.BinOp(left, op, value), node)
            return _bind(ctx, [(target, sum_)])
    return None


def _does_something(ctx: Context, value: ast.expr) -> bool:
    return bool(calls.step_kind(ctx, value) or calls.block_kind(ctx, value))


def _several(
    ctx: Context, targets: Sequence[ast.expr], items: Sequence[ast.expr]
) -> list[Binding] | None:
    names = [each for each in targets if isinstance(each, ast.Name)]
    if len(names) < len(targets):
        return None
    bound = {each.id for each in names}
    for item in items:
        for each in ast.walk(item):
            if isinstance(each, ast.Name) and each.id in bound:
                message = f'"{each.id}" is read and bound by the same statement'
                help_ = _ONE_AT_A_TIME
                ctx.report("WF176", ctx.span(each), message, help=help_)
                ctx.unread.update(bound)
                return []
    return _bind(ctx, list(zip(names, items, strict=True)))


def _bind(ctx: Context, pairs: Iterable[tuple[ast.Name, ast.expr]]) -> list[Binding]:
    bindings = []
    for target, value in pairs:
        name = name_of(ctx, target.id, ctx.span(target))
        read = expressions.expression(ctx, value)
        if name is not None and read is not None:
            bindings.append((name, read))
        else:
            ctx.unread.add(target.id)
    return bindings


def _assign(ctx: Context, node: ast.Assign) -> list[Step]:
    """Read the assignment of a step's result."""
    if len(node.targets) > 1:
        message = "a statement binds one name"
        ctx.report("WF176", ctx.span(node.targets[1]), message, help="write two lines")
    elif isinstance(node.targets[0], ast.Name):
        step = _named_step(ctx, node.targets[0], node.value, ctx.span(node))
        if step is not None:
            return [step]
    elif isinstance(node.targets[0], (ast.Tuple, ast.List)):
        if _report_parts(ctx, node.targets[0], node.value):
            pass
        elif calls.block_kind(ctx, node.value) == "gather":
            step = branches.gather(ctx, node.value, node.targets[0].elts, node)
            if step is not None:
                return [step]
        else:
            place = ctx.span(node.targets[0])
            steps = unpacked.read_unpacked(ctx, node.targets[0].elts, place, node)
            if steps:
                return steps
    else:
        _no_target(ctx, node.targets[0])
    ctx.unread.update(names_stored(node.targets))
    return []


def _report_parts(ctx: Context, target: ast.Tuple | ast.List, value: ast.expr) -> bool:
    """Report what takes a list apart, or a constant; say if it does."""
    starred = [each for each in target.elts if isinstance(each, ast.Starred)]
    if starred:
        shown = ctx.shown(starred[0])
        message = f'"{shown}" would be a list, and a workflow has no Python objects'
        help_ = "assign one name at a time; rows are read by for, or in an sql step"
        ctx.report("WF176", ctx.span(starred[0]), message, help=help_)
    elif isinstance(value, ast.Tuple | ast.List):
        message = "each name on the left takes one value on the right"
        ctx.report("WF176", ctx.span(target), message, help=_ONE_AT_A_TIME)
    elif isinstance(constant(ctx, value), (tuple, list, dict, str)):
        message = "a constant can't be unpacked in a workflow"
        shown = ", ".join(ctx.shown(each) for each in target.elts)
        help_ = f"write it in the module: {shown} = {ctx.shown(value)}"
        ctx.report("WF176", ctx.span(target), message, help=help_)
    else:
        return False
    return True


_ONE_AT_A_TIME = "assign one name at a time"


def _named_step(
    ctx: Context, target: ast.Name, value: ast.expr, whole: Span
) -> Step | None:
    name = name_of(ctx, target.id, ctx.span(target))
    block = calls.block_kind(ctx, value)
    if block is None:
        step = calls.read_step(ctx, value, name, whole)
        return step if name is not None else None
    if block == "race":
        return branches.call(ctx, value, "race", name, whole)
    if block == "gather":
        message = "gather gives a result for each of its steps"
        ctx.report("WF176", ctx.span(target), message, help="write a, b = gather(...)")
    elif block == "parallel":
        message = "parallel has no result"
        help_ = "write a, b = gather(...), or name the steps in a with block"
        ctx.report("WF176", ctx.span(target), message, help=help_)
    else:
        branches.misplaced(ctx, value, block)
    return None


def _no_target(ctx: Context, target: ast.expr) -> None:
    what = "an attribute" if isinstance(target, ast.Attribute) else "an element"
    message = f"{what} can't be assigned: the result of a step does not change"
    help_ = "assign the new value to a name"
    ctx.report("WF176", ctx.span(target), message, help=help_)


# --- one statement --------------------------------------------------------------


def _read(ctx: Context, node: ast.stmt) -> list[Step]:
    """Read a statement that is no assignment of values."""
    match node:
        case ast.Assign():
            return _assign(ctx, node)
        case ast.Expr():
            return _alone(ctx, node)
        case ast.Pass():
            return []
        case ast.FunctionDef():
            branches.define(ctx, node)
            return []
        case ast.For():
            found = loops.read_for(ctx, node)
            if found is None:
                _leave_out(ctx, node)
            return found or []
        case ast.AnnAssign() | ast.AugAssign():
            _refuse_assignment(ctx, node)
            return []
    step = _step(ctx, node)
    if step is None:
        _leave_out(ctx, node)
    return [step] if step is not None else []


def _leave_out(ctx: Context, node: ast.stmt) -> None:
    """Remember what a statement would have done that could not be read."""
    ctx.unread.update(names_stored([node]))
    ends = (ast.Return, ast.Raise)
    ctx.unended |= any(isinstance(each, ends) for each in ast.walk(node))


def _step(ctx: Context, node: ast.stmt) -> Step | None:
    head = Head(None, None, ctx.places.head(node), ctx.span(node))
    match node:
        case ast.If():
            return _if(ctx, node, head)
        case ast.While():
            return loops.read_while(ctx, node, head)
        case ast.With():
            return blocks.block(ctx, node)
        case ast.Try():
            return guards.read_try(ctx, node, head)
        case ast.Match():
            return guards.read_match(ctx, node, head)
        case ast.Break() | ast.Continue():
            if loops.report_jump(ctx, node):
                return None
            return (BreakStep if isinstance(node, ast.Break) else ContinueStep)(head)
        case ast.Return():
            return _return(ctx, node, head)
        case ast.Raise():
            return guards.read_raise(ctx, node, head)
        case ast.Assert():
            return _assert(ctx, node, head)
    refused.refuse_statement(ctx, node)
    return None


def _refuse_assignment(ctx: Context, node: ast.AnnAssign | ast.AugAssign) -> None:
    ctx.unread.update(names_stored([node]))
    if isinstance(node, ast.AugAssign) or not isinstance(node.target, ast.Name):
        _no_target(ctx, node.target)
        return
    message = "an annotation can't say the type of a result: PostgreSQL does"
    help_ = "leave it out; to convert a value, write cast(value, type)"
    ctx.report("WF176", ctx.span(node.annotation), message, help=help_)


def _alone(ctx: Context, node: ast.Expr) -> list[Step]:
    """Read a call whose result nobody names."""
    value = node.value
    if isinstance(value, ast.Constant) and (
        isinstance(value.value, str) or value.value is ...
    ):
        return []
    if isinstance(value, ast.Await):
        refused.refuse_expression(ctx, value)
        return []
    if not isinstance(value, ast.Call):
        if not isinstance(value, (ast.Yield, ast.YieldFrom, ast.NamedExpr)):
            message = "this statement does nothing"
            ctx.report("WF172", ctx.span(value), message, help="assign it to a name")
        else:
            refused.refuse_expression(ctx, value)
        return []
    step: Step | None
    block = calls.block_kind(ctx, value)
    if block in ("parallel", "race"):
        step = branches.call(ctx, value, block, None, ctx.span(node))
    elif block == "gather":
        step = branches.gather(ctx, value, (), node)
    elif block:
        branches.misplaced(ctx, value, block)
        step = None
    else:
        step = calls.read_step(ctx, value, None, ctx.span(node))
    return [step] if step is not None else []


def _if(ctx: Context, node: ast.If, head: Head) -> Step | None:
    arms: list[Arm] = []
    complete = True
    rest: ast.If = node
    while True:
        condition = expressions.expression(ctx, rest.test)
        steps = read_body(ctx, rest.body, "this block", ctx.places.head(rest.body[0]))
        complete = complete and condition is not None
        if condition is not None:
            arms.append(Arm(condition, steps))
        nested = rest.orelse[0] if len(rest.orelse) == 1 else None
        if not isinstance(nested, ast.If) or not _is_elif(ctx, nested):
            break
        rest = nested
    otherwise = read_statements(ctx, rest.orelse) or None
    return IfStep(head, tuple(arms), otherwise) if complete else None


def _is_elif(ctx: Context, node: ast.If) -> bool:
    return ctx.places.text.startswith("elif", ctx.span(node).start)


def _return(ctx: Context, node: ast.Return, head: Head) -> Step | None:
    if ctx.reading:
        message = '"return" in a branch would end the branch, not the workflow'
        help_ = "write the branches as blocks, with parallel(): and with branch(...):"
        ctx.report("WF194", head.span, message, help=help_)
        return None
    if node.value is None:
        return ReturnStep(head, None)
    if isinstance(node.value, ast.Call) and _does_something(ctx, node.value):
        calls.value_call(ctx, node.value)
        return None
    value = values.value_of(ctx, node.value)
    return ReturnStep(head, value) if value is not None else None


def _assert(ctx: Context, node: ast.Assert, head: Head) -> Step | None:
    if isinstance(node.test, ast.Tuple):
        found = "the condition of assert is a tuple, which is always true"
        help_ = 'write it without parentheses: assert condition, "message"'
        ctx.report("WF172", ctx.span(node.test), found, help=help_)
        return None
    condition = expressions.expression(ctx, node.test)
    message = texts.template(ctx, node.msg) if node.msg is not None else None
    if condition is None or (node.msg is not None and message is None):
        return None
    return AssertStep(head, condition, message)
