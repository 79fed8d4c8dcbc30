"""What Python has and a workflow has not: why, and what to write instead.

The source of a workflow is compiled to SQL steps, and between two steps there is no
process that could hold Python objects. What only such a process can do is refused
where it stands.
"""

from __future__ import annotations

import ast
import builtins
import datetime
import enum
import re
import types
from collections.abc import Sequence
from typing import Any

import perdure.authoring as authoring
from perdure.authoring.workflow import Workflow
from perdure.frontend.python import formats, meant
from perdure.frontend.python.constants import UNKNOWN, constant
from perdure.frontend.python.context import Context, nearest, report_missing
from perdure.frontend.python.habits import (
    CALLS,
    EXPRESSIONS,
    METHODS,
    NO_PROCESS,
    PARTS,
    STATEMENTS,
)
from perdure.frontend.yaml.language import KINDS
from perdure.source import Span

_VALUES = (str, bytes, int, float, list, tuple, dict, set, frozenset)


def refuse_statement(ctx: Context, node: ast.stmt) -> None:
    """Report a statement that no workflow can have."""
    span = ctx.places.head(node)
    what, why, instead = STATEMENTS.get(
        type(node), (f'"{ctx.places.text[span.start : span.end]}"', NO_PROCESS, None)
    )
    ctx.report("WF172", span, f"{what} is no part of a workflow: {why}", help=instead)


def refuse_expression(ctx: Context, node: ast.expr) -> None:
    """Report an expression that PostgreSQL has not."""
    span, kind = ctx.span(node), type(node)
    operands: dict[str, str] = {}
    if isinstance(node, ast.List) and not node.elts:
        message = "a list that grows can't be here: a workflow has no Python objects"
        help_ = (
            "in a loop over rows, told = collect(id=...) as its last line gives rows"
        )
        ctx.report("WF173", span, message, help=help_)
        return
    match node:
        case ast.BinOp(left=left, right=right):
            kind = type(node.op)  # type: ignore[assignment]  # a class of operators
            what = EXPRESSIONS[kind][0]
            operands = {"a": ctx.shown(left), "b": ctx.shown(right)}
            after, before = ctx.span(left).end, ctx.span(right).start
            span = ctx.places.find(what.strip('"'), after, before)
        case ast.UnaryOp():
            kind = type(node.op)  # type: ignore[assignment]  # a class of operators
            span = Span(span.path, span.start, span.start + 1)
        case ast.Await() | ast.Yield() | ast.YieldFrom() | ast.Lambda():
            word = {ast.Await: "await", ast.Lambda: "lambda"}.get(type(node), "yield")
            span = ctx.places.find(word, span.start, span.end)
    what, why, instead = EXPRESSIONS.get(
        kind, ("this", "it is not part of expressions", None)
    )
    if instead and operands and what in ('"**"', '"//"'):
        instead = re.sub(r"\b[ab]\b(?=[,)])", lambda x: operands[x[0]], instead)
    ctx.report("WF173", span, f"{what} can't be here: {why}", help=instead)


def refuse_call(ctx: Context, node: ast.Call) -> None:
    """Report the call of what is no step and no function of PostgreSQL."""
    function = node.func
    written = ast.unparse(function)
    span = ctx.span(function)
    owner = constant(ctx, function.value) if isinstance(function, ast.Attribute) else 0
    if isinstance(owner, Workflow) and isinstance(function, ast.Attribute):
        _refuse_application(ctx, function)
        return
    if isinstance(function, ast.Attribute) and not _is_of_module(ctx, function):
        _refuse_method(ctx, function, node.args)
        return
    if isinstance(function, ast.Name) and not ctx.known(function.id):
        _unknown_function(ctx, function)
        return
    if step := meant.instead_of_step(ctx, node):
        ctx.report("WF174", span, f'"{written}" is no step', help=step)
        return
    instead = meant.instead_of_function(ctx, node) or _instead_of_call(written)
    if instead and node.args:
        instead = with_value(instead, ctx.shown(node.args[0]))
    ctx.report(
        "WF174",
        span,
        f'"{written}" is a Python function: {NO_PROCESS}',
        help=_in_module(ctx, node)
        or _of_parts(ctx, node)
        or instead
        or "call it when the module is imported and use the constant, or do it in SQL",
    )


def with_value(help_: str, shown: str) -> str:
    """Return a help with what is meant in the place of `value` or `text`."""
    if shown.endswith("..."):
        return help_
    return re.sub(r"(?<=\()(value|text|array)(?=[,)])", lambda _: shown, help_)


def _of_parts(ctx: Context, node: ast.Call) -> str | None:
    """Return how a time is made of values that the run knows."""
    made = constant(ctx, node.func)
    args = [ctx.shown(each) for each in node.args]
    if made is datetime.timedelta:
        names = [*zip(_UNITS, args, strict=False)]
        names += [(each.arg or "", ctx.shown(each.value)) for each in node.keywords]
        parts = [formats.interval_of(unit[:-1], shown) for unit, shown in names]
        return f"write {' + '.join(parts)}"
    if made is datetime.date and len(args) == 3:
        whole = (x if x.isdigit() else f'cast({x}, "integer")' for x in args)
        return f"write func.make_date({', '.join(whole)})"
    if made is datetime.datetime:
        text = "".join(
            f"{before}{each if each.isdigit() else f'{{{each}}}'}"
            for before, each in zip(("", "-", "-", " ", ":", ":"), args, strict=False)
        )
        return f'write cast(f"{text}", "timestamptz")' if len(args) > 2 else None
    return None


_UNITS = (
    "days",
    "seconds",
    "microseconds",
    "milliseconds",
    "minutes",
    "hours",
    "weeks",
)

_PURE = frozenset(
    {"abs", "all", "any", "bool", "float", "int", "len", "list", "max", "min"}
    | {"round", "set", "sorted", "str", "sum", "tuple"}
)
"""Functions of Python that make a constant of constants."""


def _in_module(ctx: Context, node: ast.Call) -> str | None:
    """Return where a call belongs that reads nothing but constants of the module."""
    if not isinstance(node.func, ast.Name) or node.func.id not in _PURE:
        return None
    given = [*node.args, *(each.value for each in node.keywords)]
    fixed = [not names_read(each) for each in given]
    read = [reads_constants(ctx, each) for each in given]
    known = all(a or b for a, b in zip(fixed, read, strict=True))
    displays = [each for each in given if isinstance(each, ast.Tuple | ast.List)]
    if not known or not (any(read) or displays):
        return None
    if any(each in ctx.rounds for each in names_read(node)):
        written = ctx.shown(node.args[0]) if node.args else ""
        return f'write f"{{{written}}}"' if node.func.id == "str" else _IN_ITEMS
    return f"write NAME = {ctx.shown(node)} in the module, and NAME here"


_IN_ITEMS = "compute it in the module, as another item of what the loop goes over"


def names_read(node: ast.expr) -> set[str]:
    """Return the names that an expression reads from outside of it."""
    found = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    for each in ast.walk(node):
        if isinstance(each, ast.Lambda):
            found -= {arg.arg for arg in each.args.args}
        elif isinstance(each, ast.comprehension):
            targets = ast.walk(each.target)
            found -= {name.id for name in targets if isinstance(name, ast.Name)}
    return found


def reads_constants(ctx: Context, node: ast.expr) -> bool:
    """Say whether an expression reads the module, and nothing of the workflow."""
    read = names_read(node)
    known = [ast.Name(each, ast.Load()) for each in read if ctx.known(each)]
    values = [each for each in known if not callable(constant(ctx, each))]
    return bool(values) and len(known) == len(read)


def _refuse_application(ctx: Context, function: ast.Attribute) -> None:
    """Report `ship.start(...)`, which an application would call."""
    name = ast.unparse(function.value)
    message = f'"{name}.{function.attr}" is for applications: {NO_PROCESS}'
    help_ = f"write {name}(...) to run it as a step, or start({name}(...))"
    ctx.report("WF174", ctx.span(function), message, help=help_)


def is_of_python(ctx: Context, node: ast.Call) -> bool:
    """Say whether a call is of a function or a method of Python's own."""
    function = node.func
    if _instead_of_call(ast.unparse(function)) is not None:
        return True
    if not isinstance(function, ast.Attribute) or function.attr not in METHODS:
        return False
    return not _is_of_module(ctx, function)


def instead_of_default(node: ast.expr) -> str | None:
    """Return how the default of an input is computed that is no constant."""
    if not isinstance(node, ast.Call):
        return None
    called = _instead_of_call(ast.unparse(node.func))
    value = re.search(r"now\(\)|func\.\w+\(\)", called or "")
    if value is None:
        return None
    made = f"coalesce(..., {value[0]})"
    return f"write = None, with | None in its type, and {made} in the workflow"


def _instead_of_call(written: str) -> str | None:
    parts = written.split(".")
    tail = ".".join(parts[-2:])
    for each in (written, tail, parts[-1] if len(parts) == 1 else "", parts[0]):
        if each in CALLS:
            return CALLS[each]
    return None


def _is_of_module(ctx: Context, function: ast.Attribute) -> bool:
    """Say whether this is `module.function`, `Class.method` or `logger.info`."""
    owner = constant(ctx, function.value)
    if owner is not UNKNOWN:
        return not isinstance(owner, _VALUES)
    root = function.value
    while isinstance(root, ast.Attribute):
        root = root.value
    if not isinstance(root, ast.Name):
        return False
    other = _instead_of_call(ast.unparse(function))  # of what is not imported
    return ctx.known(root.id) or (other is not None and root.id not in ctx.locals)


def _refuse_method(
    ctx: Context, function: ast.Attribute, args: Sequence[ast.expr]
) -> None:
    end = ctx.span(function).end
    span = Span(ctx.places.source.path, end - len(function.attr), end)
    message = f'"{function.attr}" is a method: values of PostgreSQL have none'
    instead = METHODS.get(function.attr)
    if isinstance(constant(ctx, function.value), dict) and function.attr == "get":
        instead = _LOOKUP
    elif reads_constants(ctx, ast.Tuple([function.value, *args], ast.Load())):
        instead = (
            f"write NAME = {ctx.shown(function)}(...) in the module, and NAME here"
        )
    elif args:
        instead = meant.instead_of_method(ctx, function.attr, args[0]) or instead
    help_ = instead or "call a function of PostgreSQL: func.name(value)"
    help_ = with_value(help_, ctx.shown(function.value))
    ctx.report("WF175", span, message, help=help_)


def _unknown_function(ctx: Context, function: ast.Name) -> None:
    name = function.id
    span = ctx.span(function)
    steps = {*KINDS, "parallel", "race", "gather", "every", "until", "expr", "cast"}
    known = [each for each in ctx.namespace if callable(ctx.namespace[each])]
    similar = nearest(name, [*known, *steps])
    help_ = f"write func.{name}(...) for a function of PostgreSQL"
    if name in ctx.locals and (name in ctx.namespace or hasattr(builtins, name)):
        message = f'"{name}" is a value of this workflow, which hides the function'
        help_ = f'give the value another name, such as "{name}_"'
        ctx.report("WF174", span, message, help=help_)
        return
    if report_missing(ctx, function):
        return
    if name in ctx.blocks:
        message = f'"{name}" is a function of this workflow, which can only be a branch'
        help_ = "write its steps here, or make it a workflow of the module: @workflow"
        ctx.report("WF174", span, message, help=help_)
        ctx.used.add(name)
        return
    if similar:
        help_ = f'did you mean "{similar}"?'
    ctx.report("WF174", span, f'there is no function "{name}"', help=help_)


def refuse_attribute(ctx: Context, node: ast.expr) -> None:
    """Report an attribute of what is neither a name nor a step's result."""
    owner = node.value if isinstance(node, ast.Attribute) else node
    if isinstance(owner, ast.Call):
        message = "a step's result is read by its name"
        help_ = "assign the step to a name first, and read the name's column"
        ctx.report("WF178", ctx.span(owner), message, help=help_)
        return
    if isinstance(owner, ast.Subscript) and isinstance(owner.value, ast.Name):
        message = f'the rows of "{owner.value.id}" have no numbers'
        help_ = f"write for row in {owner.value.id}:, or read one row by an sql step"
        ctx.report("WF173", ctx.span(owner), message, help=help_)
        return
    message, help_ = "only names have columns and members", "assign the value to a name"
    if isinstance(node, ast.Attribute) and node.attr in PARTS:
        part, shown = PARTS[node.attr], ctx.shown(owner)
        help_ = f'of a time write func.extract("{part}", {shown}), which is numeric'
    ctx.report("WF173", ctx.span(node), message, help=help_)


_LOOKUP = "write a match with a case for each key, or keep the values in a table"


def refuse_subscript(ctx: Context, node: ast.Subscript) -> None:
    """Report a subscript that is no member of JSON."""
    help_ = 'a member of JSON is value["name"] or value[0]; for arrays, use SQL'
    message = "a subscript is a constant name or number"
    if isinstance(node.slice, ast.Slice):
        message = "a slice can't be here: an expression is one value"
        help_ = _part_of(ctx, node.value, node.slice)
    ctx.report("WF173", ctx.span(node.slice), message, help=help_)


def _part_of(ctx: Context, text: ast.expr, part: ast.Slice) -> str:
    """Return what is written for a part of a text, and of an array."""
    first = constant(ctx, part.lower) if part.lower else 0
    after = constant(ctx, part.upper) if part.upper else None
    shown, written = ctx.shown(text), "func.substr({}, 1, 3)"
    if type(first) is int and first < 0 and after is None:
        written = f"func.right({{}}, {-first})"
    elif first == 0 and type(after) is int:
        written = f"func.left({{}}, {after})"
    elif type(first) is int and first >= 0 and after is None:
        written = f"func.substr({{}}, {first + 1})"
    elif type(first) is type(after) is int and 0 <= first <= after:
        written = f"func.substr({{}}, {first + 1}, {after - first})"
    array = f'sql("select (:{shown})[1:3] as part", expect="one")'
    return f"of a text write {written.format(shown)}; of an array {array}"


def refuse_container(ctx: Context, node: ast.expr) -> None:
    """Report `x in rows`, and `x in "text"`."""
    message = '"in" needs a tuple or a list of values'
    help_ = "to look among rows, write exists(...) in an sql step"
    text = "func.strpos(text, part) > 0"
    known = constant(ctx, node)
    if isinstance(known, str):
        help_ = f"to look into a text, write {text}"
    elif isinstance(known, dict):
        help_ = f"write NAME = tuple({ctx.shown(node)}) in the module, for its keys"
    elif isinstance(node, ast.Call) and constant(ctx, node.func) is range:
        help_ = "write 0 <= x < 10"
    elif isinstance(node, ast.Call) and reads_constants(ctx, node):
        help_ = f"write NAME = tuple({ctx.shown(node)}) in the module, and in NAME here"
    elif isinstance(node, ast.Name | ast.Attribute):
        array = "func.array_position(array, x) is not None"
        help_ += f"; in a text, {text}; in an array, {array}"
    ctx.report("WF173", ctx.span(node), message, help=help_)


def unreadable_constant(ctx: Context, node: ast.expr) -> None:
    """Report something of the module that is no constant."""
    root: ast.expr = node
    while isinstance(root, (ast.Attribute, ast.Subscript)):
        root = root.value
    shown = ast.unparse(node)
    if isinstance(root, ast.Name) and hasattr(builtins, root.id):
        refused = f'"{shown}" is part of Python, a value was expected'
        ctx.report("WF195", ctx.span(node), refused)
        return
    owner = constant(ctx, node.value) if isinstance(node, ast.Attribute) else None
    looked_up = constant(ctx, node.value) if isinstance(node, ast.Subscript) else None
    if isinstance(looked_up, (dict, list, tuple)) and _of_run(ctx, node):
        what = shown.partition("[")[0]
        message = f'"{what}" is a constant, what of it is read is known by the run only'
        ctx.report("WF195", ctx.span(node), message, help=_LOOKUP)
        return
    help_ = _instead_of_call(shown)
    if owner is authoring.func:
        help_ = f"a function is called: {shown}()"
    kinds = "number, text, enum, date, tuple, list, dict or dataclass"
    ctx.report(
        "WF195",
        ctx.span(node),
        f'"{shown}" is not a constant of the module',
        "it is read when the workflow is compiled",
        help=help_ or f"use a module-level {kinds}",
    )


def _of_run(ctx: Context, node: ast.expr) -> bool:
    """Say whether an expression reads a name that the workflow binds."""
    names = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return any(not ctx.known(each.id) for each in names)


def instead_of(value: Any) -> str | None:
    """Return what to write in place of a value that PostgreSQL can't hold."""
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        return "an expression is one value; a list can stand after in, or in JSON"
    if isinstance(value, enum.EnumType) and len(value):
        return f"name a member: {value.__name__}.{next(iter(value)).name}"
    if isinstance(value, types.FunctionType):
        return "a function can't be a value; call one of PostgreSQL's: func.name(...)"
    return None
