"""Annotations to the types of the language.

    int bigint, str text, bool boolean, float double precision, Decimal numeric,
    datetime timestamptz, date, time, timedelta interval, UUID uuid, bytes bytea,
    dict jsonb, T | None nullable, Annotated[int, "integer"] anything else

A `list[T]` is an array where a column or an input is meant, and a JSON list in the
form of a payload or a result; dataclasses and TypedDicts are objects there.
"""

from __future__ import annotations

import ast
import datetime
import decimal
import enum
import types
import typing
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from perdure.frontend.expr import parse_type
from perdure.frontend.python import texts
from perdure.frontend.python.constants import UNKNOWN, constant, is_shape
from perdure.frontend.python.context import Context, Given, Operand
from perdure.frontend.python.held import held, plain, shown
from perdure.source import Run, Span, Text
from perdure.syntax.expr import Name
from perdure.syntax.tree import ListType, NamedType, ShapeType, TypeExpr

_NAMES: Mapping[Any, str] = {
    int: "bigint",
    str: "text",
    bool: "boolean",
    float: "double precision",
    decimal.Decimal: "numeric",
    datetime.datetime: "timestamptz",
    datetime.date: "date",
    datetime.time: "time",
    datetime.timedelta: "interval",
    uuid.UUID: "uuid",
    bytes: "bytea",
    dict: "jsonb",
}
_DICTS = (dict, Mapping, typing.Mapping, typing.Dict)  # noqa: UP006 - as users write it
_LISTS = (list, Sequence, typing.Sequence, typing.List)  # noqa: UP006 - as above
_DEPTH = 50
_HELP = (
    "int, str, bool, float, Decimal, datetime, date, time, timedelta, UUID, bytes, "
    'dict, list[T], T | None; Annotated[int, "integer"] for any other type'
)


def named(
    ctx: Context, operand: Operand, *, annotation: bool = False
) -> NamedType | None:
    """Read the type of an input, or of a cast."""
    read = type_of(ctx, operand, arrays=True, annotation=annotation)
    if isinstance(read, (ShapeType, ListType)):
        message = "an input has one type, an object is jsonb"
        ctx.report("WF192", read.span, message, help="write dict")
        return None
    return read


def type_of(
    ctx: Context, operand: Operand, *, arrays: bool = False, annotation: bool = False
) -> TypeExpr | None:
    """Read a type; `arrays` says that a `list[T]` is an array.

    What stands in quotes is a type of Python in an annotation, elsewhere PostgreSQL's.
    """
    return _Reader(ctx, arrays, annotation).read(operand, 0)


class _Reader:
    def __init__(self, ctx: Context, arrays: bool, annotation: bool) -> None:
        self.ctx = ctx
        self.arrays = arrays
        self.annotation = annotation
        self.where: list[str] = []

    def read(self, operand: Operand, depth: int) -> TypeExpr | None:
        if depth > _DEPTH:
            message = "the type nests too deeply, or contains itself"
            self.ctx.report("WF192", self.ctx.span(operand), message)
            return None
        if isinstance(operand, Given):
            return self._object(operand.value, operand.span, depth)
        return self._node(operand, depth + 1)

    def _node(self, node: ast.expr, depth: int) -> TypeExpr | None:
        span = self.ctx.span(node)
        match node:
            case ast.Constant(value=str()):
                return self._quoted(node, depth)
            case ast.Dict(keys=keys, values=values):
                return self._mapping(keys, values, span, depth)
            case ast.List(elts=[item]):
                of = self.read(item, depth)
                return ListType(of, False, span) if of else None
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return self._union([left, right], node, depth)
            case ast.Subscript(value=generic, slice=inner):
                known = constant(self.ctx, generic)
                args = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                return self._generic(known, args, node, depth)
        value = constant(self.ctx, node)
        if value is UNKNOWN:
            shown = self.ctx.shown(node)
            message = f'there is no type "{shown}"'
            self.ctx.report("WF192", span, message, help=_HELP)
            return None
        return self._object(value, span, depth)

    def _quoted(self, node: ast.Constant, depth: int) -> TypeExpr | None:
        """Read an annotation in quotes: as Python, or else as PostgreSQL's name."""
        assert isinstance(node.value, str)
        value = self._quoted_python(node.value) if self.annotation else UNKNOWN
        if value is not UNKNOWN:
            return self._object(value, self.ctx.span(node), depth)
        text = texts.constant_text(self.ctx, node, "a type")
        return self._by_name(text) if text is not None else None

    def _by_name(self, text: Text) -> TypeExpr | None:
        """Read a type of PostgreSQL, or one of the project's shared definitions."""
        type_ = self.ctx.take(parse_type(text))
        known = None
        if type_ is not None and not self.arrays:
            known = self.ctx.shared.types.get(type_.name)
        if type_ is None or known is None:
            return type_
        return replace(known, nullable=known.nullable or type_.nullable)

    def _quoted_python(self, written: str) -> Any:
        """Return the object that an annotation in quotes names."""
        try:
            code = compile(written.strip(), "<annotation>", "eval")
            return held(eval(code, dict(self.ctx.namespace)))  # as type hints are
        except KeyboardInterrupt:
            raise
        except BaseException:  # no expression, or a name that the module does not have
            return UNKNOWN

    def _mapping(
        self,
        keys: Sequence[ast.expr | None],
        values: Sequence[ast.expr],
        span: Span,
        depth: int,
    ) -> TypeExpr | None:
        fields = []
        for key, value in zip(keys, values, strict=True):
            if key is None:
                message = '"**" can\'t be part of a shape'
                self.ctx.report("WF192", self.ctx.span(value), message)
                continue
            text = texts.constant_text(self.ctx, key, "the name of a field")
            of = self.read(value, depth)
            if text is not None and of is not None:
                fields.append((Name(text.value, self.ctx.span(key)), of))
        if not keys:
            message = "expected fields and their types, found an empty mapping"
            self.ctx.report("WF118", span, message)
        complete = keys and len(fields) == len(keys)
        return ShapeType(tuple(fields), False, span) if complete else None

    def _union(
        self, members: Sequence[Operand], node: ast.expr, depth: int
    ) -> TypeExpr | None:
        flat = list(_alternatives(members))
        others = [each for each in flat if not _is_none(self.ctx, each)]
        if len(others) != 1 or len(flat) == 1:
            message = "a value has one type, only T | None is a union"
            self.ctx.report("WF192", self.ctx.span(node), message)
            return None
        of = self.read(others[0], depth)
        return _nullable(of, self.ctx.span(node)) if of else None

    def _generic(
        self, generic: Any, args: Sequence[ast.expr], node: ast.expr, depth: int
    ) -> TypeExpr | None:
        span = self.ctx.span(node)
        if generic in _LISTS and len(args) == 1:
            return self._list(self.read(args[0], depth), span)
        if generic is typing.Optional and len(args) == 1:
            of = self.read(args[0], depth)
            return _nullable(of, span) if of else None
        if generic is typing.Union:
            return self._union(args, node, depth)
        if generic is typing.Annotated and len(args) > 1:
            text = texts.constant_text(self.ctx, args[1], "a type of PostgreSQL")
            return self._by_name(text) if text is not None else None
        if generic in _DICTS:
            return NamedType("jsonb", False, span)
        value = constant(self.ctx, node)
        if generic is typing.Literal:
            return self._literal([constant(self.ctx, each) for each in args], span)
        if value is UNKNOWN:
            message = f'"{self.ctx.shown(node)}" has no type in PostgreSQL'
            self.ctx.report("WF192", span, message, help=_HELP)
            return None
        return self._object(value, span, depth)

    def _list(self, item: TypeExpr | None, span: Span) -> TypeExpr | None:
        if item is None:
            return None
        if self.arrays and isinstance(item, NamedType):
            return NamedType(f"{item.name}[]", False, span)
        return ListType(item, False, span)

    def _literal(self, values: Sequence[Any], span: Span) -> TypeExpr | None:
        kinds = {type(held(each)) for each in values}
        name = _NAMES.get(next(iter(kinds))) if len(kinds) == 1 else None
        if name is None:
            message = "the values of a Literal are of one type, text or numbers"
            self.ctx.report("WF192", span, message)
            return None
        return NamedType(name, False, span)

    def _object(self, value: Any, span: Span, depth: int) -> TypeExpr | None:
        """Read a type that is known as an object, as the fields of a class are."""
        value = held(value)
        if value is UNKNOWN or value is None:
            self._unknown(value, span)
            return None
        if isinstance(value, dict):
            return self._shape(value, span, depth)
        if value in _LISTS:
            return NamedType("jsonb", False, span)
        if value in _DICTS or (isinstance(value, type) and value in _NAMES):
            return NamedType(_NAMES.get(value, "jsonb"), False, span)
        if isinstance(value, str):
            return self._by_name(_placed(value, span))
        if is_shape(value):
            return self._class(value, span, depth)
        if isinstance(value, type) and issubclass(value, enum.Enum):
            return self._literal([plain(each) for each in value], span)
        if isinstance(value, typing.NewType):
            return self._object(value.__supertype__, span, depth)
        return self._generic_object(value, span, depth)

    def _generic_object(self, value: Any, span: Span, depth: int) -> TypeExpr | None:
        origin, args = typing.get_origin(value), typing.get_args(value)
        if origin in _LISTS and args:
            return self._list(self.read(Given(args[0], span), depth + 1), span)
        if origin in _DICTS:
            return NamedType("jsonb", False, span)
        if origin is typing.Annotated and isinstance(args[1], str):
            return self._by_name(_placed(args[1], span))
        if origin is typing.Literal:
            return self._literal(args, span)
        if origin in (typing.NotRequired, typing.Required):
            of = self.read(Given(args[0], span), depth + 1)
            optional = origin is typing.NotRequired
            return _nullable(of, span) if of and optional else of
        if origin in (typing.Union, types.UnionType):
            others = [each for each in args if each is not type(None)]
            if len(others) == 1:
                of = self.read(Given(others[0], span), depth + 1)
                return _nullable(of, span) if of else None
        self._unknown(value, span)
        return None

    def _class(self, shape: type, span: Span, depth: int) -> TypeExpr | None:
        try:
            hints = typing.get_type_hints(shape, include_extras=True)
        except KeyboardInterrupt:
            raise
        except BaseException as failure:  # a name that the class's module does not have
            message = f'the fields of "{shape.__name__}" have no types: {failure}'
            self.ctx.report("WF192", span, message)
            return None
        self.where.append(shape.__name__)
        try:
            return self._shape(hints, span, depth)
        finally:
            self.where.pop()

    def _shape(
        self, hints: Mapping[Any, Any], span: Span, depth: int
    ) -> TypeExpr | None:
        fields = []
        for name, hint in hints.items():
            self.where.append(str(name))
            of = self.read(Given(hint, span), depth + 1)
            self.where.pop()
            if of is not None:
                fields.append((Name(str(name), span), of))
        complete = hints and len(fields) == len(hints)
        return ShapeType(tuple(fields), False, span) if complete else None

    def _unknown(self, value: Any, span: Span) -> None:
        name = getattr(value, "__name__", None) or shown(value)
        message = f'"{name}" has no type in PostgreSQL'
        place = (f'it is the type of "{".".join(self.where)}"',) if self.where else ()
        self.ctx.report("WF192", span, message, *place, help=_HELP)


def _alternatives(members: Sequence[Operand]) -> Sequence[Operand]:
    flat: list[Operand] = []
    for each in members:
        match each:
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                flat += _alternatives([left, right])
            case _:
                flat.append(each)
    return flat


def _is_none(ctx: Context, operand: Operand) -> bool:
    return constant(ctx, operand) is None


def _nullable(of: TypeExpr, span: Span) -> TypeExpr:
    match of:
        case NamedType():
            return NamedType(of.name, True, span)
        case ShapeType():
            return ShapeType(of.fields, True, span)
        case ListType():
            return ListType(of.item, True, span)


def _placed(value: str, span: Span) -> Text:
    """Return a type's name that stands in another place than it is used."""
    runs = tuple(Run(i, span.start, 1) for i in range(len(value)))
    return Text(value, span, runs)
