"""What was probably meant by a call that is no step, by what it was given."""

from __future__ import annotations

import ast

import perdure.authoring as authoring
from perdure.authoring.steps import Http
from perdure.frontend.python.constants import constant
from perdure.frontend.python.context import Context
from perdure.frontend.python.formats import padded, pattern_of_time

_OF_ERROR = ("str", "repr")


def instead_of_function(ctx: Context, node: ast.Call) -> str | None:
    """Return what to write instead of a function, where that depends on operands."""
    written = ast.unparse(node.func)
    match node.args:
        case [ast.Name(id=name)] if written in _OF_ERROR and name in ctx.errors:
            return f"write {name}.message"
        case [value, other] if written in ("pow", "math.pow"):
            a, b = ctx.shown(value), ctx.shown(other)
            return f'write func.power(cast({a}, "numeric"), {b})'
        case [value, other] if written == "divmod":
            a, b = ctx.shown(value), ctx.shown(other)
            whole = f'func.floor(cast({a}, "numeric") / {b})'
            return f"write {whole}, and {a} % {b}, which has the sign of {a}"
        case [value, *places] if written == "round":
            given = "".join(f", {ctx.shown(each)}" for each in places)
            number = f'func.round(cast({ctx.shown(value)}, "numeric"){given})'
            return f"write {number}, {HALVES}"
    return None


HALVES = "which rounds halves away from zero, Python to the even neighbour"


def instead_of_step(ctx: Context, node: ast.Call) -> str | None:
    """Return the step that is meant by `http(url)`, `sql.execute("...")`."""
    given = ctx.shown(node.args[0]) if node.args else "..."
    given += ", ..." if node.args and node.keywords else ""
    function, words = node.func, {each.arg for each in node.keywords}
    if isinstance(constant(ctx, function), Http):
        method = "post" if words & {"json", "body", "form", "data"} else "get"
        return f"write {ast.unparse(function)}.{method}({given})"
    if not isinstance(function, ast.Attribute):
        return None
    if constant(ctx, function.value) is not authoring.sql:
        return None
    return f"write {ast.unparse(function.value)}({given})"


def instead_of_method(ctx: Context, method: str, given: ast.expr) -> str | None:
    """Return what is written for a method of `text` or `value`, with its argument."""
    shown, form = ctx.shown(given), constant(ctx, given)
    if method in ("zfill", "rjust", "ljust"):
        fill = "0" if method == "zfill" else " "
        function = "rpad" if method == "ljust" else "lpad"
        return f"write {padded('text', shown, fill, function)}"
    if method == "split":
        part = f"func.split_part(text, {shown}, 1)"
        return f"write func.string_to_array(text, {shown}); its first part is {part}"
    if method == "strftime" and isinstance(form, str):
        pattern = pattern_of_time(form)
        return f"write func.to_char(value, '{pattern}')" if pattern else None
    return None


def report_column(ctx: Context, owner: ast.expr, key: str) -> bool:
    """Report `order["total"]` of a row, which is `order.total`; say if it is one."""
    if not isinstance(owner, ast.Name) or not key.isidentifier():
        return False
    if not _is_row(ctx, owner.id):
        return False
    message = f'"{owner.id}" is the result of a step, a value was expected'
    ctx.report("WF204", ctx.span(owner), message, help=f"write {owner.id}.{key}")
    return True


def _is_row(ctx: Context, name: str) -> bool:
    """Say whether a name is bound by `sql` only."""
    nodes = [each for statement in ctx.body for each in ast.walk(statement)]
    names = [each for each in nodes if isinstance(each, ast.Name) and each.id == name]
    bound = [each for each in names if isinstance(each.ctx, ast.Store)]
    rows = [
        each.value
        for each in nodes
        if isinstance(each, ast.Assign) and each.targets[0] in bound
    ]
    steps = [each for each in rows if isinstance(each, ast.Call)]
    known = [each for each in steps if constant(ctx, each.func) is authoring.sql]
    return bool(known) and len(known) == len(bound)


def instead_of_built(ctx: Context, built: ast.expr) -> str | None:
    """Return the references that `"...".format(a)` and `"..." % (a, b)` mean."""
    match built:
        case ast.Call():
            given = [*built.args, *(each.value for each in built.keywords)]
        case ast.BinOp(right=ast.Tuple(elts=given)):
            pass
        case ast.BinOp(right=other):
            given = [other]
        case _:
            return None
    plain = [each for each in given if isinstance(each, ast.Name | ast.Attribute)]
    if not given or len(plain) < len(given):
        return None
    if any(ctx.known(_root(each)) for each in plain):
        return None
    listed = " and ".join(f'":{ast.unparse(each)}"' for each in plain)
    return f"write {listed} in the text, without quotes around it"


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
