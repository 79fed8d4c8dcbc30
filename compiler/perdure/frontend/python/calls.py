"""Calls: of steps, of what expressions are made of, and of what neither is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import perdure.authoring as authoring
from perdure.authoring.steps import Http
from perdure.authoring.workflow import Workflow
from perdure.frontend.python import expressions, functions, refused, texts
from perdure.frontend.python.constants import UNKNOWN, constant, is_plain, is_shape
from perdure.frontend.python.context import (
    Context,
    Given,
    Operand,
    nearest,
    suggestion,
)
from perdure.frontend.python.options import READERS
from perdure.frontend.yaml.language import COMMON, KINDS, METHODS, STEPS, Key
from perdure.source import Span
from perdure.syntax.expr import Expr, Name
from perdure.syntax.tree import (
    Expect,
    Head,
    HttpStep,
    SleepStep,
    SqlStep,
    Step,
    WaitForSignalStep,
)

Fields = Mapping[str, Any]

STEP_FUNCTIONS: Mapping[Any, str] = {
    authoring.sql: "sql",
    authoring.sql_file: "sql_file",
    authoring.sleep: "sleep",
    authoring.wait_for_signal: "wait_for_signal",
}
BLOCKS: Mapping[Any, str] = {
    authoring.parallel: "parallel",
    authoring.race: "race",
    authoring.gather: "gather",
    authoring.branch: "branch",
    authoring.every: "every",
    authoring.until: "until",
}
_RESULTLESS = {"sleep"}
_DESCRIPTION = next(key for key in COMMON if key.name == "description")


def found_in(table: Mapping[Any, Any], value: Any) -> Any:
    """Return what a table has for an object, which may be one that can't be hashed."""
    return next((found for each, found in table.items() if each is value), None)


def step_kind(ctx: Context, node: ast.expr) -> str | None:
    """Return the kind of step that a call is, if it is one."""
    if not isinstance(node, ast.Call):
        return None
    if _is_request(ctx, node):
        return "http"
    kind: str | None = found_in(STEP_FUNCTIONS, constant(ctx, node.func))
    return kind


def block_kind(ctx: Context, node: ast.expr) -> str | None:
    """Return `parallel`, `race`, `gather`, `branch`, `every` or `until`."""
    if not isinstance(node, ast.Call):
        return None
    kind: str | None = found_in(BLOCKS, constant(ctx, node.func))
    return kind


def _is_request(ctx: Context, node: ast.Call) -> bool:
    function = node.func
    return isinstance(function, ast.Attribute) and isinstance(
        constant(ctx, function.value), Http
    )


# --- in expressions -------------------------------------------------------------


def value_call(ctx: Context, node: ast.Call) -> Expr | None:
    """Read a call that is part of an expression."""
    function = node.func
    value = constant(ctx, function)
    reader = found_in(functions.FUNCTIONS, value)
    if reader is not None:
        read: Expr | None = reader(ctx, node)
        return read
    owner = isinstance(function, ast.Attribute) and constant(ctx, function.value)
    if isinstance(function, ast.Attribute) and owner is authoring.func:
        return functions.in_postgres(ctx, node, function)
    if step_kind(ctx, node) or block_kind(ctx, node):
        _step_inside(ctx, node)
        return None
    if isinstance(value, type) and is_plain(value):
        return _plain(ctx, node)
    if isinstance(value, Workflow):
        _no_calls_yet(ctx, node)
        return None
    if is_shape(value):
        message = "an object can't be part of an expression"
        ctx.report(
            "WF173", ctx.span(node), message, help="put it where JSON is expected"
        )
        return None
    refused.refuse_call(ctx, node)
    return None


def _plain(ctx: Context, node: ast.Call) -> Expr | None:
    known = constant(ctx, node)
    if known is UNKNOWN:
        if all(constant(ctx, each) is not UNKNOWN for each in node.args):
            message = f'"{ctx.shown(node)}" fails'
            ctx.report("WF195", ctx.span(node), message)
        else:
            refused.refuse_call(ctx, node)
        return None
    return expressions.from_value(ctx, Given(known, ctx.span(node)))


def _step_inside(ctx: Context, node: ast.Call) -> None:
    shown = ast.unparse(node.func)
    message = f'"{shown}" is a step, and stands inside an expression'
    help_ = "make it a line of its own: assign it to a name, and use the name's columns"
    ctx.report("WF178", ctx.span(node.func), message, help=help_)


def _no_calls_yet(ctx: Context, node: ast.Call) -> None:
    message = "calling another workflow is not supported yet by this version"
    ctx.report("WF114", ctx.span(node.func), message)


def positional(
    ctx: Context, node: ast.Call, form: str, count: int
) -> Sequence[ast.expr] | None:
    """Return the arguments of a call that takes so many, without names."""
    starred = any(isinstance(each, ast.Starred) for each in node.args)
    if len(node.args) == count and not node.keywords and not starred:
        return node.args
    ctx.report("WF193", ctx.span(node), f"expected {form}", help=f"write {form}")
    return None


# --- steps ----------------------------------------------------------------------


def read_step(
    ctx: Context, node: ast.expr, name: Name | None, whole: Span
) -> Step | None:
    """Read a call as a step whose result is bound to `name`."""
    assert isinstance(node, ast.Call)
    kind = step_kind(ctx, node)
    if kind is None:
        value = constant(ctx, node.func)
        if isinstance(value, Workflow):
            _no_calls_yet(ctx, node)
        else:
            refused.refuse_call(ctx, node)
        return None
    if name is not None and kind in _RESULTLESS:
        message = f'"{kind}" has no result that "{name.text}" could be bound to'
        ctx.report("WF176", name.span, message, help=f"write {kind}(...) alone")
        return None
    before = len(ctx.found)
    fields = _fields(ctx, node, kind)
    if any(each.severity == "error" for each in ctx.found[before:]):
        return None
    head = Head(name, fields.get("description"), ctx.span(node.func), whole)
    return _BUILDERS[kind](head, fields)


def _fields(ctx: Context, node: ast.Call, kind: str) -> dict[str, Any]:
    """Read the arguments of a step by the table of its kind."""
    first, *others = KINDS[kind].keys
    options = {key.name: key for key in (*others, _DESCRIPTION)}
    fields: dict[str, Any] = {}
    _read_first(ctx, node, kind, first, fields)
    for keyword in node.keywords:
        word = _word(ctx, keyword)
        key = options.get(keyword.arg or "")
        if key is None:
            _unknown_option(ctx, keyword.arg, word, kind, list(options))
        elif key.later:
            message = f'"{key.name}" is not supported yet by this version'
            ctx.report("WF114", word, message)
        elif _is_left_out(ctx, keyword.value):
            continue
        else:
            fields[key.name] = READERS[key.kind](ctx, keyword.value, key)
            if key.name == "body" and "json" in fields:
                message = 'a request has "json" or "body", not both'
                ctx.report("WF124", word, message)
    return fields


def _is_left_out(ctx: Context, value: Operand) -> bool:
    """Say whether an option is None, which is as good as not given."""
    return constant(ctx, value) is None and isinstance(value, ast.Constant)


def _word(ctx: Context, keyword: ast.keyword) -> Span:
    span = ctx.places.span(keyword)
    return Span(span.path, span.start, span.start + len(keyword.arg or "**"))


def _read_first(
    ctx: Context, node: ast.Call, kind: str, key: Key, fields: dict[str, Any]
) -> None:
    """Read the one argument without a name: the statement, the URL, the signal."""
    shown = ast.unparse(node.func)
    what = "a URL" if kind == "http" else key.kind.value
    if kind == "http":
        fields["method"] = _method(ctx, node)
    if not node.args:
        message = f'"{shown}" needs {what} as its first argument'
        ctx.report("WF193", ctx.span(node.func), message)
        return
    for extra in node.args[1:]:
        message = f'"{shown}" takes one argument without a name, {what}'
        ctx.report("WF193", ctx.span(extra), message, help="give options by name")
    if isinstance(node.args[0], ast.Starred):
        refused.refuse_expression(ctx, node.args[0])
    elif kind == "http":
        fields["url"] = texts.template(ctx, node.args[0])
    else:
        fields[key.name] = READERS[key.kind](ctx, node.args[0], key)


def _method(ctx: Context, node: ast.Call) -> Name | None:
    function = node.func
    assert isinstance(function, ast.Attribute)
    end = ctx.span(function).end
    span = Span(ctx.places.source.path, end - len(function.attr), end)
    if function.attr.upper() in METHODS and function.attr.islower():
        return Name(function.attr.upper(), span)
    message = f'expected an HTTP method, found "{function.attr}"'
    methods = [each.lower() for each in METHODS]
    meant = nearest(function.attr, methods)
    known = "it can be " + ", ".join(methods)
    ctx.report("WF123", span, message, known, **suggestion(span, meant))
    return None


def _unknown_option(
    ctx: Context, name: str | None, span: Span, kind: str, known: list[str]
) -> None:
    if name is None:
        message = "options can't be unpacked from a dict"
        ctx.report("WF193", span, message, help="give each option by name")
        return
    if name == "name":
        message = "a step is named by the name that it is assigned to"
        ctx.report("WF111", span, message, help=f"write order = {kind}(...)")
        return
    owners = [
        each.name
        for each in STEPS
        for key in each.keys[1:]
        if key.name == name and each.name in (*STEP_FUNCTIONS.values(), "http")
    ]
    if owners:
        listed = " or ".join(f'"{owner}"' for owner in owners)
        message = f'option "{name}" does not belong to "{kind}"'
        ctx.report("WF115", span, message, f"it belongs to {listed}")
        return
    later = [key.name for key in COMMON if key.later]
    if name in later:
        ctx.report("WF114", span, f'"{name}" is not supported yet by this version')
        return
    meant = nearest(name, known)
    note = () if meant else ("known options are " + ", ".join(known),)
    message = f'unknown option "{name}" of "{kind}"'
    ctx.report("WF111", span, message, *note, **suggestion(span, meant))


def _sql(head: Head, fields: Fields) -> Step:
    expect = fields.get("expect")
    return SqlStep(
        head,
        fields["sql"] if "sql" in fields else fields["sql_file"],
        cast("Expect", expect.text) if expect else None,
        expect.span if expect else None,
        fields.get("retry"),
    )


def _http(head: Head, fields: Fields) -> Step:
    return HttpStep(
        head,
        fields["method"],
        fields["url"],
        fields.get("headers") or (),
        fields.get("json"),
        fields.get("body"),
        fields.get("timeout"),
        fields.get("retry"),
    )


_BUILDERS: Mapping[str, Callable[[Head, Fields], Step]] = {
    "sql": _sql,
    "sql_file": _sql,
    "http": _http,
    "sleep": lambda head, fields: SleepStep(head, fields["sleep"]),
    "wait_for_signal": lambda head, fields: WaitForSignalStep(
        head, fields["wait_for_signal"], fields.get("payload"), fields.get("timeout")
    ),
}
