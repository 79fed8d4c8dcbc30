"""Stable JSON of any form: goldens, bug reports, and the digest.

Only fields that take part in equality are printed, so spans and descriptions are
left out; a dataclass prints its class as `"is"`. A field that the language got later
(`syntax.tree.ADDED`) is printed when it says something.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass
from typing import Any


def to_data(value: Any) -> Any:
    """Return a tree of dicts, lists and scalars for a tree of dataclasses."""
    if is_dataclass(value) and not isinstance(value, type):
        shown = {"is": type(value).__name__}
        for each in shown_fields(value):
            shown[each.name] = to_data(getattr(value, each.name))
        return shown
    if isinstance(value, (tuple, list)):
        return [to_data(item) for item in value]
    return value


def shown_fields(value: Any) -> Iterator[Field[Any]]:
    """Yield the fields of a dataclass that are part of what it says."""
    for each in fields(value):
        absent = each.metadata.get("added") and getattr(value, each.name) == (
            each.default
        )
        if each.compare and not absent:
            yield each


def to_json(value: Any) -> str:
    """Return the JSON text of a form, indented, with a final newline."""
    return json.dumps(to_data(value), indent=2, ensure_ascii=False) + "\n"
