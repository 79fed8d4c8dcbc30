"""Readers of the values that options take, one for each kind of the language."""

from __future__ import annotations

import ast
import datetime
import decimal
import re
from collections.abc import Sequence
from typing import Any

from perdure.frontend.expr import parse_duration
from perdure.frontend.files import refused_path
from perdure.frontend.python import expressions, rounds, texts, types
from perdure.frontend.python.constants import (
    UNKNOWN,
    constant,
    defaults_of,
    fields_of,
    is_shape,
    required_of,
)
from perdure.frontend.python.context import (
    Context,
    Given,
    Operand,
    counted,
    name_of,
    nearest,
    short,
    suggestion,
)
from perdure.frontend.python.formats import interval_of
from perdure.frontend.python.held import Record, Row, has_digits, plain
from perdure.frontend.python.strings import Field
from perdure.frontend.yaml.language import EFFECTS, EXPECTATIONS, MEANT, Key
from perdure.source import Span, Text, verbatim
from perdure.syntax.expr import Expr, Name
from perdure.syntax.sql import SqlText
from perdure.syntax.tree import (
    Constant,
    Duration,
    Listing,
    Template,
    TypeExpr,
    Value,
)
from perdure.syntax.tree import (
    Mapping as Object,
)

_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", re.A)
_HEADER_NAME = re.compile(r"[-!#$%&'*+.^_`|~\w]+", re.A)


# --- texts ----------------------------------------------------------------------


def read_text(ctx: Context, operand: Operand, key: Key) -> str | None:
    """Read text for people."""
    text = texts.constant_text(ctx, operand, "text")
    return text.value if text is not None else None


def read_name(ctx: Context, operand: Operand, key: Key) -> Name | None:
    """Read a name."""
    text = texts.constant_text(ctx, operand, "a name")
    return name_of(ctx, text.value, text.span()) if text is not None else None


def read_sql_text(ctx: Context, operand: Operand, key: Key) -> SqlText | None:
    """Read a statement."""
    text = texts.constant_text(ctx, operand, "an SQL statement", sql=True)
    return rounds.read_statement(ctx, text) if text is not None else None


def read_sql_file(ctx: Context, operand: Operand, key: Key) -> SqlText | None:
    """Read the statement that stands in another file."""
    text = texts.constant_text(ctx, operand, "a file name")
    if text is None:
        return None
    name, span = text.value, text.span()
    refused = refused_path(name, ctx.places.source.path)
    if refused is not None:
        ctx.report("WF125", span, refused[0], help=refused[1])
        return None
    loaded = ctx.load(name)
    if loaded is None:
        message = f'there is no file "{name}" that can be read as text'
        help_ = "the path is relative to the workflow file"
        ctx.report("WF125", span, message, help=help_)
        return None
    if "\0" in loaded.text:
        at = loaded.text.index("\0")
        message = "character U+0000 can't be part of a statement"
        ctx.report("WF104", Span(loaded.path, at, at + 1), message)
        return None
    return rounds.read_statement(ctx, verbatim(loaded.path, loaded.text))


def read_template(ctx: Context, operand: Operand, key: Key) -> Template | None:
    """Read text with expressions in it."""
    return texts.template(ctx, operand)


def read_expect(ctx: Context, operand: Operand, key: Key) -> Name | None:
    """Read `one`, `maybe` or `many`."""
    text = texts.constant_text(ctx, operand, "one, maybe or many")
    if text is None:
        return None
    if text.value in EXPECTATIONS:
        return Name(text.value, text.span())
    message = f'expected a number of rows, found "{short(text.value)}"'
    known = "it can be " + ", ".join(EXPECTATIONS)
    meant = MEANT.get(text.value.lower()) or nearest(text.value, EXPECTATIONS)
    ctx.report("WF121", text.span(), message, known, **suggestion(text.span(), meant))
    return None


def read_effects(ctx: Context, operand: Operand, key: Key) -> Name | None:
    """Read `once`."""
    text = texts.constant_text(ctx, operand, "once")
    if text is None:
        return None
    if text.value in EFFECTS:
        return Name(text.value, text.span())
    message = f'expected how often effects happen, found "{short(text.value)}"'
    ctx.report("WF139", text.span(), message, "it can be " + ", ".join(EFFECTS))
    return None


# --- times ----------------------------------------------------------------------


def read_duration(ctx: Context, operand: Operand, key: Key) -> Duration | None:
    """Read a duration: text such as `1m30s`, or a timedelta."""
    value, span = constant(ctx, operand), ctx.span(operand)
    if isinstance(value, datetime.timedelta):
        return _of_timedelta(ctx, value, span)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        message = f"expected a duration such as 30s, 1m30s, 2h or 1d, found {value}"
        help_ = f'write "{value:g}s" for seconds'
        if not 0 <= value < 10**9:
            help_ = 'write "30s" for seconds, which are not less than none'
        ctx.report("WF149", span, message, help=help_)
        return None
    text = texts.constant_text(ctx, operand, "a duration such as 30s")
    return ctx.take(parse_duration(text)) if text is not None else None


def _of_timedelta(
    ctx: Context, value: datetime.timedelta, span: Span
) -> Duration | None:
    milliseconds, rest = divmod(value, datetime.timedelta(milliseconds=1))
    if milliseconds < 0 or rest:
        message, help_ = "a duration is in whole milliseconds", "write at least 1ms"
        if milliseconds < 0:
            message, help_ = "a duration can't be negative", "swap the two times"
        ctx.report("WF149", span, message, help=help_)
        return None
    return ctx.take(parse_duration(_placed(f"{milliseconds}ms", span)))


def _placed(value: str, span: Span) -> Text:
    return verbatim(span.path, value, span.start)


def read_timeout(ctx: Context, operand: Operand, key: Key) -> Duration | None:
    """Read a duration of whole seconds, at least one."""
    duration = read_duration(ctx, operand, key)
    if duration and (duration.milliseconds % 1000 or not duration.milliseconds):
        message = "a timeout is whole seconds, at least one"
        ctx.report("WF126", ctx.span(operand), message)
        return None
    return duration


def read_limit(ctx: Context, operand: Operand, key: Key) -> Duration | None:
    """Read a duration above zero."""
    duration = read_duration(ctx, operand, key)
    if duration and not duration.milliseconds:
        message = "a timeout of zero fails before the step begins"
        help_ = "to skip the step, use when"
        ctx.report("WF126", ctx.span(operand), message, help=help_)
        return None
    return duration


def read_expression(ctx: Context, operand: Operand, key: Key) -> Expr | None:
    """Read an expression."""
    written = isinstance(operand, ast.Constant) and isinstance(operand.value, str)
    if written and key.name == "when":
        message = f'"{key.name}" is a condition, this is text'
        help_ = f"write it without quotes: {key.name}=order.total > 100"
        ctx.report("WF223", ctx.span(operand), message, help=help_)
        return None
    if isinstance(operand, Given):
        return expressions.from_value(ctx, operand)
    return expressions.expression(ctx, operand)


def read_delay(ctx: Context, operand: Operand, key: Key) -> Duration | Expr | None:
    """Read a duration or an expression."""
    if isinstance(operand, Given):
        return read_duration(ctx, operand, key)
    known = constant(ctx, operand)
    if isinstance(operand, ast.JoinedStr) and (help_ := _as_interval(ctx, operand)):
        message = "a duration as text is known when the workflow is compiled"
        ctx.report("WF179", ctx.span(operand), message, help=help_)
        return None
    if known is not UNKNOWN or isinstance(operand, ast.Constant | ast.JoinedStr):
        return read_duration(ctx, operand, key)
    return expressions.expression(ctx, operand)


def _as_interval(ctx: Context, text: ast.JoinedStr) -> str | None:
    """Return how the duration `f"{n}s"` is written that the run knows, if it does."""
    found = texts.flatten(ctx, text) or ()
    fields = [each for each in found if not isinstance(each, Text)]
    if not fields:
        return None
    match found:
        case [Field(expr=number), Text(value=unit)] if unit.strip() in _UNITS:
            return f"write {interval_of(_UNITS[unit.strip()], ctx.shown(number))}"
    return f'write cast({ctx.shown(text)}, "interval")'


_UNITS = {
    written: unit
    for unit in ("second", "minute", "hour", "day")
    for written in (unit[0], unit, f"{unit}s")
} | {"ms": "millisecond"}


# --- types and values -----------------------------------------------------------


def read_type(ctx: Context, operand: Operand, key: Key) -> TypeExpr | None:
    """Read the form of a payload or a result."""
    shape = constant(ctx, operand)
    if is_shape(shape):
        _warn_of_defaults(ctx, shape, ctx.span(operand))
    return types.type_of(ctx, operand)


def _warn_of_defaults(ctx: Context, shape: type, span: Span) -> None:
    """Warn of a default that an object of a class has, and what is sent has not."""
    given = defaults_of(shape)
    name = next((name for name, value in given.items() if value is not None), None)
    if name is None:
        return
    message = f'the default of "{name}" has no effect on what others send'
    help_ = f"declare it as {name}: ... | None = None"
    if not isinstance(given[name], (list, dict)):
        shown = ctx.shown(Given(given[name], span))
        help_ += f", and write coalesce(..., {shown}) where it is read"
    ctx.warn("WF199", span, message, help_)


def read_value(ctx: Context, operand: Operand, key: Key) -> Value | None:
    """Read a JSON value."""
    return value_of(ctx, operand)


def value_of(ctx: Context, operand: Operand) -> Value | None:
    """Read what becomes JSON: displays of Python, constants, and expressions."""
    span = ctx.span(operand)
    if isinstance(operand, Given):
        return _given(ctx, operand)
    match operand:
        case ast.Dict(keys=keys, values=values):
            return _object(ctx, keys, values, span)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return _listing(ctx, items, span)
        case ast.Call() if is_shape(shape := constant(ctx, operand.func)):
            return _record(ctx, operand, shape)
    known = constant(ctx, operand)
    if isinstance(known, (dict, list, tuple)) and not isinstance(operand, ast.Call):
        return _given(ctx, Given(known, span))
    fixed = _fixed(ctx, operand, known)
    if fixed is not None:
        return Constant(fixed, span)
    return texts.template(ctx, operand, text=False)


def _fixed(ctx: Context, operand: Operand, known: Any) -> str | None:
    """Return a number, a boolean or null as JSON writes it."""
    known = plain(known)
    if known is None or isinstance(known, bool):
        return {None: "null", True: "true", False: "false"}[known]
    if not isinstance(known, (int, float, decimal.Decimal)):
        return None
    if isinstance(operand, (ast.Constant, ast.UnaryOp)):
        span = ctx.span(operand)
        written = ctx.places.text[span.start : span.end]
        if _JSON_NUMBER.fullmatch(written):
            return written
    if not has_digits(known):
        return None
    text = str(known).lower()
    return text if _JSON_NUMBER.fullmatch(text) else None


def _given(ctx: Context, given: Given) -> Value | None:
    """Read a constant of the module as JSON."""
    if _holds_itself(given.value, ()):
        ctx.report("WF195", given.span, "the constant holds itself, JSON can't")
        return None
    return _held(ctx, given)


def _holds_itself(value: Any, above: tuple[int, ...]) -> bool:
    """Say whether a list or dict is inside of itself, by the ids of those above it."""
    value = value.fields if isinstance(value, Record) else value
    if not isinstance(value, (dict, list, tuple)):
        return False
    members = value.values() if isinstance(value, dict) else value
    inside = (*above, id(value))
    return id(value) in above or any(_holds_itself(each, inside) for each in members)


def _held(ctx: Context, given: Given) -> Value | None:
    value, span = given.value, given.span
    if isinstance(value, Record):
        value = value.fields
    if isinstance(value, Row):
        value = dict(zip(value.names, value, strict=True))
    if isinstance(value, dict):
        named = [(plain(key), each) for key, each in value.items()]
        pairs = [(key, value_of(ctx, Given(each, span))) for key, each in named]
        if not all(isinstance(key, str) for key, _ in pairs):
            _not_a_key(ctx, span)
            return None
        read = tuple((Name(key, span), each) for key, each in pairs if each is not None)
        return Object(read, span) if len(read) == len(pairs) else None
    if isinstance(value, (list, tuple)):
        items = [value_of(ctx, Given(each, span)) for each in value]
        kept = tuple(each for each in items if each is not None)
        return Listing(kept, span) if len(kept) == len(items) else None
    fixed = _fixed(ctx, given, value)
    if fixed is not None:
        return Constant(fixed, span)
    return texts.template(ctx, given, text=False)


def _object(
    ctx: Context,
    keys: Sequence[ast.expr | None],
    values: Sequence[ast.expr],
    span: Span,
) -> Value | None:
    entries: dict[str, tuple[Name, Value]] = {}
    complete = True
    for key, item in zip(keys, values, strict=True):
        if key is None:
            help_ = "write its members one by one"
            message = "an object can't be unpacked into another"
            ctx.report("WF173", ctx.span(item), message, help=help_)
            complete = False
            continue
        text = texts.constant_text(ctx, key, "the name of a member")
        value = value_of(ctx, item)
        if text is None or value is None:
            complete = False
        elif text.value in entries:
            message = f'member "{text.value}" is there twice'
            ctx.report("WF112", text.span(), message)
            complete = False
        else:
            entries[text.value] = (Name(text.value, text.span()), value)
    return Object(tuple(entries.values()), span) if complete else None


def _not_a_key(ctx: Context, span: Span) -> None:
    ctx.report("WF195", span, "the names of members of JSON are text")


def _listing(ctx: Context, items: Sequence[ast.expr], span: Span) -> Value | None:
    values = [value_of(ctx, item) for item in items]
    kept = tuple(each for each in values if each is not None)
    return Listing(kept, span) if len(kept) == len(values) else None


def _record(ctx: Context, node: ast.Call, shape: type) -> Value | None:
    """Read `Result(status="approved")`, the constructor of a shape."""
    names = fields_of(shape)
    entries, complete = [], True
    if len(node.args) > len(names):
        message = f'"{shape.__name__}" has {counted(len(names), "field")}'
        ctx.report("WF193", ctx.span(node.args[len(names)]), message)
        return None
    for name, arg in zip(names, node.args, strict=False):
        entries.append((Name(name, ctx.span(arg)), value_of(ctx, arg)))
    for keyword in node.keywords:
        span = ctx.places.span(keyword)
        word = Span(span.path, span.start, span.start + len(keyword.arg or "**"))
        if keyword.arg is None or keyword.arg not in names:
            meant = nearest(keyword.arg or "", names)
            message = f'"{shape.__name__}" has no field "{keyword.arg or "**"}"'
            help_ = f'did you mean "{meant}"?' if meant else None
            ctx.report("WF193", word, message, help=help_)
            complete = False
            continue
        entries.append((Name(keyword.arg, word), value_of(ctx, keyword.value)))
    given = {name.text for name, _ in entries}
    missing = [each for each in required_of(shape) if each not in given]
    if missing and complete and not any(each.arg is None for each in node.keywords):
        listed = ", ".join(f'"{each}"' for each in missing)
        message = f'"{shape.__name__}" needs a value for {listed}'
        help_ = f"add {missing[0]}=..."
        ctx.report("WF193", ctx.span(node.func), message, help=help_)
        return None
    for name, default in defaults_of(shape).items():
        if name not in given and complete:
            span = ctx.span(node.func)
            entries.append((Name(name, span), _given(ctx, Given(default, span))))
    read = tuple((name, each) for name, each in entries if each is not None)
    complete = complete and len(read) == len(entries)
    return Object(read, ctx.span(node)) if complete else None


def read_headers(
    ctx: Context, operand: Operand, key: Key
) -> tuple[tuple[Name, Template], ...] | None:
    """Read the headers of a request, whose names differ in more than case."""
    pairs = pairs_of(ctx, operand, "a header")
    if pairs is None:
        return None
    headers: dict[str, tuple[Name, Template]] = {}
    for name, item in pairs:
        value = texts.template(ctx, item)
        if not _HEADER_NAME.fullmatch(name.text):
            message = f'"{name.text}" is not the name of a header'
            ctx.report("WF131", name.span, message)
        elif name.text.lower() in headers:
            message = f'header "{name.text}" is there twice'
            ctx.report("WF112", name.span, message, help="case makes no difference")
        elif value:
            headers[name.text.lower()] = (name, value)
    return tuple(headers.values())


def pairs_of(
    ctx: Context, operand: Operand, what: str
) -> list[tuple[Name, Operand]] | None:
    """Return the names and values of a dict, whose names are those of `what`."""
    span = ctx.span(operand)
    if isinstance(operand, ast.Dict):
        pairs: list[tuple[Name, Operand]] = []
        for key, value in zip(operand.keys, operand.values, strict=True):
            given = key if key is not None else Given(None, ctx.span(value))
            text = texts.constant_text(ctx, given, f"the name of {what}")
            if text is None:
                return None
            pairs.append((Name(text.value, text.span()), value))
        return pairs
    known = constant(ctx, operand)
    if isinstance(known, dict):
        named = [(plain(key), each) for key, each in known.items()]
        if all(isinstance(key, (str, int)) for key, _ in named):
            return [(Name(str(k), span), Given(v, span)) for k, v in named]
    name = what.split()[-1]
    message = f'expected a dict of {name} names, found "{ctx.shown(operand)}"'
    ctx.report("WF193", span, message)
    return None
