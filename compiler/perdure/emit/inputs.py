"""Inputs: how the generated function takes them and hands them to the graph."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perdure.emit.layout import Argument, Call, Named
from perdure.emit.literals import quote_literal, quote_name
from perdure.plan.tree import Parameter
from perdure.plan.types import native

_CHUNK = 40
_SAME_TEXT = re.compile(
    r"numeric(\(\d+(,\d+)?\))?|jsonb?|bytea|(text|smallint|integer|bigint|uuid)\[\]"
)
"""Types that travel as text, which is the same in every session."""


def ordered(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Return required parameters before those with a default, as PostgreSQL wants."""
    required = [each for each in parameters if each.default is None]
    return (*required, *(each for each in parameters if each.default is not None))


def declared(parameter: Parameter) -> str:
    """Return a parameter as a function declares it."""
    default = "" if parameter.default is None else f" default {parameter.default}"
    return f"{quote_name(parameter.name)} {parameter.type}{default}"


def types(parameters: Sequence[Parameter]) -> str:
    """Return the types that identify a function."""
    return ", ".join(each.type for each in ordered(parameters))


def beside(parameters: Sequence[Parameter]) -> tuple[Argument, ...]:
    """Return the argument that passes inputs beside the graph, as exact JSON."""
    if not parameters:
        return ()
    pairs = [f"{quote_literal(each.name)}, {_json(each)}" for each in parameters]
    parts = [
        _object(pairs[start : start + _CHUNK]) for start in range(0, len(pairs), _CHUNK)
    ]
    return (Named("input", " operator(pg_catalog.||) ".join(parts)),)


def _object(pairs: Sequence[str]) -> str:
    inner = ",\n      ".join(pairs)
    return f"pg_catalog.jsonb_build_object(\n      {inner}\n    )"


def _json(parameter: Parameter) -> str:
    name = quote_name(parameter.name)
    return name if native(parameter.type) else f"{name}::text"


def splices(parameters: Sequence[Parameter]) -> dict[str, str]:
    """Return the local variable that holds the literal of each input."""
    prefix = "v_"
    while any(each.name.startswith(prefix) for each in parameters):
        prefix = f"v{prefix}"
    return {each.name: f"{prefix}{each.name}" for each in parameters}


def declarations(parameters: Sequence[Parameter]) -> list[str]:
    """Return the local variables that hold the literals of the inputs.

    Dates and times are spelled as JSON spells them: their text depends on settings.
    """
    names = splices(parameters)
    return [
        f"{quote_name(names[each.name])} constant text := "
        f"perdure.literal({_text(each)});"
        for each in parameters
    ]


def _text(parameter: Parameter) -> str:
    name = quote_name(parameter.name)
    if parameter.type.startswith(("timestamp", "date")) and native(parameter.type):
        return f"pg_catalog.to_jsonb({name}) operator(pg_catalog.#>>) '{{}}'"
    return f"{name}::text"


def start(graph: Call, label: str, inputs: tuple[Argument, ...]) -> Call:
    """Return the call that starts a run."""
    return Call("df.start", (graph, quote_literal(label), *inputs))


def settings(parameters: Sequence[Parameter]) -> tuple[str, ...]:
    """Return the settings under which inputs become text, as the steps will read it.

    The caller's own may be others, and then `01/02/2024` is another day.
    """
    types = (each.type for each in parameters)
    if all(native(name) or _SAME_TEXT.fullmatch(name) for name in types):
        return ()
    return (
        "datestyle = 'ISO, MDY'",
        "intervalstyle = 'postgres'",
        "extra_float_digits = '1'",
    )
