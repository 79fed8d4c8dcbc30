"""Expressions as text: in PostgreSQL's syntax, and in Python's where it has one.

Parentheses stand where the precedence of the language needs them. What Python has no
operator for, such as `between`, stands in `expr("...")`.
"""

from __future__ import annotations

import itertools
import json
import keyword
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from perdure.frontend.python.write_kinds import ANY, FRACTION, Kinds
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

_POSTGRES = {"or": 1, "and": 2, "is distinct from": 4, "is not distinct from": 4}
_POSTGRES |= dict.fromkeys(("=", "<>", "<", "<=", ">", ">="), 5)
_POSTGRES |= dict.fromkeys(("like", "ilike", "not like", "not ilike"), 6)
_POSTGRES |= dict.fromkeys(("||", "->", "->>"), 7)
_POSTGRES |= dict.fromkeys(("+", "-"), 8) | dict.fromkeys(("*", "/", "%"), 9)
_CHAINS = {1, 2, 7, 8, 9}

_PYTHON: Mapping[str, tuple[str, int]] = {
    "or": ("or", 2),
    "and": ("and", 3),
    "=": ("==", 5),
    "<>": ("!=", 5),
    "<": ("<", 5),
    "<=": ("<=", 5),
    ">": (">", 5),
    ">=": (">=", 5),
    "+": ("+", 6),
    "-": ("-", 6),
    "*": ("*", 7),
    "/": ("/", 7),
    "%": ("%", 7),
}
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_PARENTHESES = frozenset({"current_catalog", "current_date", "current_role"}) | {
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
}


# --- PostgreSQL -----------------------------------------------------------------


def postgres(expr: Expr) -> str:
    """Return an expression in PostgreSQL's syntax."""
    return _postgres(expr)[0]


def _postgres(expr: Expr) -> tuple[str, int]:
    """Return the text and how tight its loosest operator binds."""
    match expr:
        case Literal():
            return (_quoted(expr.text) if expr.kind == "string" else expr.text), 12
        case Ref():
            return ".".join(part.text for part in expr.parts), 12
        case Unary(op="not"):
            return f"not {_inside(expr.operand, 3)}", 3
        case Unary():
            return f"{expr.op}{_inside(expr.operand, 11)}", 10
        case Binary():
            return _binary(expr)
        case IsTest():
            word = "is not" if expr.negated else "is"
            return f"{_inside(expr.operand, 5)} {word} {expr.test}", 4
        case InList():
            word = "not in" if expr.negated else "in"
            items = ", ".join(postgres(item) for item in expr.items)
            return f"{_inside(expr.operand, 7)} {word} ({items})", 6
        case Between():
            word = "not between" if expr.negated else "between"
            low, high = _inside(expr.low, 7), _inside(expr.high, 7)
            return f"{_inside(expr.operand, 7)} {word} {low} and {high}", 6
        case Cast():
            return f"cast({postgres(expr.operand)} as {expr.type.text})", 12
        case Call():
            return _call(expr), 12
        case Case():
            return _case(expr), 12


def _inside(expr: Expr, needed: int) -> str:
    text, level = _postgres(expr)
    return text if level >= needed else f"({text})"


def _binary(expr: Binary) -> tuple[str, int]:
    level = _POSTGRES[expr.op]
    left = _inside(expr.left, level if level in _CHAINS else level + 1)
    return f"{left} {expr.op} {_inside(expr.right, level + 1)}", level


def _call(expr: Call) -> str:
    name = expr.function.text
    if name in _PARENTHESES and not expr.args:
        return name
    if name == "pg_catalog.extract" and len(expr.args) == 2:
        field, source = expr.args
        if isinstance(field, Literal) and _NAME.fullmatch(field.text):
            return f"extract({field.text} from {postgres(source)})"
    return f"{name}({', '.join(postgres(each) for each in expr.args)})"


def _case(expr: Case) -> str:
    parts = ["case"] + ([postgres(expr.operand)] if expr.operand else [])
    for when in expr.whens:
        parts.append(f"when {postgres(when.condition)} then {postgres(when.result)}")
    if expr.otherwise is not None:
        parts.append(f"else {postgres(expr.otherwise)}")
    return " ".join([*parts, "end"])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- Python ---------------------------------------------------------------------


def string(text: str) -> str:
    """Return text as a Python literal in double quotes."""
    written = quoted(text)
    return written if json.loads(json.dumps(text)) == text else repr(text)


def quoted(text: str) -> str:
    """Return text in double quotes, as both languages have it.

    What can't be seen, such as a mark that turns the order of characters, is escaped.
    """
    written = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else _escaped(each) for each in written)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class PythonExpressions:
    """Writes expressions, and notes which names of perdure they need.

    `bound` are the names that the workflow binds.
    """

    def __init__(self, bound: AbstractSet[str] = frozenset()) -> None:
        self.bound = bound
        self.used: set[str] = set()
        self.kinds = Kinds()

    def word(self, name: str) -> str:
        """Return a name of perdure, in full where the workflow binds the same name."""
        taken = name.split(".")[0] in self.bound
        self.used.add("perdure" if taken else name.split(".")[0])
        return f"perdure.{name}" if taken else name

    def python(self, expr: Expr) -> str:
        """Return an expression in Python's syntax."""
        return self._python(expr)[0]

    def _python(self, expr: Expr) -> tuple[str, int]:
        if id(expr) in self.kinds.opaque:
            return self.written(expr), 12
        match expr:
            case Literal():
                return self.literal(expr), 12
            case Ref():
                return self._reference(expr), 12
            case Unary(op="not"):
                return f"not {self.inside(expr.operand, 4)}", 4
            case Unary():
                return f"{expr.op}{self.inside(expr.operand, 8)}", 8
            case Binary():
                return self._binary(expr)
            case IsTest() if expr.test != "unknown":
                word = "is not" if expr.negated else "is"
                test = {"null": "None", "true": "True", "false": "False"}[expr.test]
                return f"{self.inside(expr.operand, 6)} {word} {test}", 5
            case InList():
                word = "not in" if expr.negated else "in"
                items = ", ".join(self.python(item) for item in expr.items)
                comma = "," if len(expr.items) == 1 else ""
                return f"{self.inside(expr.operand, 6)} {word} ({items}{comma})", 5
            case Cast():
                return self._cast(expr), 12
            case Call():
                return self._call(expr)
            case Case(operand=None):
                return self._case(expr)
        return self.written(expr), 12

    def _reference(self, expr: Ref) -> str:
        first, *members = (part.text for part in expr.parts)
        if any(keyword.iskeyword(each) for each in members):
            return self.written(expr)
        name = self.word(first) if first in ("run", "secrets") else first
        return ".".join([name, *members])

    def inside(self, expr: Expr, needed: int) -> str:
        """Return an operand, in parentheses where it needs them."""
        text, level = self._python(expr)
        return text if level >= needed else f"({text})"

    def written(self, expr: Expr) -> str:
        """Return an expression as PostgreSQL's, in `expr(...)`."""
        return f"{self.word('expr')}({string(postgres(expr))})"

    def literal(self, expr: Literal) -> str:
        """Return a constant."""
        match expr.kind:
            case "string":
                return string(expr.text)
            case "boolean":
                return expr.text.capitalize()
            case "null":
                return "None"
        plain = re.fullmatch(r"(0|[1-9]\d*)(\.\d*)?(e[-+]?\d+)?|\.\d+", expr.text)
        return expr.text if plain else self.written(expr)

    def _binary(self, expr: Binary) -> tuple[str, int]:
        left, right = expr.left, expr.right
        if expr.op == "||" and (formatted := self._formatted(expr)):
            return formatted, 12
        if expr.op == "||" and (is_text(left) or is_text(right)):
            added = {self.kinds.of(left), self.kinds.of(right)} <= {"str", ANY}
            if not _is_sum(expr) or not added:
                return self.written(expr), 12
            return f"{self.inside(left, 6)} + {self.inside(right, 7)}", 6
        if expr.op == "->>" and isinstance(right, Literal):
            return self._member(expr)
        if expr.op not in _PYTHON:
            return self.written(expr), 12
        if expr.op == "+" and (is_text(left) or is_text(right)):
            return self.written(expr), 12
        word, level = _PYTHON[expr.op]
        needed = level + 1 if level == 5 else level
        return (
            f"{self.inside(left, needed)} {word} {self.inside(right, level + 1)}",
            (level),
        )

    def _formatted(self, expr: Binary) -> str | None:
        """Return an f-string, where text comes first, or a value that is made text.

        Elsewhere Python's reader would convert the first value, too. What needs
        quotes or a backslash can't stand in an f-string before Python 3.12.
        """
        first, *rest = _joined(expr)
        if isinstance(first, Cast) and first.type.text == "text":
            if _is_string(first.operand):
                return None
            first = first.operand
        elif not _is_string(first):
            return None
        parts = [first, *rest]
        sides = itertools.pairwise(parts)
        if any(_is_string(one) and _is_string(other) for one, other in sides):
            return None
        fields = [self._field(each) for each in parts]
        return f'f"{"".join(fields)}"' if all(fields) else None

    def _field(self, expr: Expr) -> str:
        """Return a part of an f-string, nothing when it can't be one."""
        if isinstance(expr, Literal):
            written = string(expr.text) if expr.kind == "string" else ""
            plain = written.startswith('"')
            if expr.kind == "boolean" or self.kinds.of(expr) == FRACTION:
                return f"{{{PythonExpressions.literal(self, expr)}}}"
            return written[1:-1].replace("{", "{{").replace("}", "}}") if plain else ""
        value = self.python(expr)
        unfit = set(value) & set("\"'\\\n#{}:!")
        return "" if unfit or value.endswith("=") else f"{{{value}}}"

    def _member(self, expr: Binary) -> tuple[str, int]:
        keys: list[str] = []
        node: Expr = expr
        while isinstance(node, Binary) and node.op in ("->", "->>"):
            plain = isinstance(node.right, Literal) and node.right.kind != "null"
            if not plain or (node.op == "->>") != (node is expr):
                return self.written(expr), 12
            keys.append(f"[{self.python(node.right)}]")
            node = node.left
        if not isinstance(node, Ref):
            return self.written(expr), 12
        return self.python(node) + "".join(reversed(keys)), 12

    def _cast(self, expr: Cast) -> str:
        operand, type_ = expr.operand, expr.type.text
        text = isinstance(operand, Literal) and operand.kind == "string"
        if type_ == "interval" and isinstance(operand, Literal) and text:
            return f"{self.word('interval')}({string(operand.text)})"
        return f"{self.word('cast')}({self.python(operand)}, {string(type_)})"

    def _call(self, expr: Call) -> tuple[str, int]:
        name = expr.function.text.removeprefix("pg_catalog.")
        if name != expr.function.text and name != "extract":
            return self.written(expr), 12
        if not _NAME.fullmatch(name) or name.endswith("_"):
            return self.written(expr), 12
        args = ", ".join(self.python(each) for each in expr.args)
        if name == "coalesce" or (name == "now" and not expr.args):
            return f"{self.word(name)}({args})", 12
        return f"{self.word('func')}.{name}({args})", 12

    def _case(self, expr: Case) -> tuple[str, int]:
        if isinstance(expr.otherwise, Case):
            return self.written(expr), 12
        if isinstance(expr.otherwise, Literal) and expr.otherwise.kind == "null":
            return self.written(expr), 12
        rest = self.inside(expr.otherwise, 2) if expr.otherwise else "None"
        for when in reversed(expr.whens):
            condition = self.inside(when.condition, 2)
            rest = f"{self.inside(when.result, 2)} if {condition} else {rest}"
        return rest, 1


def _joined(expr: Expr) -> list[Expr]:
    """Return what a chain of `||` joins, from left to right."""
    if isinstance(expr, Binary) and expr.op == "||":
        return [*_joined(expr.left), expr.right]
    return [expr]


def _is_string(expr: Expr) -> bool:
    return isinstance(expr, Literal) and expr.kind == "string"


def _is_sum(expr: Binary) -> bool:
    """Say whether `||` may be written as `+`, which makes one text of two literals."""
    left, right = expr.left, expr.right
    if isinstance(right, Binary) and right.op == "||":
        return False
    if isinstance(left, Binary) and left.op == "||":
        within = _is_sum(left) and is_text(left)
        return (within or is_text(right)) and not (
            _is_string(right) and within and _is_string(left.right)
        )
    return not (_is_string(left) and _is_string(right))


def is_text(expr: Expr) -> bool:
    """Say whether Python's reader takes this for text without knowing types."""
    match expr:
        case Literal():
            return expr.kind == "string"
        case Binary(op="||"):
            return is_text(expr.left) or is_text(expr.right)
    return False
