"""Loops: `while`, `for` over the rows of a step, and `for` over constants.

    for o in foreach(orders, max_parallel=10):      for level in ("low", "high"):
        hook = http.post(...)                           sql("... :level ...")
        told = collect(id=o.id, ok=hook.ok)

A loop over rows is the step `foreach`. A loop over constants is written out when it is
compiled, once for each value; where SQL reads the value, it is bound by a `let`.

What the rounds of a loop collect is the value of its last line. The rejected way,
`told.append(...)` to a list made before the loop, looks like Python's and is not: the
list could be read in the loop, and filled in two of them.
"""

from __future__ import annotations

import ast
import enum
from collections import ChainMap
from collections.abc import Iterator, Sequence
from typing import Any

from perdure.frontend.python import calls, expressions, refused, statements, values
from perdure.frontend.python.constants import constant
from perdure.frontend.python.context import Context, Given, name_of
from perdure.frontend.yaml.language import KINDS
from perdure.source import Span
from perdure.syntax.expr import Name
from perdure.syntax.tree import (
    Duration,
    ForeachStep,
    Head,
    LetStep,
    LoopStep,
    Mapping,
    SqlStep,
    Step,
)
from perdure.syntax.walk import below

MAX_ROUNDS = 200
"""How many rounds of a loop over constants are written out."""

_MORE = MAX_ROUNDS + 1
Names = tuple[tuple[str, Any, Span], ...]
"""The names of one round of a loop over constants, their values and places."""

_VIEWS = ("items", "keys", "values")


# --- while ----------------------------------------------------------------------


def read_while(ctx: Context, node: ast.While, head: Head) -> Step | None:
    """Read `while`, with `every` as its first and `until` as its last line."""
    body = list(node.body)
    every = until = None
    _no_else(ctx, node)
    before = len(ctx.found)
    first = _directive(ctx, body[0], "every")
    if first is not None:
        every = _pace(ctx, first)
        body.pop(0)
    last = _directive(ctx, body[-1], "until") if body else None
    if last is not None:
        args = calls.positional(ctx, last, "until(condition)", 1)
        until = expressions.expression(ctx, args[0]) if args else None
        body.pop()
    forever = isinstance(node.test, ast.Constant) and node.test.value in (True, 1)
    condition = None if forever else expressions.expression(ctx, node.test)
    steps = _read_rounds(ctx, body, head)
    wrong = [each for each in ctx.found[before:] if each.severity == "error"]
    if (condition is None and not forever) or (wrong and not steps):
        return None
    return LoopStep(head, steps, condition, until, every)


def _read_rounds(
    ctx: Context, body: Sequence[ast.stmt], head: Head
) -> tuple[Step, ...]:
    ctx.loops.append(False)
    try:
        return statements.read_body(ctx, body, "the loop", head.span)
    finally:
        ctx.loops.pop()


def _no_else(ctx: Context, node: ast.While | ast.For) -> None:
    if node.orelse:
        place = ctx.places.head(node.orelse[0])
        message = '"else" of a loop is no part of a workflow'
        ctx.report("WF172", place, message, help="write the steps after the loop")


def _directive(ctx: Context, node: ast.stmt, name: str) -> ast.Call | None:
    value = node.value if isinstance(node, ast.Expr) else None
    if isinstance(value, ast.Call) and calls.block_kind(ctx, value) == name:
        return value
    return None


def _pace(ctx: Context, node: ast.Call) -> Duration | None:
    """Read `every("5m")`."""
    args = calls.positional(ctx, node, 'every("5m")', 1)
    key = next(key for key in KINDS["loop"].keys if key.name == "every")
    return values.read_duration(ctx, args[0], key) if args else None


# --- for ------------------------------------------------------------------------


def read_for(ctx: Context, node: ast.For) -> list[Step] | None:
    """Read `for`; None when it is neither over rows nor over constants."""
    _no_else(ctx, node)
    rounds = written_out(ctx, node)
    if rounds is not None:
        steps: list[Step] = []
        ctx.loops.append(True)
        for names in rounds:
            steps += with_names(ctx, names, statements.read_statements(ctx, node.body))
        ctx.loops.pop()
        return steps
    step = _over_rows(ctx, node)
    return [step] if step is not None else None


def _over_rows(ctx: Context, node: ast.For) -> Step | None:
    before = len(ctx.found)
    made = node.iter if calls.block_kind(ctx, node.iter) == "foreach" else None
    fields: dict[str, Any] = {}
    source: ast.expr = node.iter
    if isinstance(made, ast.Call):
        given = ast.copy_location(ast.Call(made.func, made.args, []), made)
        args = calls.positional(ctx, given, "foreach(rows)", 1)
        options = calls.options_of("foreach", "do", "collect")
        fields = calls.read_options(ctx, made.keywords, options, "foreach")
        if args is None:
            return None
        source = args[0]
    rows = _rows(ctx, source)
    item = _item(ctx, node.target)
    body, name, columns = _collected(ctx, node.body)
    head = calls.head_of(fields, "foreach", name, ctx.places.head(node), ctx.span(node))
    steps = _read_rounds(ctx, body, head)
    wrong = any(each.severity == "error" for each in ctx.found[before:])
    if rows is None or item is None or (wrong and not steps):
        return None
    return ForeachStep(head, item, rows, steps, fields.get("max_parallel"), columns)


def _rows(ctx: Context, source: ast.expr) -> Name | None:
    if isinstance(source, ast.Name) and not ctx.known(source.id):
        return name_of(ctx, source.id, ctx.span(source))
    span = ctx.span(source)
    if calls.step_kind(ctx, source):
        assert isinstance(source, ast.Call)
        message = f'"{ctx.shown(source.func)}" is a step, and stands inside of "for"'
        help_ = "assign it to a name, and write for row in name:"
        ctx.report("WF178", ctx.span(source.func), message, help=help_)
    elif isinstance(source, ast.Call) and isinstance(constant(ctx, source.func), type):
        refused.refuse_call(ctx, source)
    elif isinstance(source, ast.Attribute) and not _is_of_module(ctx, source):
        message = "a loop goes over the rows of a step, not over a value"
        help_ = 'write items = sql("select x from unnest(:row.column) x")'
        ctx.report("WF172", span, message, help=help_)
    else:
        message = "a loop goes over the rows of a step, or over constants"
        help_ = "write for row in name:, where name is the result of an sql step"
        ctx.report("WF172", span, message, help=help_)
    return None


def _is_of_module(ctx: Context, node: ast.expr) -> bool:
    root = node
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and ctx.known(root.id)


def _item(ctx: Context, target: ast.expr) -> Name | None:
    if isinstance(target, ast.Name):
        return name_of(ctx, target.id, ctx.span(target))
    message = "a row can't be unpacked: its columns are read by name"
    help_ = "write for row in rows:, and row.column"
    ctx.report("WF176", ctx.span(target), message, help=help_)
    return None


def _collected(
    ctx: Context, body: Sequence[ast.stmt]
) -> tuple[Sequence[ast.stmt], Name | None, Mapping | None]:
    """Return the statements of a round, and what its last line collects."""
    last = body[-1]
    made = last.value if isinstance(last, (ast.Assign, ast.Expr)) else None
    if not isinstance(made, ast.Call):
        return body, None, None
    target = last.targets[0] if isinstance(last, ast.Assign) else None
    if calls.block_kind(ctx, made) != "collect":
        return body, None, None
    columns = _columns(ctx, made)
    if target is None:
        return body[:-1], None, columns
    if not isinstance(target, ast.Name):
        message = "what is collected is bound to one name"
        help_ = "write told = collect(...)"
        ctx.report("WF176", ctx.span(target), message, help=help_)
        return body[:-1], None, columns
    return body[:-1], name_of(ctx, target.id, ctx.span(target)), columns


def _columns(ctx: Context, made: ast.Call) -> Mapping | None:
    """Read the columns of `collect(id=o.id)` or `collect({"id": o.id})`."""
    span = ctx.span(made)
    pairs: list[tuple[Name, ast.expr]] = []
    for arg in made.args:
        if not isinstance(arg, ast.Dict) or None in arg.keys or made.keywords:
            message = "collect takes columns by name"
            ctx.report("WF193", ctx.span(arg), message, help="write collect(id=o.id)")
            return None
        read = values.pairs_of(ctx, arg, "a column") or []
        pairs += [(key, each) for key, each in read if isinstance(each, ast.expr)]
    for keyword in made.keywords:
        pairs.append(
            (Name(keyword.arg or "**", calls.word_of(ctx, keyword)), keyword.value)
        )
    if not pairs:
        ctx.report("WF118", span, "expected columns and values, found none")
        return None
    names = [name_of(ctx, key.text, key.span) for key, _ in pairs]
    found = [values.value_of(ctx, each) for _, each in pairs]
    complete = tuple(
        (name, value)
        for name, value in zip(names, found, strict=True)
        if name is not None and value is not None
    )
    return Mapping(complete, span) if len(complete) == len(pairs) else None


# --- for over constants ---------------------------------------------------------


def written_out(ctx: Context, node: ast.For) -> Iterator[Names] | None:
    """Return the rounds of a loop over constants, None for any other loop.

    While a round is read, its names are constants like those of the module.
    """
    items = _items(ctx, node.iter)
    if items is None:
        return None
    if len(items[:_MORE]) > MAX_ROUNDS:
        message = f"the loop has more rounds than the limit, {MAX_ROUNDS}"
        help_ = "put the values into an sql step, and loop over its rows"
        ctx.report("WF172", ctx.span(node.iter), message, help=help_)
        return iter(())
    return _rounds(ctx, node, items)


def _items(ctx: Context, node: ast.expr) -> Sequence[Any] | None:
    """Return what a loop over constants goes over."""
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr=view), args=[], keywords=[]):
            value = constant(ctx, owner)
            if isinstance(value, dict) and view in _VIEWS:
                return list(getattr(value, view)())
            return None
        case ast.Call(func=function, args=args, keywords=[]):
            return _made(ctx, constant(ctx, function), args)
    value = constant(ctx, node)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, (tuple, list, range)):
        return value
    if isinstance(value, dict):
        return list(value)
    if isinstance(value, type) and issubclass(value, enum.Enum):
        return list(value)
    return None


def _made(
    ctx: Context, function: Any, args: Sequence[ast.expr]
) -> Sequence[Any] | None:
    """Return what `range`, `enumerate`, `zip` and `reversed` of constants give."""
    if function is range and 0 < len(args) < 4:
        numbers = [constant(ctx, each) for each in args]
        whole = all(type(each) is int for each in numbers) and 0 not in numbers[2:]
        return range(*numbers) if whole else None
    inner = [_items(ctx, each) for each in args[: 1 if function is enumerate else None]]
    lists = [each for each in inner if each is not None]
    if not lists or len(lists) < len(inner):
        return None
    if function is enumerate:
        first = constant(ctx, args[1]) if len(args) > 1 else 0
        return list(enumerate(lists[0][:_MORE], first)) if type(first) is int else None
    if function is zip:
        return list(zip(*(each[:_MORE] for each in lists), strict=False))
    return lists[0][::-1] if function is reversed else None


def _rounds(ctx: Context, node: ast.For, items: Sequence[Any]) -> Iterator[Names]:
    before = ctx.namespace, ctx.locals, ctx.literals
    targets = _targets(ctx, node)
    ctx.locals = ctx.locals - {name for name, _ in targets}
    ctx.literals = {n: e for n, e in before[2].items() if n not in dict(targets)}
    for item in items if targets else ():
        bound = _unpacked(ctx, node.target, item)
        if bound is None:
            break
        ctx.namespace = ChainMap(dict(bound), dict(before[0]))
        values_of = dict(bound)
        yield tuple((name, values_of[name], span) for name, span in targets)
    ctx.namespace, ctx.locals, ctx.literals = before


def _targets(ctx: Context, node: ast.For) -> list[tuple[str, Span]]:
    """Return the names of a loop over constants, none after a finding."""
    found = [each for each in ast.walk(node.target) if isinstance(each, ast.Name)]
    names = {each.id for each in found}
    for statement in node.body:
        for each in ast.walk(statement):
            stored = isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            if isinstance(each, ast.Name) and stored and each.id in names:
                message = f'"{each.id}" is a constant in this loop'
                help_ = "assign to another name"
                ctx.report("WF176", ctx.span(each), message, help=help_)
                return []
    return [(each.id, ctx.span(each)) for each in found]


def _unpacked(
    ctx: Context, target: ast.expr, item: Any
) -> list[tuple[str, Any]] | None:
    """Return the names that a round binds; report what does not fit."""
    if isinstance(target, ast.Name):
        return [(target.id, item)]
    several = isinstance(item, (tuple, list))
    if isinstance(target, (ast.Tuple, ast.List)) and several:
        pairs = [
            _unpacked(ctx, each, value)
            for each, value in zip(target.elts, item, strict=False)
        ]
        if len(item) == len(target.elts) and None not in pairs:
            return [pair for each in pairs for pair in each or ()]
    message = f'"{ctx.shown(target)}" does not fit {ctx.shown(Given(item, _NOWHERE))}'
    ctx.report("WF176", ctx.span(target), message)
    return None


_NOWHERE = Span("", 0, 0)


def with_names(ctx: Context, names: Names, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Bind those names of a round that its SQL reads."""
    read = {
        ref.parts[0].text
        for step in below(steps)
        if isinstance(step, SqlStep)
        for ref in step.sql.refs
    }
    bindings = []
    for name, value, span in names:
        bound = name_of(ctx, name, span) if name in read else None
        expr = expressions.from_value(ctx, Given(value, span)) if bound else None
        if bound is not None and expr is not None:
            bindings.append((bound, expr))
    if not bindings:
        return steps
    place = bindings[0][0].span
    return (LetStep(Head(None, None, place, place), tuple(bindings)), *steps)


def report_jump(ctx: Context, node: ast.Break | ast.Continue) -> bool:
    """Report `break` and `continue` of a loop that is written out; say if one is."""
    if not ctx.loops or not ctx.loops[-1]:
        return False
    word = ctx.places.head(node)
    shown = "break" if isinstance(node, ast.Break) else "continue"
    message = f'"{shown}" in a loop over constants: its rounds are written out'
    help_ = "put what follows into an if, or loop over the rows of an sql step"
    ctx.report("WF172", word, message, help=help_)
    return True
