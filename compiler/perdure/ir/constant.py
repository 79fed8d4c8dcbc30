"""What is known of an expression before it runs: its value, or a shorter spelling.

Expressions are printed fully parenthesised, so a few patterns read them: constants,
comparisons, `and`, `or`, `not`, `is null`, `in`, casts to plain types, and references
to a `let` that is bound once, to a constant. Everything else, arithmetic and functions
included, has no known value. The rejected way was to ask PostgreSQL: a pass is a pure
function, and the answer would depend on settings of the server that was asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from perdure.ir.expr import Expression, Reference
from perdure.ir.types import Scalar


class Unknown(Enum):
    """The value of an expression that is not a constant."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN
Known = bool | Decimal | str | None
Value = Known | Unknown


@dataclass(frozen=True, slots=True)
class _Group:
    """What stands in a pair of parentheses, or is called or cast in it."""

    items: tuple[_Item, ...]
    word: str = ""


_Item = str | Reference | _Group
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|[0-9.]+(?:[eE][+-]?[0-9]+)?|[A-Za-z_][\w$]*|[()]|::|,"
    r"|[-+*/<>=~!@#%^&|`?:.\[\]]+|\S"
)
_NUMBER = re.compile(r"\d+(\.\d+)?")
_KEYWORDS = frozenset(
    {
        *("and", "or", "not", "is", "in", "null", "true", "false", "between"),
        *("case", "when", "then", "else", "end", "as", "like", "ilike"),
        *("distinct", "from"),
    }
)
_BITS = {"smallint": 15, "integer": 31, "bigint": 63}
_DEEPEST = 200

# --- reading --------------------------------------------------------------------


def _tokens(expression: Expression) -> Iterable[str | Reference]:
    for part in expression.parts:
        if isinstance(part, str):
            yield from _TOKEN.findall(part)
        else:
            yield part


def _read(expression: Expression) -> tuple[_Item, ...] | None:
    """Return the tokens of an expression by parentheses, None if there are too many."""
    stack: list[tuple[str, list[_Item]]] = [("", [])]
    for token in _tokens(expression):
        items = stack[-1][1]
        if token == "(":
            last = items[-1] if items else None
            called = isinstance(last, str) and _is_name(last)
            stack.append((str(items.pop()) if called else "", []))
        elif token == ")":
            if len(stack) == 1:
                return None
            word, inner = stack.pop()
            stack[-1][1].append(_Group(tuple(inner), word))
        else:
            items.append(token)
        if len(stack) > _DEEPEST:
            return None
    return tuple(stack[0][1]) if len(stack) == 1 else None


def _is_name(token: str) -> bool:
    word = token[0].isalpha() or token[0] == "_"
    return word and token.lower() not in _KEYWORDS


# --- values ---------------------------------------------------------------------


def value_of(expression: Expression, lets: Mapping[str, Known]) -> Value:
    """Return the value that an expression always has; `lets` are known variables."""
    items = _read(expression)
    return UNKNOWN if items is None else _items(items, lets)


def _items(items: Sequence[_Item], lets: Mapping[str, Known]) -> Value:
    match items:
        case [only]:
            return _item(only, lets)
        case ["not", inner]:
            return _not(_item(inner, lets))
        case ["-", str(number)] if _NUMBER.fullmatch(number):
            return -Decimal(number)
        case [left, "and" | "or" as word, right]:
            return _connected(word, _item(left, lets), _item(right, lets))
        case [inner, "is", "null"]:
            found = _item(inner, lets)
            return UNKNOWN if found is UNKNOWN else found is None
        case [inner, "is", "not", "null"]:
            found = _item(inner, lets)
            return UNKNOWN if found is UNKNOWN else found is not None
        case [left, "in", _Group(items=listed, word="")]:
            return _in(_item(left, lets), listed, lets)
        case [left, "not", "in", _Group(items=listed, word="")]:
            return _not(_in(_item(left, lets), listed, lets))
        case [left, str(operator), right]:
            return _compared(_item(left, lets), operator, _item(right, lets))
        case _:
            return UNKNOWN


def _item(item: _Item, lets: Mapping[str, Known]) -> Value:
    match item:
        case Reference(path=()) if item.variable in lets and not item.row_set:
            return lets[item.variable]
        case _Group(items=inner, word=""):
            return _items(inner, lets)
        case _Group(items=(inner, "as", *words), word="cast"):
            return _cast(_item(inner, lets), " ".join(map(str, words)))
        case "true" | "false":
            return item == "true"
        case "null":
            return None
        case str() if item.startswith("'"):
            return item[1:-1].replace("''", "'")
        case str() if _NUMBER.fullmatch(item):
            return Decimal(item)
        case _:
            return UNKNOWN


def _cast(value: Value, type_: str) -> Value:
    """Return a value in another type; only casts that keep it as it is."""
    if value is None or value is UNKNOWN:
        return value
    kept: object = None
    match type_, value:
        case "boolean", bool():
            kept = value
        case "text", str():
            kept = value
        case "numeric", Decimal():
            kept = value
        case (("smallint" | "integer" | "bigint"), Decimal()) if value == int(value):
            kept = value if abs(value) < 1 << _BITS[type_] else None
    return value if kept is not None else UNKNOWN


def _not(value: Value) -> Value:
    return not value if isinstance(value, bool) else _null_or_unknown(value)


def _null_or_unknown(*values: Value) -> Value:
    return None if any(each is None for each in values) else UNKNOWN


def _connected(word: str, left: Value, right: Value) -> Value:
    """Return `and` or `or` of three-valued logic; one side may decide alone."""
    deciding = word == "or"
    if left is deciding or right is deciding:
        return deciding
    if UNKNOWN in (left, right):
        return UNKNOWN
    return None if None in (left, right) else not deciding


def _compared(left: Value, operator: str, right: Value) -> Value:
    """Compare constants of one kind; the order of texts depends on a collation."""
    if operator not in ("=", "<>", "!=", "<", "<=", ">", ">="):
        return UNKNOWN
    if UNKNOWN in (left, right):
        return UNKNOWN
    if left is None or right is None:
        return None
    if type(left) is not type(right):
        return UNKNOWN
    if operator in ("=", "<>", "!="):
        return (left == right) is (operator == "=")
    if not (isinstance(left, Decimal) and isinstance(right, Decimal)):
        return UNKNOWN
    less, equal = left < right, left == right
    outcomes = {"<": less, "<=": less or equal, ">": not (less or equal)}
    return outcomes.get(operator, not less)


def _in(value: Value, listed: Sequence[_Item], lets: Mapping[str, Known]) -> Value:
    outcome: Value = False
    for item in listed[::2]:
        same = _compared(value, "=", _item(item, lets))
        outcome = _connected("or", outcome, same)
    plain = all(item == "," for item in listed[1::2])
    return outcome if plain else UNKNOWN


# --- variables ------------------------------------------------------------------

_PLAIN = frozenset({"boolean", "text", "numeric", "smallint", "integer", "bigint"})


def constants(
    lets: Iterable[tuple[str, Expression]], bound_otherwise: Iterable[str]
) -> dict[str, Known]:
    """Return the variables that are always the same constant.

    `lets` are all bindings by `let`, outer before inner; `bound_otherwise` names
    variables that get a value in another way, too.
    """
    listed = list(lets)
    sites = Counter(name for name, _ in listed)
    other = set(bound_otherwise)
    known: dict[str, Known] = {}
    for name, value in listed:
        if sites[name] > 1 or name in other or not value.immutable:
            continue
        found = value_of(value, known)
        plain = isinstance(value.type, Scalar) and value.type.name in _PLAIN
        if not isinstance(found, Unknown) and plain and _fits(found, value.type):
            known[name] = found
    return known


def _fits(value: Known, type_: object) -> bool:
    """Say whether a value is one of its type as it stands, not by a conversion."""
    assert isinstance(type_, Scalar)
    return _cast(value, type_.name) is not UNKNOWN


# --- shorter conditions ---------------------------------------------------------


def simplified(
    condition: Expression, lets: Mapping[str, Known]
) -> tuple[str | Reference, ...] | None:
    """Return the parts of a condition without operands that decide nothing.

    `true and x` is `x`, `false or x` is `x`. None when there is nothing to leave out.
    """
    items = _read(condition)
    if items is None or len(items) != 1 or not isinstance(items[0], _Group):
        return None
    found = _shorter(items[0], lets)
    return None if found is items[0] else _spelled(found)


def _shorter(item: _Item, lets: Mapping[str, Known]) -> _Item:
    match item:
        case _Group(items=(left, "and" | "or" as word, right), word=""):
            idle = word == "and"
            if _item(left, lets) is idle:
                return _shorter(right, lets)
            if _item(right, lets) is idle:
                return _shorter(left, lets)
            one, other = _shorter(left, lets), _shorter(right, lets)
            same = one is left and other is right
            return item if same else _Group((one, word, other))
        case _:
            return item


def _spelled(item: _Item) -> tuple[str | Reference, ...]:
    """Return an item as parts; texts between references are joined."""
    parts: list[str | Reference] = []
    for piece in _pieces(item):
        if isinstance(piece, str) and parts and isinstance(parts[-1], str):
            parts[-1] += piece
        else:
            parts.append(piece)
    return tuple(parts)


def _pieces(item: _Item) -> Iterable[str | Reference]:
    if not isinstance(item, _Group):
        yield item
        return
    yield f"{item.word}("
    for at, each in enumerate(item.items):
        if at and each != ",":
            yield " "
        yield from _pieces(each)
    yield ")"
