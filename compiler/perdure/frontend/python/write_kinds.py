"""What type checkers take the values of a workflow for that is written as Python.

A number with a fraction is numeric in PostgreSQL and a `float` for mypy and pyright,
which refuse to mix those with `Decimal`. So such a number becomes `Decimal("0.19")`
where it meets one, or an integer, or is declared numeric; next to the column of a step,
of which nothing is known, it stays `1.19`. What no checker would take in any form, as
a name that is bound to an integer and to a text, is written as `expr("...")`. The
rejected way, `Decimal` for all of them, makes `order.total / 1.19` hard to read.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from perdure.frontend.python.write_unsure import Parts, parts_of, unsure_names
from perdure.syntax.expr import (
    Between,
    Binary,
    Call,
    Case,
    Cast,
    Expr,
    InList,
    IsTest,
    Literal,
    Ref,
    Unary,
)
from perdure.syntax.tree import (
    Constant,
    ForeachStep,
    LetStep,
    Listing,
    ListType,
    Mapping,
    NamedType,
    ReturnStep,
    ShapeType,
    Template,
    TypeExpr,
    Value,
    Workflow,
)
from perdure.syntax.walk import below, children, walk

ANY = "Any"
FRACTION = "fraction"
"""A number that may be written as a float or as a `Decimal`."""

_KINDS = {
    "bigint": "int",
    "text": "str",
    "boolean": "bool",
    "double precision": "float",
    "numeric": "Decimal",
    "timestamptz": "datetime",
    "date": "date",
    "time": "time",
    "interval": "timedelta",
    "uuid": "UUID",
    "bytea": "bytes",
}
_LITERALS = {"string": "str", "boolean": "bool", "null": "None"}
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})
_ORDERED = frozenset({"<", "<=", ">", ">="})
_COMPARISONS = frozenset({"=", "<>"}) | _ORDERED
_NUMBERS = ("int", "float", "Decimal")
_EXPRESSIONS = (Between, Binary, Call, Case, Cast, InList, IsTest, Literal, Ref, Unary)
_PASSES = 5


@dataclass(slots=True)
class Kinds:
    """The kinds of names; `decimals` and `opaque` hold the `id` of what is marked.

    `decimals` are numbers that are written as `Decimal`, `opaque` expressions that are
    written as PostgreSQL's; `floating` says that some input is a float, and `unsure`
    are references that may be `None`.
    """

    names: dict[str, str] = field(default_factory=dict)
    decimals: set[int] = field(default_factory=set)
    opaque: set[int] = field(default_factory=set)
    floating: bool = False
    unsure: frozenset[Parts] = frozenset()

    # --- expressions

    def of(self, expr: Expr) -> str:
        """Return what a checker takes an expression for; mark the numbers in it."""
        kind = self._of(expr)
        return ANY if id(expr) in self.opaque else kind

    def _of(self, expr: Expr) -> str:
        match expr:
            case Literal(kind="number"):
                return "int" if expr.text.isdecimal() else FRACTION
            case Literal():
                return _LITERALS.get(expr.kind, ANY)
            case Ref(parts=[name]):
                return self.names.get(name.text, ANY)
            case Unary(op="not"):
                return self._all("bool", expr.operand)
            case Unary():
                return self.of(expr.operand)
            case Binary():
                return self._binary(expr)
            case Case():
                return self._case(expr)
            case IsTest() | InList() | Between():
                return self._all("bool", *_inside(expr))
        return self._all(ANY, *_inside(expr))

    def _all(self, kind: str, *parts: Expr) -> str:
        for each in parts:
            self.of(each)
        return kind

    def _binary(self, expr: Binary) -> str:
        kinds = self.of(expr.left), self.of(expr.right)
        if expr.op in _ARITHMETIC | _ORDERED and self._may_be_none(expr, kinds):
            self.opaque.add(id(expr))
            return ANY
        if expr.op in _ARITHMETIC:
            return self._arithmetic(expr, *kinds)
        if expr.op in _COMPARISONS:
            same = isinstance(expr.left, Literal) and isinstance(expr.right, Literal)
            if same:  # a checker knows the answer, and says so
                self.opaque.add(id(expr))
            return ANY if ANY in kinds else "bool"
        if expr.op == "||":
            return "str" if kinds[0] == "str" else ANY
        return "bool" if kinds == ("bool", "bool") else ANY

    def _may_be_none(self, expr: Binary, kinds: tuple[str, str]) -> bool:
        """Say whether a checker refuses an operand, because it may be `None`."""
        unsure = [
            isinstance(each, Ref) and parts_of(each) in self.unsure
            for each in (expr.left, expr.right)
        ]
        known = [kind != ANY for kind in kinds]
        pairs = zip(unsure, reversed(known), strict=True)
        return all(unsure) or any(a and b for a, b in pairs)

    def _arithmetic(self, expr: Binary, left: str, right: str) -> str:
        kinds = {left, right}
        if FRACTION in kinds and kinds <= {FRACTION, "int", "Decimal"}:
            self.mark(expr.left)
            self.mark(expr.right)
            return "Decimal"
        if not kinds <= {*_NUMBERS, FRACTION}:
            return ANY
        if kinds == {"Decimal", "float"}:
            self.opaque.add(id(expr))
            return ANY
        if kinds == {"int"}:
            return "float" if expr.op == "/" else "int"
        return "Decimal" if "Decimal" in kinds else "float"

    def _case(self, expr: Case) -> str:
        self._all(ANY, *(each.condition for each in expr.whens))
        results = [each.result for each in expr.whens]
        results += [expr.otherwise] if expr.otherwise is not None else []
        kinds = {self.of(each) for each in results}
        return kinds.pop() if len(kinds) == 1 else ANY

    def mark(self, expr: Expr) -> None:
        """Let a number with a fraction be a `Decimal`, if that has the same digits."""
        if isinstance(expr, Unary):
            self.mark(expr.operand)
        elif isinstance(expr, Case):
            for each in (*(when.result for when in expr.whens), expr.otherwise):
                if each is not None:
                    self.mark(each)
        elif isinstance(expr, Literal) and self._of(expr) == FRACTION:
            same = str(decimal.Decimal(expr.text)) == expr.text
            self.decimals |= {id(expr)} if same else set()

    # --- names and results

    def bind(self, steps: list[LetStep]) -> bool:
        """Note what names are bound to; say whether that changed what is known."""
        first: dict[str, Expr] = {}
        changed = False
        for name, expr in (each for step in steps for each in step.bindings):
            kind = self.of(expr)
            if kind == FRACTION and not self.floating:
                self.mark(expr)
                kind = "Decimal"
            known = self.names.setdefault(name.text, kind)
            written = first.setdefault(name.text, expr)
            if kind == "None" != known:
                self.opaque.add(id(expr))
            elif known not in (ANY, "None", kind) and kind != ANY:
                self.names[name.text] = ANY
                self.opaque.add(id(written))
                changed = True
        return changed

    def want(self, value: Value, type_: TypeExpr) -> None:
        """Let what is returned be of the type that is declared."""
        match value, type_:
            case Constant(), NamedType(name="numeric"):
                if value.text not in ("true", "false", "null"):
                    self.decimals.add(id(value))
            case Template(parts=[part]), NamedType() if isinstance(part, _EXPRESSIONS):
                self._want(part, _KINDS.get(type_.name, ANY))
            case Mapping(), ShapeType():
                types = {name.text: of for name, of in type_.fields}
                for name, each in value.entries:
                    if name.text in types:
                        self.want(each, types[name.text])
            case Listing(), ListType():
                for each in value.items:
                    self.want(each, type_.item)

    def _want(self, expr: Expr, wanted: str) -> None:
        found = self.of(expr)
        if found == FRACTION and wanted == "Decimal":
            self.mark(expr)
        elif ANY not in (found, wanted) and found not in (wanted, FRACTION, "None"):
            self.opaque.add(id(expr))


def kinds_of(workflow: Workflow) -> Kinds:
    """Return what checkers take the names and expressions of a workflow for."""
    known = {each.name.text: _declared(each.type) for each in workflow.inputs}
    known |= dict.fromkeys(_results(workflow), ANY)
    floating = "float" in known.values()
    kinds = Kinds(dict(known), floating=floating, unsure=unsure_names(workflow))
    steps = list(walk(workflow))
    lets = [each for each in steps if isinstance(each, LetStep)]
    for _ in range(_PASSES):
        for each in _expressions(steps):
            kinds.of(each)
        if not kinds.bind(lets):
            break
        kinds.decimals.clear()
        wide = {name: kind for name, kind in kinds.names.items() if kind == ANY}
        kinds.names = {**known, **wide}
    for step in below(workflow.steps):
        if isinstance(step, ReturnStep) and step.value and workflow.returns:
            kinds.want(step.value, workflow.returns)
    return kinds


def _declared(type_: TypeExpr) -> str:
    name = type_.name if isinstance(type_, NamedType) else ""
    return _KINDS.get(name, ANY)


def _results(workflow: Workflow) -> Iterator[str]:
    """Yield the names of results and of rows, of which a checker knows nothing."""
    for step in walk(workflow):
        if step.head.name is not None:
            yield step.head.name.text
        if isinstance(step, ForeachStep):
            yield step.item.text


def _inside(expr: Expr) -> Iterator[Expr]:
    return _expressions([*children(expr)])


def _expressions(node: Any) -> Iterator[Expr]:
    """Yield the outermost expressions in a part of a tree."""
    if isinstance(node, _EXPRESSIONS):
        yield node
        return
    for each in children(node):
        yield from _expressions(each)
