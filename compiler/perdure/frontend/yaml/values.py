"""Readers of values: names, texts, expressions, durations, types, JSON.

A scalar means what its place says. YAML's own rules, by which `no` is a boolean and
`1:30` is ninety, play no part.
"""

from __future__ import annotations

import re
from dataclasses import replace

from perdure.frontend.expr import (
    parse_duration,
    parse_expr,
    parse_template,
    parse_type,
)
from perdure.frontend.expr.parser import KEY_WORDS
from perdure.frontend.files import refused_path
from perdure.frontend.sqltext import read_sql
from perdure.frontend.yaml.context import (
    Context,
    choice,
    entries,
    items,
    name_of,
    scalar,
    word_of,
    wrong_kind,
)
from perdure.frontend.yaml.language import EFFECTS, EXPECTATIONS, METHODS, Key
from perdure.frontend.yaml.nodes import (
    BrokenNode,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
)
from perdure.source import Span, Text, verbatim
from perdure.syntax.expr import Expr, Literal, Name
from perdure.syntax.sql import SqlText
from perdure.syntax.tree import (
    Constant,
    Duration,
    Input,
    Listing,
    ListType,
    Mapping,
    NamedType,
    ShapeType,
    Template,
    TypeExpr,
    Value,
)

_CONSTANT = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?|true|false|null", re.A)
_PLAIN_WORDS = re.compile(r"[^\W\d][\w-]*(?:,? [^\W\d][\w-]*)*[.!?]?")
_OPERATOR_AFTER = re.compile(r"[ \t]+(#>>?|#-)(?=[ \t])")
_LIKE_A_DURATION = re.compile(r"\s*[\d.]+\s*([A-Za-z][\w\s,]*)?", re.A)
_HEADER_NAME = re.compile(r"[-!#$%&'*+.^_`|~\w]+", re.A)
_REQUEST = re.compile(r"\s*(\S+)(?:\s+(\S.*?))?\s*", re.S)


# --- texts ----------------------------------------------------------------------


def read_name(ctx: Context, node: Node, key: Key) -> Name | None:
    """Read a name."""
    found = scalar(ctx, node, key.kind.value)
    return name_of(ctx, found) if found else None


def read_text(ctx: Context, node: Node, key: Key) -> str | None:
    """Read text for people."""
    found = scalar(ctx, node, key.kind.value)
    return found.value if found else None


def read_expression(ctx: Context, node: Node, key: Key) -> Expr | None:
    """Read a bare expression."""
    help_ = "put an expression that begins with [ or { in quotes"
    found = scalar(ctx, node, key.kind.value, help_)
    if found is None or _cut_by_comment(ctx, found):
        return None
    return ctx.take(parse_expr(found.text))


def read_template(ctx: Context, node: Node, key: Key) -> Template | None:
    """Read text with `${...}` in it."""
    help_ = 'to send JSON, use "json"' if key.name == "body" else None
    found = scalar(ctx, node, "text", help_)
    return ctx.take(parse_template(found.text)) if found else None


def read_message(ctx: Context, node: Node, key: Key) -> Template | bool | None:
    """Read a message with `${...}` in it; True stands for none."""
    if isinstance(node, ScalarNode) and node.nothing:
        return True
    return read_template(ctx, node, key)


def read_sql_text(ctx: Context, node: Node, key: Key) -> SqlText | None:
    """Read a statement."""
    help_ = "write one statement per step" if isinstance(node, SequenceNode) else None
    found = scalar(ctx, node, key.kind.value, help_)
    if found is None or _cut_by_comment(ctx, found):
        return None
    return ctx.take(read_sql(found.text))


def _cut_by_comment(ctx: Context, node: ScalarNode) -> bool:
    """Report `data #>> '{a}'`, of which YAML only sees `data`."""
    match = _OPERATOR_AFTER.match(ctx.source.text, node.span.end)
    if not node.plain or not match:
        return False
    span = Span(ctx.source.path, match.start(1), match.end(1))
    message = f'"{match.group(1)}" begins a YAML comment here and ends the value'
    ctx.report("WF129", span, message, help="put the value in quotes, or after |")
    return True


def read_sql_file(ctx: Context, node: Node, key: Key) -> SqlText | None:
    """Read the statement that stands in another file."""
    found = scalar(ctx, node, key.kind.value)
    if found is None:
        return None
    refused = refused_path(found.value, found.span.path)
    if refused is not None:
        ctx.report("WF125", found.span, refused[0], help=refused[1])
        return None
    loaded = ctx.load(found.value)
    if loaded is None:
        message = f'there is no file "{found.value}" that can be read as text'
        help_ = "the path is relative to the workflow file"
        ctx.report("WF125", found.span, message, help=help_)
        return None
    if "\0" in loaded.text:
        at = loaded.text.index("\0")
        message = "character U+0000 can't be part of a statement"
        ctx.report("WF104", Span(loaded.path, at, at + 1), message)
        return None
    return ctx.take(read_sql(verbatim(loaded.path, loaded.text)))


def read_expect(ctx: Context, node: Node, key: Key) -> Name | None:
    """Read `one`, `maybe` or `many`."""
    return word_of(ctx, node, key, EXPECTATIONS, "WF121", "a number of rows")


def read_effects(ctx: Context, node: Node, key: Key) -> Name | None:
    """Read `once`."""
    return word_of(ctx, node, key, EFFECTS, "WF139", "how often effects happen")


def read_nothing(ctx: Context, node: Node, key: Key) -> bool | None:
    """Read the value of a key that has none."""
    if isinstance(node, ScalarNode) and (node.nothing or node.value in ("null", "~")):
        return True
    if not isinstance(node, BrokenNode):
        message = f'expected nothing after "{key.name}:"'
        help_ = f'write "- {key.name}"'
        ctx.report("WF110", node.span, message, help=help_)
    return None


def read_request(
    ctx: Context, node: Node, key: Key
) -> tuple[Name, Template] | tuple[None, None] | None:
    """Read `METHOD url`."""
    found = scalar(ctx, node, key.kind.value, "write http: GET https://...")
    if found is None:
        return None
    match = _REQUEST.fullmatch(found.value)
    if match is None or match.group(2) is None:
        message = f'expected a method and a URL, found "{found.value}"'
        ctx.report("WF123", found.span, message, help="write http: GET https://...")
        return None
    verb, url = (found.text.slice(*match.span(part)) for part in (1, 2))
    template = ctx.take(parse_template(url))
    method = choice(ctx, verb, METHODS, "WF123", "an HTTP method")
    return (Name(method, verb.span()), template) if method and template else None


# --- times ----------------------------------------------------------------------


def read_duration(ctx: Context, node: Node, key: Key) -> Duration | None:
    """Read a duration."""
    found = scalar(ctx, node, "a duration such as 30s")
    return ctx.take(parse_duration(found.text)) if found else None


def read_timeout(ctx: Context, node: Node, key: Key) -> Duration | None:
    """Read a duration of whole seconds, at least one."""
    duration = read_duration(ctx, node, key)
    if duration and (duration.milliseconds % 1000 or not duration.milliseconds):
        message = "a timeout is whole seconds, at least one"
        ctx.report("WF126", duration.span, message)
        return None
    return duration


def read_limit(ctx: Context, node: Node, key: Key) -> Duration | None:
    """Read a duration above zero."""
    duration = read_duration(ctx, node, key)
    if duration and not duration.milliseconds:
        message = "a timeout of zero fails before the step begins"
        ctx.report("WF126", duration.span, message, help="to skip the step, use when")
        return None
    return duration


def read_delay(ctx: Context, node: Node, key: Key) -> Duration | Expr | None:
    """Read a duration or an expression; `5 minutes` is meant as the former."""
    found = scalar(ctx, node, key.kind.value)
    if found is None:
        return None
    if _LIKE_A_DURATION.fullmatch(found.value.strip().removeprefix("-")):
        return ctx.take(parse_duration(found.text))
    return read_expression(ctx, node, key)


# --- types ----------------------------------------------------------------------


def read_type(ctx: Context, node: Node, key: Key) -> TypeExpr | None:
    """Read a type: its name, a mapping of fields, or a list with the type of items."""
    match node:
        case ScalarNode() if not node.nothing:
            return _named(ctx, ctx.take(parse_type(node.text)))
        case MappingNode():
            return _read_shape(ctx, node, key)
        case SequenceNode(items=(item,)):
            of = read_type(ctx, item, key)
            return ListType(of, False, node.span) if of else None
        case SequenceNode(items=(item, ScalarNode(plain=True, value="null"))):
            of = read_type(ctx, item, key)
            return replace(of, nullable=True, span=node.span) if of else None
        case SequenceNode():
            message = "a list type holds the type of its items, and nothing else"
            help_ = "write [text], or [[text], null] for a list that may be null"
            ctx.report("WF110", node.span, message, help=help_)
            return None
    wrong_kind(ctx, node, "a type")
    return None


def _named(ctx: Context, type_: NamedType | None) -> TypeExpr | None:
    """Return what a name of the shared definitions stands for, else the type itself."""
    known = ctx.shared.types.get(type_.name) if ctx.shared and type_ else None
    if type_ is None or known is None:
        return type_
    return replace(known, nullable=known.nullable or type_.nullable)


def _read_shape(ctx: Context, node: MappingNode, key: Key) -> ShapeType | None:
    fields = []
    if not node.entries:
        message = "expected fields and their types, found an empty mapping"
        help_ = "write jsonb for JSON of any form"
        ctx.report("WF118", node.span, message, help=help_)
    for name, child in node.entries:
        of = read_type(ctx, child, key)
        if of:
            fields.append((Name(name.value, name.span), of))
    complete = node.entries and len(fields) == len(node.entries)
    return ShapeType(tuple(fields), False, node.span) if complete else None


def read_inputs(ctx: Context, node: Node, key: Key) -> tuple[Input, ...]:
    """Read the inputs; those that can't be read are left out."""
    help_ = "write input: {order_id: bigint}"
    inputs = []
    for name, child in entries(ctx, node, key, help_):
        bound = name_of(ctx, name)
        read = _read_input(ctx, bound, child) if bound else None
        if read:
            inputs.append(read)
        else:
            ctx.unread.add(name.value)
    return tuple(inputs)


def _read_input(ctx: Context, name: Name, node: Node) -> Input | None:
    found = scalar(ctx, node, "the name of a type", "structured inputs are jsonb")
    if found is None:
        return None
    written, equals, _ = found.value.partition("=")
    text = found.text
    type_ = ctx.take(parse_type(text.slice(0, len(written.rstrip()))))
    default = None
    if equals:
        default = ctx.take(parse_expr(text.slice(len(written) + 1, len(text.value))))
    if not isinstance(type_, NamedType) or bool(default) != bool(equals):
        return None
    if type_.nullable and isinstance(default, Literal) and default.kind == "null":
        default = None  # as any nullable input has it
    return Input(name, type_, default)


# --- values and mappings --------------------------------------------------------


def read_value(ctx: Context, node: Node, key: Key) -> Value | None:
    """Read a JSON value."""
    if isinstance(node, ScalarNode) and node.nothing:
        wrong_kind(ctx, node, key.kind.value, "for JSON null, write null")
        return None
    return read_result(ctx, node, key)


def read_result(ctx: Context, node: Node, key: Key) -> Value | None:
    """Read a JSON value; where there is none, also deeper inside, it is null."""
    match node:
        case ScalarNode() if node.nothing:
            return Constant("null", node.span)
        case ScalarNode() if node.plain and _CONSTANT.fullmatch(node.value):
            return Constant(node.value, node.span)
        case ScalarNode():
            return ctx.take(parse_template(node.text))
        case SequenceNode():
            values = [read_result(ctx, each, key) for each in node.items]
            kept = tuple(each for each in values if each is not None)
            return Listing(kept, node.span) if len(kept) == len(values) else None
        case MappingNode():
            pairs = [(name, read_result(ctx, each, key)) for name, each in node.entries]
            read = tuple(
                (Name(name.value, name.span), each) for name, each in pairs if each
            )
            return Mapping(read, node.span) if len(read) == len(pairs) else None
    return None


def read_bindings(
    ctx: Context, node: Node, key: Key
) -> tuple[tuple[Name, Expr], ...] | None:
    """Read the expressions of a `let`; those that can't be read are left out."""
    bindings = []
    for name, child in entries(ctx, node, key, "write let: {total: a + b}"):
        bound = name_of(ctx, name)
        value = _read_bound(ctx, child, key)
        if bound and value:
            bindings.append((bound, value))
        else:
            ctx.unread.add(name.value)
    return tuple(bindings) or None


def _read_bound(ctx: Context, node: Node, key: Key) -> Expr | None:
    """Read an expression; of words that are none, say how their text is written."""
    before = len(ctx.found)
    value = read_expression(ctx, node, key)
    words = node.value if isinstance(node, ScalarNode) else ""
    known = KEY_WORDS.keys() & words.lower().split()
    if value is None and not known and _PLAIN_WORDS.fullmatch(words):
        help_ = f"for the text, write \"'{words}'\""
        ctx.found[before:] = [
            replace(each, help=each.help or help_) for each in ctx.found[before:]
        ]
    return value


def read_headers(
    ctx: Context, node: Node, key: Key
) -> tuple[tuple[Name, Template], ...]:
    """Read the headers of a request, whose names differ in more than case."""
    headers: dict[str, tuple[Name, Template]] = {}
    for name, child in entries(ctx, node, key):
        value = read_template(ctx, child, key)
        if not _HEADER_NAME.fullmatch(name.value):
            message = f'"{name.value}" is not the name of a header'
            ctx.report("WF131", name.span, message)
        elif name.value.lower() in headers:
            message = f'header "{name.value}" is there twice'
            ctx.report("WF112", name.span, message, help="case makes no difference")
        elif value:
            headers[name.value.lower()] = (Name(name.value, name.span), value)
    return tuple(headers.values())


# --- parts of retry -------------------------------------------------------------


def read_count(ctx: Context, node: Node, key: Key) -> int | None:
    """Read a whole number from 1."""
    text = _number(ctx, node, key, r"[1-9]\d{0,5}")
    return int(text.value) if text else None


def read_factor(ctx: Context, node: Node, key: Key) -> float | None:
    """Read a number from 1."""
    text = _number(ctx, node, key, r"[1-9]\d{0,5}(\.\d{1,9})?")
    return float(text.value) if text else None


def read_flag(ctx: Context, node: Node, key: Key) -> bool | None:
    """Read `true` or `false`."""
    text = _number(ctx, node, key, "true|false")
    return text.value == "true" if text else None


def _number(ctx: Context, node: Node, key: Key, pattern: str) -> Text | None:
    expected = key.kind.value
    found = scalar(ctx, node, expected)
    if found is None:
        return None
    if re.fullmatch(pattern, found.value, re.A):
        return found.text
    message = f'expected {expected} for "{key.name}", found "{found.value}"'
    ctx.report("WF122", found.span, message)
    return None


def read_conditions(ctx: Context, node: Node, key: Key) -> tuple[Name, ...] | None:
    """Read what is worth another attempt."""
    help_ = "write on: [08, 40001, 503, transport]"
    names = []
    for item in items(ctx, node, key, help_):
        found = scalar(ctx, item, "an SQLSTATE, an HTTP status or transport")
        if found is None:
            continue
        if re.fullmatch(r"[0-9A-Z]{2}|[0-9A-Z]{5}|[1-5]\d\d|transport", found.value):
            names.append(Name(found.value, found.span))
        else:
            message = f'"{found.value}" is not an SQLSTATE, an HTTP status or transport'
            ctx.report("WF130", found.span, message, help=help_)
    return tuple(names) or None
