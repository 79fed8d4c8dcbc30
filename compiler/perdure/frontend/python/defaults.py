"""Defaults of inputs that are lists or objects, as the text of their type.

tags: tuple[str, ...] = ("new",)        tags: text[] = '{"new"}'
options: dict = {"late": False}         options: jsonb = '{"late": false}'
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from perdure.frontend.python.held import has_digits, plain


def as_text(value: Any, type_: str) -> str | None:
    """Return a default as PostgreSQL reads it; None for what is no such value."""
    if type_.endswith("[]") and isinstance(value, (list, tuple)):
        return _array(value)
    if type_ == "jsonb" and isinstance(value, (dict, list, tuple)):
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError):  # of a date, or of a list that holds itself
            return None
    return None


def _array(items: list[Any] | tuple[Any, ...]) -> str | None:
    written = [_item(plain(each)) for each in items]
    kept = [each for each in written if each is not None]
    return f"{{{','.join(kept)}}}" if len(kept) == len(written) else None


def _item(value: Any) -> str | None:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float() | Decimal() if has_digits(value):
            return str(value)
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
    return None
