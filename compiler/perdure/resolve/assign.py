"""Whether a value may stand where a type was declared.

The rule is small and documented: the same type, whatever its modifier; any number
where a number is declared; any character string where text is declared; anything
where `jsonb` or `json` is; an array where a list is. A constant text may stand for any
type that PostgreSQL reads it as. JSON of unknown form may stand for a typed record or
list: nothing is known of it before it runs. The rejected way, to allow what PostgreSQL
casts on assignment, hides a lossy cast in a place where none is written.
"""

from __future__ import annotations

from perdure.catalog.model import Rejected
from perdure.ir.types import Items, Record, Scalar, Type
from perdure.resolve.context import Context

_NUMBERS = frozenset(
    {"smallint", "integer", "bigint", "numeric", "real", "double precision"}
)
_TEXTS = frozenset({"text", "character varying", "character", "bpchar", "name"})
_JSON = frozenset({"json", "jsonb"})


def is_json(type_: Type) -> bool:
    """Say whether a type is JSON of unknown form."""
    return isinstance(type_, Scalar) and type_.name in _JSON


def is_number(type_: Type) -> bool:
    """Say whether a type is a number."""
    return isinstance(type_, Scalar) and type_.base in _NUMBERS


def is_text(type_: Type) -> bool:
    """Say whether a type is a character string."""
    return isinstance(type_, Scalar) and type_.base in _TEXTS


def assignable(found: Type, declared: Type) -> bool:
    """Say whether a value of type `found` may stand for `declared`."""
    if found == declared or is_json(declared):
        return True
    match declared:
        case Record():
            return is_json(found) or (
                isinstance(found, Record) and _members(found, declared)
            )
        case Items():
            return is_json(found) or _items(found, declared)
        case Scalar():
            return _same_family(found, declared)


def reads_as(context: Context, text: str, declared: Type) -> bool:
    """Say whether PostgreSQL reads a constant text as a value of the type."""
    return isinstance(declared, Scalar) and objection(context, text, declared) is None


def objection(context: Context, text: str, declared: Scalar) -> str | None:
    """Return why PostgreSQL does not read a constant text as a value of the type."""
    literal = "'" + text.replace("'", "''") + "'"
    answer = context.catalog.typeof(f"cast({literal} as {declared.name})")
    return answer.message if isinstance(answer, Rejected) else None


def _items(found: Type, declared: Items) -> bool:
    if isinstance(found, Scalar) and found.name.endswith("[]"):
        return assignable(Scalar(found.name.removesuffix("[]")), declared.item)
    return (
        isinstance(found, Items)
        and (declared.nullable or not found.nullable)
        and assignable(found.item, declared.item)
    )


def _members(found: Record, declared: Record) -> bool:
    known = {field.name: field for field in found.fields}
    wanted = {field.name for field in declared.fields}
    if not known.keys() <= wanted:
        return False
    return all(
        (field.nullable and field.name not in known)
        or (
            field.name in known
            and (field.nullable or not known[field.name].nullable)
            and assignable(known[field.name].type, field.type)
        )
        for field in declared.fields
    )


def _same_family(found: Type, declared: Scalar) -> bool:
    if not isinstance(found, Scalar):
        return False
    one, other = found.base, declared.base
    return one == other or any({one, other} <= family for family in (_NUMBERS, _TEXTS))
