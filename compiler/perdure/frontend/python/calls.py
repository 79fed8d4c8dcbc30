"""Calls: of steps, of what expressions are made of, and of what neither is."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import perdure.authoring as authoring
from perdure.authoring.steps import Http
from perdure.frontend.python import (
    expressions,
    functions,
    others,
    refused,
    requests,
    texts,
)
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
    CallStep,
    Expect,
    Head,
    HttpStep,
    SendStep,
    SleepStep,
    SleepUntilStep,
    SqlStep,
    StartStep,
    Step,
    WaitForScheduleStep,
    WaitForSignalStep,
)

Fields = Mapping[str, Any]

STEP_FUNCTIONS: Mapping[Any, str] = {
    authoring.sql: "sql",
    authoring.sql_file: "sql_file",
    authoring.sleep: "sleep",
    authoring.sleep_until: "sleep_until",
    authoring.wait_for_signal: "wait_for_signal",
    authoring.wait_for_schedule: "wait_for_schedule",
    authoring.call: "call",
    authoring.start: "start",
    authoring.signal: "signal",
}
BLOCKS: Mapping[Any, str] = {
    authoring.parallel: "parallel",
    authoring.race: "race",
    authoring.gather: "gather",
    authoring.branch: "branch",
    authoring.every: "every",
    authoring.until: "until",
    authoring.step: "step",
    authoring.group: "group",
    authoring.transaction: "transaction",
    authoring.foreach: "foreach",
    authoring.collect: "collect",
}
_RESULTLESS = {"sleep", "sleep_until", "wait_for_schedule", "signal"}
_MANY = 6
_OWN_TIMEOUT = ("http", "wait_for_signal")


def found_in(table: Mapping[Any, Any], value: Any) -> Any:
    """Return what a table has for an object, which may be one that can't be hashed."""
    return next((found for each, found in table.items() if each is value), None)


def step_kind(ctx: Context, node: ast.expr) -> str | None:
    """Return the kind of step that a call is, if it is one."""
    if not isinstance(node, ast.Call):
        return None
    if _is_request(ctx, node):
        return "http"
    if others.called_workflow(ctx, node.func) is not None:
        return "call"
    kind: str | None = found_in(STEP_FUNCTIONS, constant(ctx, node.func))
    return kind


def block_kind(ctx: Context, node: ast.expr) -> str | None:
    """Return the word of a block that is called: `parallel`, `every`, `collect`, ..."""
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
        given = [*node.args, *(each.value for each in node.keywords)]
        if all(constant(ctx, each) is not UNKNOWN for each in given):
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
    head = head_of(fields, kind, name, ctx.span(node.func), whole)
    return _BUILDERS[kind](head, fields)


def head_of(
    fields: Fields, kind: str, name: Name | None, span: Span, whole: Span
) -> Head:
    """Return the head of a step from its options."""
    return Head(
        name,
        fields.get("description"),
        span,
        whole,
        when=fields.get("when"),
        timeout=None if kind in _OWN_TIMEOUT else fields.get("timeout"),
        undo=fields.get("undo"),
        effects=fields.get("effects"),
    )


def options_of(kind: str, *without: str) -> dict[str, Key]:
    """Return the options that a kind of step has in Python, by name."""
    keys = [*KINDS[kind].keys[1:], *COMMON]
    return {key.name: key for key in keys if key.name not in ("name", *without)}


def _fields(ctx: Context, node: ast.Call, kind: str) -> dict[str, Any]:
    """Read the arguments of a step by the table of its kind."""
    if kind in ("call", "start"):
        fields = others.read_called(ctx, node, kind)
        if others.called_workflow(ctx, node.func) is None:
            options = options_of(kind, "with")
            fields |= read_options(ctx, node.keywords, options, kind)
        return fields
    fields = {}
    _read_first(ctx, node, kind, KINDS[kind].keys[0], fields)
    fields |= read_options(ctx, node.keywords, options_of(kind), kind)
    if kind == "http":
        requests.check_request(ctx, fields, ctx.span(node.func))
    for key in KINDS[kind].keys[1:]:
        if key.required and key.name not in {each.arg for each in node.keywords}:
            message = f'"{kind}" has no "{key.name}"'
            help_ = f"add {key.name}=..., {key.doc[0].lower()}{key.doc[1:-1]}"
            ctx.report("WF193", ctx.span(node.func), message, help=help_)
    return fields


def read_options(
    ctx: Context, given: Iterable[ast.keyword], options: Mapping[str, Key], what: str
) -> dict[str, Any]:
    """Read options that are given by name; `what` has them."""
    fields: dict[str, Any] = {}
    for keyword in given:
        key = options.get(keyword.arg or "")
        if key is None:
            word = word_of(ctx, keyword)
            _unknown_option(ctx, keyword.arg, word, what, list(options))
        elif not _is_left_out(ctx, keyword.value):
            value = READERS[key.kind](ctx, keyword.value, key)
            if value is not None:
                fields[key.name] = value
    return fields


def _is_left_out(ctx: Context, value: Operand) -> bool:
    """Say whether an option is None, which is as good as not given."""
    return constant(ctx, value) is None and isinstance(value, ast.Constant)


def word_of(ctx: Context, keyword: ast.keyword) -> Span:
    """Return the place of the name of a keyword argument."""
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
        help_ = _instead_of_parameter(extra) if kind in ("sql", "sql_file") else None
        help_ = help_ or "give options by name"
        ctx.report("WF193", ctx.span(extra), message, help=help_)
    if isinstance(node.args[0], ast.Starred):
        refused.refuse_expression(ctx, node.args[0])
    elif kind == "http":
        fields["url"] = texts.template(ctx, node.args[0])
    else:
        fields[key.name] = READERS[key.kind](ctx, node.args[0], key)


def _instead_of_parameter(node: ast.expr) -> str | None:
    """Return how the first value of `(n, order.total)` is written in SQL."""
    while isinstance(node, ast.Tuple | ast.List | ast.Dict):
        inner = node.values if isinstance(node, ast.Dict) else node.elts
        if not inner:
            return None
        node = inner[0]
    shown = ast.unparse(node)
    if not re.fullmatch(r"[a-z_]\w*(\.\w+)*", shown):
        return None
    return f"there are no parameters: write :{shown} in the SQL, where the value stands"


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
    """Report an option that a step or a block does not have."""
    if name is None:
        message = "options can't be unpacked from a dict"
        ctx.report("WF193", span, message, help="give each option by name")
        return
    if name == "name":
        message = "a step is named by the name that it is assigned to"
        help_ = f"write order = {kind}(...)"
        if kind in _RESULTLESS or kind in BLOCKS.values():
            help_ = f'without a result: with step(name="{kind}"): around it'
        ctx.report("WF111", span, message, help=help_)
        return
    if kind == "http" and name in _OF_REQUESTS:
        message = f'"{name}" is no option of a request here'
        ctx.report("WF111", span, message, help=_OF_REQUESTS[name])
        return
    owners = [each.name for each in STEPS for key in each.keys[1:] if key.name == name]
    if name in _WRITTEN_OTHERWISE:
        message = f'"{name}" is not written as an option in Python'
        ctx.report("WF115", span, message, help=_WRITTEN_OTHERWISE[name])
        return
    if owners:
        listed = " or ".join(f'"{owner}"' for owner in owners)
        message = f'option "{name}" does not belong to "{kind}"'
        where = f"it belongs to {listed}"
        if len(owners) > _MANY:
            where = f"{len(owners)} other kinds of step have it"
        ctx.report("WF115", span, message, where)
        return
    meant = nearest(name, known)
    note = () if meant else ("known options are " + ", ".join(known),)
    message = f'unknown option "{name}" of "{kind}"'
    ctx.report("WF111", span, message, *note, **suggestion(span, meant))


_OF_REQUESTS = {
    "params": 'write it into the URL: f"https://shop.example.com/orders?id={order.id}"',
    "data": "write form={...} for the fields of a form, or body=... for text",
    "content": "write body=...",
    "files": "write multipart={...}",
    "auth": 'write headers={"Authorization": f"Bearer {secrets.token}"}',
    "cookies": 'write headers={"Cookie": ...}',
}
"""Options of the usual libraries for requests."""

_WRITTEN_OTHERWISE = {
    "with": "write ship_order(order_id=...), the call of the workflow",
    "collect": "write told = collect(id=...) as the last line of the loop",
    "catch": "write except Failure as err:",
    "do": "write the steps in the block",
    "then": "write the steps in the block",
    "else": "write else:",
    "elif": "write elif:",
    "finally": "write finally:",
    "cases": "write match and case",
    "default": "write case _:",
    "while": "write while condition:",
}


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
        fields.get("form"),
        fields.get("multipart"),
        fields.get("returns"),
        fields.get("expect_status"),
    )


_BUILDERS: Mapping[str, Callable[[Head, Fields], Step]] = {
    "sql": _sql,
    "sql_file": _sql,
    "http": _http,
    "sleep": lambda head, fields: SleepStep(head, fields["sleep"]),
    "wait_for_signal": lambda head, fields: WaitForSignalStep(
        head, fields["wait_for_signal"], fields.get("payload"), fields.get("timeout")
    ),
    "sleep_until": lambda head, fields: SleepUntilStep(head, fields["sleep_until"]),
    "wait_for_schedule": lambda head, fields: WaitForScheduleStep(
        head, fields["wait_for_schedule"], fields.get("timezone")
    ),
    "call": lambda head, fields: CallStep(
        head, fields["call"], fields["with"], fields.get("retry")
    ),
    "start": lambda head, fields: StartStep(
        head, fields["start"], fields["with"], fields.get("key"), fields.get("retry")
    ),
    "signal": lambda head, fields: SendStep(
        head,
        fields["signal"],
        fields["to"],
        fields.get("data"),
        fields.get("retry"),
    ),
}
