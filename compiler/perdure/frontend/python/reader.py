"""Read a Python file: find its workflows, and read each from its source."""

from __future__ import annotations

import ast
import typing
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import perdure.authoring as authoring
from perdure.authoring.workflow import Workflow as Startable
from perdure.diagnostics import Diagnostic
from perdure.frontend.python import (
    calls,
    choices,
    defaults,
    expressions,
    refused,
    statements,
    texts,
    types,
)
from perdure.frontend.python.branches import report_unused
from perdure.frontend.python.comments import read_ignores
from perdure.frontend.python.constants import UNKNOWN, constant
from perdure.frontend.python.context import (
    Context,
    Given,
    Load,
    name_of,
    names_stored,
)
from perdure.frontend.python.declared import read_declared
from perdure.frontend.python.differences import warn_of_surroundings
from perdure.frontend.python.held import plain
from perdure.frontend.python.module import Module, load_module, refused_by_python
from perdure.frontend.python.places import Places, quietly_parsed
from perdure.frontend.yaml.shared import Shared
from perdure.source import Source, Span
from perdure.syntax.expr import Expr, Literal, Name
from perdure.syntax.tree import Ignore, Input, Step, TypeExpr, Workflow

Reading = tuple[Workflow | None, list[Diagnostic]]
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

DEPTH = 200
"""How deep the source of a workflow may nest."""


def read_file(
    source: Source, load: Load, root: Path, shared: Shared | None = None
) -> tuple[list[Reading], tuple[Path, ...]]:
    """Import a file and read its workflows; also return what it imported of `root`.

    `shared` are the definitions of the project. A file that mentions no workflow of
    perdure is not imported: it may be anything.
    """
    if "perdure" not in source.text or "workflow" not in source.text:
        return [], ()
    module, wrong = load_module(source, root)
    if module is None:
        return [(None, wrong)], ()
    return read(source, module, load, shared), module.files


def read(
    source: Source, module: Module, load: Load, shared: Shared | None = None
) -> list[Reading]:
    """Read the workflows of a file, each with its findings.

    `load` reads the file of a `sql_file`, by its path as written; None if there is
    none. A tree has every part that could be read, also when there are findings.
    """
    tree = quietly_parsed(source.text, "exec")
    assert isinstance(tree, ast.Module)
    places = Places(source)
    ignores, malformed = read_ignores(places)
    literals = _literals(tree)
    readings: list[Reading] = []
    bare = Context(places, load, module.namespace, {})
    functions = sorted(_workflows(bare, tree), key=lambda node: node.lineno)
    _report_indirect(bare, tree, functions)
    if bare.found:
        readings.append((None, bare.found))
    for index, node in enumerate(functions):
        ctx = Context(places, load, module.namespace, literals)
        ctx.shared = shared or ctx.shared
        if index == 0:
            ctx.found += malformed
        own = _own_ignores(places, ignores, functions, index)
        with module.installed():
            workflow = _read(ctx, node, own)
        readings.append((workflow, sorted(dict.fromkeys(ctx.found), key=_place)))
    return readings


def _place(found: Diagnostic) -> tuple[str, int, int]:
    span = found.span
    return (span.path, span.start, span.end) if span else ("", 0, 0)


def _literals(tree: ast.Module) -> dict[str, ast.expr]:
    """Return what module-level names are assigned, where it is assigned once."""
    found: dict[str, list[ast.expr]] = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found.setdefault(name, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found.setdefault(name, []).append(value)
    return {name: each[0] for name, each in found.items() if len(each) == 1}


def _workflows(ctx: Context, tree: ast.Module) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function) and _decorator(ctx, node) is not None:
            yield node


def _decorator(ctx: Context, node: Function) -> ast.expr | None:
    for each in node.decorator_list:
        named = each.func if isinstance(each, ast.Call) else each
        if constant(ctx, named) is authoring.workflow:
            return each
    return None


def _report_indirect(
    ctx: Context, tree: ast.Module, functions: Sequence[Function]
) -> None:
    """Report workflows that something else than `@workflow` itself has made."""
    for node in tree.body:
        _report_assigned(ctx, node)
        if not isinstance(node, Function) or node in functions:
            continue
        made = ctx.namespace.get(node.name)
        if node.decorator_list and isinstance(made, Startable):
            span = ctx.places.span(node.decorator_list[0])
            message = "a workflow is known by the decorator that stands above it"
            help_ = "write @workflow, or @workflow(...) with its options"
            ctx.report("WF190", span, message, help=help_)


def _report_assigned(ctx: Context, node: ast.stmt) -> None:
    """Report `x = workflow(function)`, also with options: `workflow(...)(function)`."""
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr):
        return
    made = node.value
    if not isinstance(made, ast.Call) or not made.args:
        return
    inner = made.func.func if isinstance(made.func, ast.Call) else made.func
    if constant(ctx, inner) is authoring.workflow:
        message = "a workflow is known by the decorator that stands above it"
        help_ = "write @workflow above a def"
        ctx.report("WF190", ctx.span(made), message, help=help_)


def _own_ignores(
    places: Places,
    ignores: Sequence[Ignore],
    functions: Sequence[Function],
    index: int,
) -> tuple[Ignore, ...]:
    """Return the ignores of a workflow: from the end of the one before to its own."""
    ends = [places.span(each).end for each in functions]
    start = ends[index - 1] if index else 0
    end = ends[index] if index + 1 < len(functions) else len(places.text) + 1
    after = places.text.find("\n", ends[index]) if index + 1 < len(functions) else end
    before = places.text.find("\n", start) if index else 0
    return tuple(
        each for each in ignores if before <= each.span.start < max(end, after)
    )


# --- one workflow ---------------------------------------------------------------


def _read(ctx: Context, node: Function, ignores: tuple[Ignore, ...]) -> Workflow | None:
    span = ctx.places.find(
        node.name, _after_decorators(ctx, node), len(ctx.places.text)
    )
    if not _is_function(ctx, node, span):
        return None
    assert isinstance(node, ast.FunctionDef)
    if _depth(node) > DEPTH:
        message = f"the workflow nests deeper than {DEPTH} levels"
        ctx.report("WF105", span, message, help="assign parts of it to names")
        return None
    name = _name(ctx, node, span)
    inputs, checks = _inputs(ctx, node)
    returns = _returns(ctx, node)
    ctx.locals |= _bound(node)  # which the signature does not see: date: date is fine
    ctx.once = _bound_by_loops(node)
    kept = {each.arg for each in _parameters(node)} - names_stored(node.body)
    ctx.choices = {name: each for name, each in ctx.choices.items() if name in kept}
    ctx.members = {name: each for name, each in ctx.members.items() if name in kept}
    ctx.payloads |= _payloads(ctx, node)
    ctx.body = node.body
    steps = statements.read_body(ctx, node.body, "the workflow", span)
    report_unused(ctx)
    warn_of_surroundings(ctx, node)
    options = read_declared(ctx, _decorator(ctx, node), ctx.failure)
    refused = refused_by_python(ctx.places.source, node) if not ctx.found else None
    if refused is not None and "loop" not in refused.message:
        ctx.found.append(refused)  # a leap out of no loop is told by its place
    if name is None or not steps:
        return None
    return Workflow(
        name=name,
        description=ast.get_docstring(node),
        inputs=inputs,
        returns=None if ctx.unended else returns,
        steps=(*checks, *steps),
        path=ctx.places.source.path,
        ignores=ignores,
        unread=tuple(sorted(ctx.unread)),
        options=options,
    )


def _after_decorators(ctx: Context, node: Function) -> int:
    return max(ctx.places.span(each).end for each in node.decorator_list)


def _is_function(ctx: Context, node: Function, span: Span) -> bool:
    if isinstance(node, ast.ClassDef):
        message = "a workflow is a function, this is a class"
        ctx.report("WF190", span, message)
        return False
    if isinstance(node, ast.AsyncFunctionDef):
        message = "a workflow is compiled, nothing in it is awaited"
        ctx.report("WF190", span, message, help='write "def" without "async"')
        return False
    if node.col_offset:
        message = "a workflow is a function of the module, not of a class or function"
        ctx.report("WF190", span, message, help="move it to the top level")
        return False
    if len(node.decorator_list) > 1:
        other = next(
            each for each in node.decorator_list if each is not _decorator(ctx, node)
        )
        message = "another decorator would have no effect on a workflow"
        ctx.report("WF190", ctx.places.span(other), message, help="leave it out")
    return True


def _name(ctx: Context, node: ast.FunctionDef, span: Span) -> Name | None:
    decorator = _decorator(ctx, node)
    if isinstance(decorator, ast.Call):
        for keyword in decorator.keywords:
            if keyword.arg == "name":
                text = texts.constant_text(ctx, keyword.value, "a name")
                return name_of(ctx, text.value, text.span()) if text else None
    return name_of(ctx, node.name, span)


def _depth(node: ast.AST) -> int:
    deepest, level = 0, [node]
    while level:
        deepest += 1
        level = [child for each in level for child in ast.iter_child_nodes(each)]
    return deepest


def _bound(node: ast.FunctionDef) -> set[str]:
    """Return the names that a function binds, its parameters included."""
    names = {each.arg for each in _parameters(node)}
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            names.add(each.id)
        elif isinstance(each, ast.ExceptHandler) and each.name is not None:
            names.add(each.name)
        elif isinstance(each, ast.FunctionDef) and each is not node:
            names |= {each.name, *(arg.arg for arg in _parameters(each))}
    return names


def _bound_by_loops(node: ast.FunctionDef) -> frozenset[str]:
    """Return the names that nothing but `for` binds in a function."""
    names = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    stored = [each for each in names if isinstance(each.ctx, ast.Store)]
    loops = (each for each in ast.walk(node) if isinstance(each, ast.For))
    targets = {id(name) for each in loops for name in ast.walk(each.target)}
    bound = {each.id for each in stored if id(each) in targets}
    others = {each.id for each in stored if id(each) not in targets}
    return frozenset(bound - others - {each.arg for each in _parameters(node)})


_TYPED = {"wait_for_signal": ("payload", "data"), "http": ("returns", "json")}
"""Steps that may say what form a member of their result has: by option, which."""


def _payloads(ctx: Context, node: ast.FunctionDef) -> dict[str, str]:
    """Return the member that has a declared form, for each name of such a result."""
    members = {}
    for each in ast.walk(node):
        match each:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                kind = calls.step_kind(ctx, call)
                option, member = _TYPED.get(kind or "", ("", ""))
                if kind == "call":
                    members[name] = ""
                elif option and option in {given.arg for given in call.keywords}:
                    members[name] = member
    return members


# --- the signature --------------------------------------------------------------


def _parameters(node: ast.FunctionDef) -> list[ast.arg]:
    args = node.args
    return [*args.posonlyargs, *args.args, *args.kwonlyargs]


def _inputs(
    ctx: Context, node: ast.FunctionDef
) -> tuple[tuple[Input, ...], tuple[Step, ...]]:
    """Read the inputs, and the steps that check those that take some values only."""
    args = node.args
    for star, extra in (("*", args.vararg), ("**", args.kwarg)):
        if extra is not None:
            span = ctx.places.range(
                ctx.places.span(extra).start, ctx.places.span(extra).end
            )
            message = f'"{star}{extra.arg}": the inputs of a workflow are fixed'
            ctx.report("WF191", span, message, help="write each input by name")
            ctx.unread.add(extra.arg)
    positional = [*args.posonlyargs, *args.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(args.defaults))
    defaults = [*missing, *args.defaults, *args.kw_defaults]
    inputs: list[Input] = []
    checks: list[Step] = []
    for parameter, default in zip(_parameters(node), defaults, strict=True):
        read, values = _input(ctx, parameter, default)
        if read is None:
            ctx.unread.add(parameter.arg)
            continue
        inputs.append(read)
        if values:
            if not read.type.nullable:
                ctx.choices[read.name.text] = values
            ctx.members[read.name.text] = values[0]
            check = choices.check_of(ctx, read.name, values, read.type.nullable)
            checks += [check] if check is not None else []
    return tuple(inputs), tuple(checks)


def _input(
    ctx: Context, parameter: ast.arg, default: ast.expr | None
) -> tuple[Input | None, Sequence[Any]]:
    """Read an input, and the values that it takes; none if any."""
    whole = ctx.places.span(parameter)
    word = Span(whole.path, whole.start, whole.start + len(parameter.arg))
    name = name_of(ctx, parameter.arg, word)
    if parameter.annotation is None:
        message = f'input "{parameter.arg}" has no type'
        help_ = f"write {parameter.arg}: int, or another type"
        ctx.report("WF191", word, message, help=help_)
        return None, ()
    type_, values = types.of_input(ctx, parameter.annotation)
    if name is None or type_ is None:
        return None, ()
    if default is None:
        return Input(name, type_, None), values
    if values:
        choices.check_constant(ctx, parameter.arg, default, values)
    read = _default(ctx, default, type_.name)
    if read is None or _is_of_another_class(ctx, parameter, default):
        return None, ()
    if type_.nullable and isinstance(read, Literal) and read.kind == "null":
        return Input(name, type_, None), values  # as any nullable input has it
    return Input(name, type_, read), values


def _default(ctx: Context, node: ast.expr, type_: str) -> Expr | None:
    value, span = constant(ctx, node), ctx.span(node)
    written = defaults.as_text(value, type_)
    if written is not None:
        given = texts.flatten(ctx, Given(written, span)) or ()
        return Literal("string", written, span) if given else None
    if value is UNKNOWN and (computed := refused.instead_of_default(node)):
        ctx.report("WF221", span, "the default is not constant", help=computed)
        return None
    if value is UNKNOWN or isinstance(node, ast.Constant):
        return expressions.expression(ctx, node)
    if isinstance(value, Decimal) and value.is_finite():
        return expressions.plain_number(value, span)  # the input has the type
    return expressions.from_value(ctx, Given(value, span))


_NUMBERS: typing.Mapping[Any, tuple[type, ...]] = {
    int: (int,),
    float: (int, float, Decimal),
    Decimal: (int, float, Decimal),
}
"""What may be the default of a number."""


def _is_of_another_class(ctx: Context, parameter: ast.arg, default: ast.expr) -> bool:
    """Report text as the default of a number, and a fraction as that of an int."""
    assert parameter.annotation is not None
    value = plain(constant(ctx, default))
    kinds = types.classes(ctx, parameter.annotation)
    kind = next((each for each in kinds if each in _NUMBERS), None)
    if kind is None or not isinstance(value, (str, float, Decimal)):
        return False
    if isinstance(default, ast.BinOp):  # which PostgreSQL computes
        return False
    if isinstance(value, _NUMBERS[kind]):
        return False
    wanted = ctx.shown(parameter.annotation)
    message = f'input "{parameter.arg}" is {wanted}, its default is {_kind(value)}'
    help_ = _as_number(value, kind)
    ctx.report("WF222", ctx.span(default), message, help=help_)
    return True


_DIGITS = 30
"""How long a number is that a message may show."""


def _kind(value: str | float | Decimal) -> str:
    return "text" if isinstance(value, str) else "no whole number"


def _as_number(value: str | float | Decimal, kind: type) -> str | None:
    """Return how a number is written whose text is given, or that should be whole."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:  # of a text that is no number
        return None
    if not number.is_finite() or number.adjusted() > _DIGITS:
        return None
    whole = number == number.to_integral_value()
    if not whole and kind is int:
        return "declare the input as Decimal"
    shown = int(number) if whole else number
    return f'write Decimal("{shown}")' if kind is Decimal else f"write {shown}"


def _returns(ctx: Context, node: ast.FunctionDef) -> TypeExpr | None:
    """Read what a workflow returns; `Any` and None say nothing of it."""
    if node.returns is None:
        return None
    value = constant(ctx, node.returns)
    anything = ("Any", "object", "NoReturn", "Never")
    if value is None or getattr(value, "__name__", "") in anything:
        return None
    return types.type_of(ctx, node.returns, annotation=True)
