"""Loops: `while`, `for` over the rows of a step, and `for` over constants.

    for o in foreach(orders, max_parallel=10):      for level in ("low", "high"):
        hook = http.post(...)                           sql("... :level ...")
        told = collect(id=o.id, ok=hook.ok)

A loop over rows is the step `foreach`. A loop over constants is written out when it is
compiled, once for each value: `rounds`.

What the rounds of a loop collect is the value of its last line. The rejected way,
`told.append(...)` to a list made before the loop, looks like Python's and is not: the
list could be read in the loop, and filled in two of them.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Sequence
from typing import Any

from perdure.frontend.python import (
    calls,
    expressions,
    refused,
    rounds,
    statements,
    values,
)
from perdure.frontend.python.constants import constant
from perdure.frontend.python.context import Context, name_of, report_missing
from perdure.frontend.yaml.language import KINDS
from perdure.syntax.expr import Name
from perdure.syntax.tree import (
    Duration,
    ForeachStep,
    Head,
    LoopStep,
    Mapping,
    Step,
)

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
    written_out = rounds.written_out(ctx, node)
    if written_out is not None:
        steps: list[Step] = []
        ctx.loops.append(True)
        for each in written_out:
            found = statements.read_statements(ctx, node.body)
            steps += rounds.with_names(each, found)
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
    item = _item(ctx, node.target) if rows is not None else None
    body, name, columns = _collected(ctx, node.body)
    head = calls.head_of(fields, "foreach", name, ctx.places.head(node), ctx.span(node))
    if columns is not None and not body:
        message = "a loop that only collects has no steps"
        help_ = f'write a query: sql("select ... from :{ctx.shown(source)}.* r")'
        ctx.report("WF118", columns.span, message, help=help_)
        return None
    if item is not None:
        ctx.ended.discard(item.text)
    with ctx.apart():
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
    elif isinstance(constant(ctx, source), str):
        message = "a loop over a text would go over its characters"
        help_ = 'for one value write ("one",), for several a tuple of them'
        ctx.report("WF172", span, message, help=help_)
    elif texts := _around_texts(ctx, source):
        return _rows(ctx, texts[0])
    elif report_missing(ctx, source):
        pass
    elif _is_computed(ctx, source):
        message = "what is computed of constants is computed by the module"
        shown = ast.unparse(source)
        help_ = f"write ITEMS = {shown} above the workflow, and loop over ITEMS"
        ctx.report("WF172", span, message, help=help_)
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


def _around_texts(ctx: Context, source: ast.expr) -> list[ast.expr]:
    """Return the texts in `enumerate("ab")` and its like, which are no lists."""
    if not isinstance(source, ast.Call):
        return [source] if isinstance(constant(ctx, source), str) else []
    function = constant(ctx, source.func)
    if not any(function is each for each in (enumerate, zip, reversed)):
        return []
    return [text for each in source.args for text in _around_texts(ctx, each)]


def _is_computed(ctx: Context, source: ast.expr) -> bool:
    """Say whether Python could compute this of nothing but constants of the module."""
    if not isinstance(source, (ast.Call, ast.Subscript, ast.BinOp)):
        return False
    inner = refused.names_read(source)
    names = [ast.Name(each, ast.Load()) for each in inner if ctx.known(each)]
    known = [constant(ctx, each) for each in names]
    steps = any(
        calls.step_kind(ctx, each)
        for each in ast.walk(source)
        if isinstance(each, ast.Call)
    )
    shown = [each for each in ast.walk(source) if isinstance(each, _DISPLAYS)]
    items = bool(shown) or any(isinstance(each, _ITEMS) for each in known)
    return len(known) == len(inner) and items and not steps


_DISPLAYS = (ast.Tuple, ast.List, ast.Dict, ast.Set)
_ITEMS = (list, tuple, dict, set, frozenset, range, enum.EnumMeta)


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


# --- leaving a loop -----------------------------------------------------------


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
