"""Expressions of SQL as far as df expressions need them."""

from __future__ import annotations

from dataclasses import dataclass, field

from perdure.source import Span, Text


@dataclass(frozen=True, slots=True)
class String:
    """A string literal in any quoting, decoded."""

    text: Text
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    text: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Word:
    """A name: a column, a variable of a function or of psql; or true, false, null."""

    path: tuple[str, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument, perhaps by name."""

    name: str | None
    value: Sql


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function; its name in lower case."""

    function: tuple[str, ...]
    arguments: tuple[Argument, ...]
    span: Span = field(compare=False)
    name_span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """`a ~> b`."""

    op: str
    left: Sql
    right: Sql
    span: Span = field(compare=False)
    op_span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Prefix:
    """`@> a`, `-a`, `not a`."""

    op: str
    operand: Sql
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Cast:
    """`a::type`, `cast(a as type)`, `type 'a'`."""

    operand: Sql
    type: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Array:
    """`array[a, b]`."""

    items: tuple[Sql, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Other:
    """Anything else: a sub-select, `case`, a parameter."""

    span: Span = field(compare=False)


Sql = String | Number | Word | Call | Binary | Prefix | Cast | Array | Other
