"""Types as the checks of the runtime take them."""

from __future__ import annotations

from perdure.ir.types import Items, Record, Type


def shape_of(type_: Type, nullable: bool = False) -> object:
    """Return a type in the form that `perdure.misfit` takes."""
    if nullable:
        return {"?": shape_of(type_)}
    match type_:
        case Record(fields=fields):
            return {each.name: shape_of(each.type, each.nullable) for each in fields}
        case Items(item=item, nullable=may_be_null):
            return [shape_of(item, may_be_null)]
        case _:
            return type_.name
