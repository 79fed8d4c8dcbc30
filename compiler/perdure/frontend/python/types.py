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
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from perdure.frontend.expr import parse_type
from perdure.frontend.python import texts
from perdure.frontend.python.constants import (
    UNKNOWN,
    constant,
    fields_of,
    is_shape,
    optional_of,
)
from perdure.frontend.python.context import Context, Given, Operand
from perdure.frontend.python.held import Opaque, held, plain, shown
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
_QUALIFIERS = [typing.NotRequired, typing.Required, typing.Final]
_QUALIFIERS += filter(None, [getattr(typing, "ReadOnly", None)])  # from Python 3.13 on
_TUPLES = (tuple, typing.Tuple)  # noqa: UP006 - as users write it
_DEPTH = 50
_HELP = (
    "int, str, bool, float, Decimal, datetime, date, time, timedelta, UUID, bytes, "
    'dict, list[T], T | None; Annotated[int, "integer"] for any other type'
)


def named(
    ctx: Context, operand: Operand, *, annotation: bool = False
) -> NamedType | None:
    """Read the type that a value has in PostgreSQL, as that of a cast."""
    return _named(ctx, _Reader(ctx, True, annotation), operand)


def of_input(
    ctx: Context, operand: Operand
) -> tuple[NamedType | None, tuple[Any, ...]]:
    """Read the type of an input, and the values that it takes if not any."""
    reader = _Reader(ctx, True, True)
    read = _named(ctx, reader, operand)
    return read, reader.choices if read is not None else ()


def _named(ctx: Context, reader: _Reader, operand: Operand) -> NamedType | None:
    read = reader.read(operand, 0)
    if isinstance(read, (ShapeType, ListType)):
        message = "an input has one type, an object is jsonb"
        help_ = (
            "write dict" if isinstance(read, ShapeType) else "write list[T], or list"
        )
        ctx.report("WF192", read.span, message, help=help_)
        return None
    return read


def type_of(
    ctx: Context, operand: Operand, *, arrays: bool = False, annotation: bool = False
) -> TypeExpr | None:
    """Read a type; `arrays` says that a `list[T]` is an array.

    What stands in quotes is a type of Python in an annotation, elsewhere PostgreSQL's.
    """
    return _Reader(ctx, arrays, annotation).read(operand, 0)


def classes(ctx: Context, node: ast.expr) -> list[Any]:
    """Return the classes that an annotation names, without None beside them."""
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*classes(ctx, left), *classes(ctx, right)]
        case ast.Subscript(value=generic, slice=inner):
            optional = constant(ctx, generic) is typing.Optional
            return classes(ctx, inner) if optional else []
    known = constant(ctx, node)
    return [known] if isinstance(known, type) else []


class _Reader:
    def __init__(self, ctx: Context, arrays: bool, annotation: bool) -> None:
        self.ctx = ctx
        self.arrays = arrays
        self.annotation = annotation
        self.where: list[str] = []
        self.choices: tuple[Any, ...] = ()

    def read(self, operand: Operand, depth: int) -> TypeExpr | None:
        if depth > _DEPTH:
            message = "the type nests too deeply, or contains itself"
            help_ = "write dict where it repeats"
            self.ctx.report("WF192", self.ctx.span(operand), message, help=help_)
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
            absent = isinstance(node, ast.Name) and not self.ctx.known(node.id)
            help_ = _absent(shown) if absent else _HELP
            self.ctx.report("WF192", span, message, help=help_)
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
        self.choices = ()
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
            help_ = "write the one that it has, or dict for JSON of any form"
            self.ctx.report("WF192", self.ctx.span(node), message, help=help_)
            return None
        of = self.read(others[0], depth)
        return _nullable(of, self.ctx.span(node)) if of else None

    def _generic(
        self, generic: Any, args: Sequence[ast.expr], node: ast.expr, depth: int
    ) -> TypeExpr | None:
        span = self.ctx.span(node)
        if generic in _LISTS and len(args) == 1:
            return self._list(self.read(args[0], depth), span)
        if generic in _TUPLES:
            more = [constant(self.ctx, each) for each in args[1:]]
            return self._tuple(args[0], more, span, depth)
        if generic is typing.Optional and len(args) == 1:
            of = self.read(args[0], depth)
            return _nullable(of, span) if of else None
        if generic is typing.Union:
            return self._union(args, node, depth)
        if generic is typing.Annotated and len(args) > 1:
            named = [x for x in args[1:] if texts.flatten(self.ctx, x) is not None]
            if not named:  # what else is said of a type is for others
                return self.read(args[0], depth)
            text = texts.constant_text(self.ctx, named[0], "a type of PostgreSQL")
            of = self._by_name(text) if text is not None else None
            return _nullable(of, of.span) if of and self._optional(args[0]) else of
        if generic in _DICTS:
            return NamedType("jsonb", False, span)
        value = constant(self.ctx, node)
        if generic is typing.Literal:
            return self._literal([constant(self.ctx, each) for each in args], span)
        if value is UNKNOWN:
            message = f'"{self.ctx.shown(node)}" has no type in PostgreSQL'
            help_ = "write a class without parameters" if is_shape(generic) else _HELP
            self.ctx.report("WF192", span, message, help=help_)
            return None
        return self._object(value, span, depth)

    def _optional(self, node: ast.expr) -> bool:
        """Say whether an annotation takes None, whatever else it is."""
        match node:
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                flat = _alternatives([left, right])
                return any(_is_none(self.ctx, each) for each in flat)
            case ast.Subscript(value=generic):
                return constant(self.ctx, generic) is typing.Optional
        return _takes_none(constant(self.ctx, node))

    def _list(self, item: TypeExpr | None, span: Span) -> TypeExpr | None:
        self.choices = ()
        if item is None:
            return None
        if self.arrays and isinstance(item, NamedType):
            return NamedType(f"{item.name}[]", False, span)
        return ListType(item, False, span)

    def _tuple(
        self, item: Operand, more: Sequence[Any], span: Span, depth: int
    ) -> TypeExpr | None:
        """Read `tuple[int, ...]`; the parts of other tuples need names."""
        if len(more) == 1 and more[0] is ...:
            return self._list(self.read(item, depth), span)
        message = "a tuple has no type in PostgreSQL: its parts have no names"
        help_ = "write class Pair(NamedTuple): with a field for each part, or list[T]"
        self.ctx.report("WF192", span, message, help=help_)
        return None

    def _literal(self, values: Sequence[Any], span: Span) -> TypeExpr | None:
        """Read the type of some values; of enums it is that of their members' values.

        A flag may be several of its members at once.
        """
        given = [each for each in values if each is not None]
        kinds = {type(plain(held(each))) for each in given}
        name = _NAMES.get(next(iter(kinds))) if len(kinds) == 1 else None
        if name is None:
            message = "the values of a Literal or an enum are of one type"
            help_ = "make them all text, or all numbers"
            self.ctx.report("WF192", span, message, help=help_)
            return None
        flags = any(isinstance(each, enum.Flag) for each in given)
        self.choices = () if flags else tuple(given)
        return NamedType(name, len(given) < len(values), span)

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
            named = self._quoted_python(value) if self.annotation else UNKNOWN
            if named is not UNKNOWN and not isinstance(named, str):
                return self._object(named, span, depth + 1)
            return self._by_name(placed(value, span))
        if is_shape(value):
            return self._class(value, span, depth)
        if isinstance(value, type) and issubclass(value, enum.Enum):
            return self._literal(list(value), span)
        if isinstance(value, typing.NewType):
            return self._object(value.__supertype__, span, depth)
        if type(value).__name__ == "TypeAliasType":  # of `type Id = int`, Python 3.12
            return self._alias(value, span, depth)
        return self._generic_object(value, span, depth)

    def _generic_object(self, value: Any, span: Span, depth: int) -> TypeExpr | None:
        origin, args = typing.get_origin(value), typing.get_args(value)
        if origin in _LISTS and args:
            return self._list(self.read(Given(args[0], span), depth + 1), span)
        if origin is tuple and args:
            return self._tuple(Given(args[0], span), args[1:], span, depth + 1)
        if origin in _DICTS:
            return NamedType("jsonb", False, span)
        if origin is typing.Annotated:
            names = [each for each in args[1:] if type(each) is str]
            if not names:
                return self.read(Given(args[0], span), depth + 1)
            of = self._by_name(placed(names[0], span))
            return _nullable(of, span) if of and _takes_none(args[0]) else of
        if origin is typing.Literal:
            return self._literal(args, span)
        if origin in _QUALIFIERS:
            return self.read(Given(args[0], span), depth + 1)
        if origin in (typing.Union, types.UnionType):
            others = [each for each in args if each is not type(None)]
            if len(others) == 1:
                of = self.read(Given(others[0], span), depth + 1)
                return _nullable(of, span) if of else None
        self._unknown(value, span)
        return None

    def _alias(self, alias: Any, span: Span, depth: int) -> TypeExpr | None:
        """Read what a name of a type stands for, which is looked up only now."""
        try:
            meant = alias.__value__
        except Exception as failure:  # a name that its module does not have
            message = f'"{alias}" is no type: {failure}'
            self.ctx.report("WF192", span, message)
            return None
        return self.read(Given(meant, span), depth + 1)

    def _class(self, shape: type, span: Span, depth: int) -> TypeExpr | None:
        try:
            hints = typing.get_type_hints(shape, include_extras=True)
            names, optional = fields_of(shape), optional_of(shape)
        except KeyboardInterrupt:
            raise
        except BaseException as failure:  # a name that the class's module does not have
            message = f'the fields of "{shape.__name__}" have no types: {failure}'
            name = getattr(failure, "name", None)
            help_ = _absent(name) if name else None
            self.ctx.report("WF192", span, message, help=help_)
            return None
        untyped = next((each for each in names if each not in hints), None)
        if untyped is not None or not names:
            what = f'"{untyped}" has no type' if untyped else "it has no fields"
            message = f'"{shape.__name__}" is no form of an object: {what}'
            self.ctx.report(
                "WF192",
                span,
                message,
                help="write its fields with types, as in name: str",
            )
            return None
        wanted = {name: hints[name] for name in names}
        self.where.append(shape.__name__)
        try:
            return self._shape(wanted, span, depth, optional)
        finally:
            self.where.pop()

    def _shape(
        self,
        hints: Mapping[Any, Any],
        span: Span,
        depth: int,
        optional: AbstractSet[str] = frozenset(),
    ) -> TypeExpr | None:
        fields = []
        for name, hint in hints.items():
            self.where.append(str(name))
            of = self.read(Given(hint, span), depth + 1)
            self.where.pop()
            if of is not None:
                of = _nullable(of, span) if name in optional else of
                fields.append((Name(str(name), span), of))
        complete = hints and len(fields) == len(hints)
        return ShapeType(tuple(fields), False, span) if complete else None

    def _unknown(self, value: Any, span: Span) -> None:
        name = getattr(value, "__name__", None) or shown(value)
        message = f'"{name}" has no type in PostgreSQL'
        place = (f'it is the type of "{".".join(self.where)}"',) if self.where else ()
        described = "__annotations__" in getattr(_class_of(value), "__dict__", ())
        help_ = "write it as a dataclass or a TypedDict" if described else _HELP
        self.ctx.report("WF192", span, message, *place, help=help_)


def _class_of(value: Any) -> Any:
    """Return a class, also one that is held as an object, or that has parameters."""
    value = value.itself if isinstance(value, Opaque) else value
    return typing.get_origin(value) or value


def _absent(name: str) -> str:
    """Return what to do where the module does not hold a name."""
    return f'import "{name}" in this module, and not below if TYPE_CHECKING:'


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


def _takes_none(hint: Any) -> bool:
    return type(None) in typing.get_args(hint)


def _nullable(of: TypeExpr, span: Span) -> TypeExpr:
    match of:
        case NamedType():
            return NamedType(of.name, True, span)
        case ShapeType():
            return ShapeType(of.fields, True, span)
        case ListType():
            return ListType(of.item, True, span)


def placed(value: str, span: Span) -> Text:
    """Return a type's name that stands in another place than it is used."""
    runs = tuple(Run(i, span.start, 1) for i in range(len(value)))
    return Text(value, span, runs)
