"""Stable JSON of any form: goldens, bug reports, and the digest.

Only fields that take part in equality are printed, so spans and descriptions are
left out; a dataclass prints its class as `"is"`.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any


def to_data(value: Any) -> Any:
    """Return a tree of dicts, lists and scalars for a tree of dataclasses."""
    if is_dataclass(value) and not isinstance(value, type):
        shown = {"is": type(value).__name__}
        for each in fields(value):
            if each.compare:
                shown[each.name] = to_data(getattr(value, each.name))
        return shown
    if isinstance(value, (tuple, list)):
        return [to_data(item) for item in value]
    return value


def to_json(value: Any) -> str:
    """Return the JSON text of a form, indented, with a final newline."""
    return json.dumps(to_data(value), indent=2, ensure_ascii=False) + "\n"
