"""Names that are bound to numbers of several types: `total: 0`, then `total + 0.5`.

A name that is bound to a bare null has the type of what else it is bound to, in
`best: null`, then `best: order.total`: nothing says that this null is text.

All bindings of a name have one type, so that of numbers is the widest of them, where
each of the others becomes it without a loss. What comes later in the workflow decides
what stands earlier: a pass that finds a wider type is done again, as it is for loops.
The rejected way, to make every literal a bigint, would change what `total / 2` and the
digests of workflows are that never needed it.
"""

from __future__ import annotations

from perdure.ir.types import Scalar, Type
from perdure.resolve.context import Context
from perdure.resolve.types import without_modifier
from perdure.syntax.expr import Expr, Literal

_EXACT = ("smallint", "integer", "bigint", "numeric")
_FLOATING = ("smallint", "integer", "double precision")
_OF_NULL = "text"
"""What PostgreSQL takes a bare null for."""


def wider(context: Context, name: str, found: Type, written: Expr) -> str | None:
    """Return the type that a value of a name is cast to, None when it stays."""
    found = without_modifier(found)
    if not isinstance(found, Scalar):
        return None
    variable = context.id_of(name)
    known = context.layers[-1].get(name)
    wanted = context.wider.get(variable)
    if wanted is None and known is not None and known.kind == "value":
        before = without_modifier(known.fields[0].type)
        wanted = before.name if isinstance(before, Scalar) else None
    if isinstance(written, Literal) and written.kind == "null":
        return _of_null(context, variable, wanted)
    if variable in context.untyped:
        context.untyped.remove(variable)
        if found.name != _OF_NULL:
            context.wider[variable] = found.name
            context.learnt = True
            return None
    common = _common(wanted, found.name) if wanted else None
    if common is None:
        return None
    if known is not None and common != wanted:
        context.wider[variable] = common
        context.learnt = True
    return common if common != found.name else None


def _of_null(context: Context, variable: str, wanted: str | None) -> str | None:
    """Return the type of a bare null; note when nothing has said yet what it is."""
    if wanted is None:
        context.untyped.add(variable)
    return wanted if wanted != _OF_NULL else None


def _common(one: str, other: str) -> str | None:
    """Return the wider of two types of numbers, None when neither holds the other."""
    for chain in (_EXACT, _FLOATING):
        if one in chain and other in chain:
            return max(one, other, key=chain.index)
    return None
