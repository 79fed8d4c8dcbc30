"""Expressions as written: `order.total > threshold and not done`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as OneOf

from perdure.source import Span


@dataclass(frozen=True, slots=True)
class Name:
    """A word with its place."""

    text: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. `text` is the number as written, or the decoded string.

    Booleans have the text `true` or `false`, null has `null`.
    """

    kind: OneOf["number", "string", "boolean", "null"]
    text: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference: `threshold`, `order.total`, `approval.data.approved`."""

    parts: tuple[Name, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`not x`, `-x`, `+x`."""

    op: OneOf["not", "-", "+"]
    operand: Expr
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator with two operands; `!=` is stored as `<>`, words in lower case.

    Operators: `and or = <> < <= > >= + - * / % || -> ->> like ilike`, and the
    negated `not like`, `not ilike`, `is distinct from`, `is not distinct from`.
    """

    op: str
    left: Expr
    right: Expr
    span: Span = field(compare=False)
    op_span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class IsTest:
    """`x is [not] null | true | false | unknown`."""

    operand: Expr
    test: OneOf["null", "true", "false", "unknown"]
    negated: bool
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class InList:
    """`x [not] in (a, b)`."""

    operand: Expr
    items: tuple[Expr, ...]
    negated: bool
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Between:
    """`x [not] between low and high`."""

    operand: Expr
    low: Expr
    high: Expr
    negated: bool
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class When:
    """One `when condition then result` of a `case`."""

    condition: Expr
    result: Expr


@dataclass(frozen=True, slots=True)
class Case:
    """`case [operand] when ... then ... [else ...] end`."""

    operand: Expr | None
    whens: tuple[When, ...]
    otherwise: Expr | None
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Cast:
    """`x::type`, `cast(x as type)`, and typed literals such as `interval '1 day'`."""

    operand: Expr
    type: Name
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function, its name perhaps qualified: `lower(x)`."""

    function: Name
    args: tuple[Expr, ...]
    span: Span = field(compare=False)


Expr = Literal | Ref | Unary | Binary | IsTest | InList | Between | Case | Cast | Call
