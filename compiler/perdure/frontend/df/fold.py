"""The value of an argument, as far as it is constant.

What is not, a column or a variable of the function around, becomes a hole in the
text: `{name}`, just as a variable of `df.setvar` is written, and so an input of the
workflow. `quote_literal(x)` and `%L` are holes whose value is text.
"""

from __future__ import annotations

import base64
import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.df.literals import join_texts, plain, quoted
from perdure.frontend.df.nodes import Value
from perdure.frontend.df.sqltree import (
    Array,
    Binary,
    Call,
    Cast,
    Number,
    Prefix,
    Sql,
    String,
    Word,
)
from perdure.source import Span, Text

_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: int(a / b) if b else 0,
}
_OF_POSTGRESQL = frozenset(
    {"current_date", "current_time", "current_timestamp", "localtime"}
    | {"localtimestamp", "current_user", "session_user", "user", "current_role"}
    | {"current_catalog", "current_schema", "default"}
)
"""What stands like a column, and is none."""

_MARK = re.compile(r"\{(\w+)\}")
_FORMAT = re.compile(r"%(?:(%)|(?:(\d+)\$)?([sLI]))?")


class NotConstant(Exception):
    """An argument whose value only PostgreSQL knows."""

    def __init__(self, finding: Diagnostic) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclass(slots=True)
class Folder:
    """Folds arguments; `holes` are the names met, with their type if it is known.

    `paths` says what a name stands for in a statement: `new.id` and `old.id` are two.
    """

    holes: dict[str, str | None] = field(default_factory=dict)
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def fold(self, sql: Sql) -> Value:
        """Return the value of an expression; raise `NotConstant`."""
        match sql:
            case String():
                return sql.text
            case Number():
                return number_of(sql)
            case Word(path=(name,)) if name in ("true", "false"):
                return name == "true"
            case Word(path=("null",)):
                return None
            case Word(path=(name,)) if name.lower() in _OF_POSTGRESQL:
                raise NotConstant(_not_constant(sql.span))
            case Word():
                return self.hole(sql, None)
            case Cast():
                return self.cast(sql)
            case Prefix(op="-" | "+"):
                value = self.fold(sql.operand)
                if isinstance(value, int | float):
                    return -value if sql.op == "-" else value
            case Binary():
                return self.binary(sql)
            case Array():
                return [self.fold(each) for each in sql.items]
            case Call():
                return self.call(sql)
        raise NotConstant(_not_constant(sql.span))

    def text(self, sql: Sql) -> Text:
        """Return the value of an expression of type text."""
        value = self.fold(sql)
        if isinstance(value, Text):
            return value
        if isinstance(value, bool) or value is None or isinstance(value, dict | list):
            raise NotConstant(_not_constant(sql.span))
        return plain(str(value), sql.span)

    def hole(self, word: Word, type_: str | None) -> Text:
        """Return the mark of a value that each run has of its own."""
        path = tuple(each.lower() for each in word.path)
        names = [path[-1], "_".join(path), *(f"{path[-1]}_{n}" for n in range(2, 99))]
        free = (each for each in names if self.paths.setdefault(each, path) == path)
        name = next(free, path[-1])
        if not re.fullmatch(r"[a-z_]\w*", name, re.I | re.A):
            raise NotConstant(_not_constant(word.span))
        self.holes[name] = type_ or self.holes.get(name)
        return plain(f"{{{name}}}", word.span)

    def cast(self, sql: Cast) -> Value:
        """Return the value of a cast: JSON is parsed, a hole gets its type."""
        value = self.fold(sql.operand)
        if isinstance(value, Text) and sql.type in ("json", "jsonb"):
            return json_of(value)
        if name := _marked(value):
            if isinstance(sql.operand, Word) and sql.type != "text":
                self.holes[name] = sql.type
            return value
        if isinstance(value, Text) and sql.type in ("int", "integer", "bigint", "int4"):
            return integer_of(value)
        if sql.type in ("text", "varchar") and isinstance(value, int):
            return plain(str(value), sql.span)
        return value

    def binary(self, sql: Binary) -> Value:
        """Return text put together, or the result of integers."""
        if sql.op == "||":
            return join_texts([self.text(sql.left), self.text(sql.right)])
        left, right = self.fold(sql.left), self.fold(sql.right)
        if sql.op in _ARITHMETIC and isinstance(left, int) and isinstance(right, int):
            return _ARITHMETIC[sql.op](left, right)
        raise NotConstant(_not_constant(sql.span))

    def call(self, sql: Call) -> Value:
        """Return what one of a few functions gives."""
        name = sql.function[-1]
        given = [each.value for each in sql.arguments]
        if name in ("quote_literal", "quote_nullable") and len(given) == 1:
            return self.quoted(given[0])
        if name == "quote_ident" and len(given) == 1:
            return self.placed("I", given[0])
        if name == "format" and given:
            return self.formatted(given)
        if name == "concat":
            return join_texts([self.text(each) for each in given])
        if name in ("jsonb_build_object", "json_build_object") and len(given) % 2 == 0:
            keys = [self.text(each).value for each in given[::2]]
            return dict(zip(keys, map(self.fold, given[1::2]), strict=True))
        if name in ("jsonb_build_array", "json_build_array"):
            return [self.fold(each) for each in given]
        if name == "encode" and len(given) == 2:
            data = self.text(given[0]).value.encode()
            return plain(base64.b64encode(data).decode(), sql.span)
        if name == "convert_to" and given:
            return self.text(given[0])
        if name == "chr" and len(given) == 1:
            code = self.fold(given[0])
            if isinstance(code, int) and 0 < code <= sys.maxunicode:
                return plain(chr(code), sql.span)
        raise NotConstant(_not_constant(sql.span))

    def quoted(self, sql: Sql) -> Text:
        """Return a value as a literal of SQL."""
        if isinstance(sql, Word) and sql.path != ("null",):
            return self.hole(sql, "text")
        if isinstance(sql, Cast) and isinstance(sql.operand, Word):
            return self.hole(sql.operand, "text")
        return plain(quoted(self.text(sql).value), sql.span)

    def formatted(self, given: list[Sql]) -> Text:
        """Return what `format` makes; `%I` of anything but a constant is refused."""
        pattern, *values = given
        text = self.text(pattern)
        parts: list[Text] = []
        at = count = 0
        for match in _FORMAT.finditer(text.value):
            parts.append(text.slice(at, match.start()))
            at = match.end()
            if match[1]:
                parts.append(text.slice(match.start(), match.start() + 1))
                continue
            count = int(match[2]) if match[2] else count + 1
            if not match[3] or not 0 < count <= len(values):
                raise NotConstant(_not_constant(pattern.span))
            parts.append(self.placed(match[3], values[count - 1]))
        return join_texts([*parts, text.slice(at, len(text.value))])

    def placed(self, how: str, value: Sql) -> Text:
        """Return what `%s`, `%L` or `%I` makes of a value."""
        if how == "I" and not isinstance(value, String):
            raise NotConstant(_not_constant(value.span))
        if how == "I":
            name = self.text(value).value.replace('"', '""')
            return plain(f'"{name}"', value.span)  # which keywords may need
        return self.quoted(value) if how == "L" else self.text(value)


def hole_of(value: Value, holes: Mapping[str, str | None]) -> str | None:
    """Return the hole that a value is the mark of, and nothing else."""
    name = _marked(value)
    return name if name in holes else None


def _marked(value: Value) -> str | None:
    found = _MARK.fullmatch(value.value) if isinstance(value, Text) else None
    return found[1] if found else None


def number_of(sql: Number) -> int | float:
    """Return the value of a number: `5`, `1_000`, `0x1f`, `1.5e3`."""
    text = sql.text.replace("_", "").lower()
    if text.isdigit():
        return int(text)
    if text[:2] in ("0x", "0o", "0b"):
        return int(text, 0)
    value = float(text)
    if math.isinf(value):
        raise NotConstant(_not_constant(sql.span))
    return value


def integer_of(text: Text) -> int:
    """Return the integer that a text is cast to; raise `NotConstant` if it is none."""
    if re.fullmatch(r"\s*[-+]?\d{1,19}\s*", text.value, re.ASCII):
        return int(text.value)
    message = "this is no integer"
    raise NotConstant(error("WF802", text.whole, message))


def json_of(text: Text) -> Value:
    """Return parsed JSON, strings as texts at the place of the whole.

    Raises `NotConstant` for what is no JSON.
    """
    try:
        read = json.loads(text.value, parse_float=float)
    except ValueError:
        message = "this is no JSON"
        raise NotConstant(error("WF802", text.whole, message)) from None
    return as_value(read, text.whole)


def as_value(read: object, span: Span) -> Value:
    """Return parsed JSON as a value, all of it at one place."""
    match read:
        case dict():
            return {str(key): as_value(each, span) for key, each in read.items()}
        case list():
            return [as_value(each, span) for each in read]
        case str():
            return plain(read, span)
        case bool() | int() | float():
            return read
    return None


def _not_constant(span: Span) -> Diagnostic:
    return error(
        "WF804",
        span,
        "only PostgreSQL knows the value of this expression",
        help="write the constant here; a value for each run becomes an input",
    )
