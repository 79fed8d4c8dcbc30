"""The digest of a workflow version: what it does, and nothing else.

The canonical JSON of the IR, hashed. Places, descriptions and `facts` are not part of
it. A statement counts by its tokens as they were typed, without white space and
comments; letters are not folded, because the same word is another identifier inside
quotes, and a digest that changes too often is harmless while one that stays is not.

Names count. A run's steps and results are known by them while it runs and afterwards,
so renaming a step makes another version, although it computes the same.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import is_dataclass
from typing import Any

from perdure.dump import shown_fields
from perdure.ir.expr import Statement
from perdure.ir.tree import Workflow
from perdure.syntax.sql import Token


def digest(workflow: Workflow) -> str:
    """Return the SHA-256, in hex, of what a workflow does."""
    text = json.dumps(
        _data(workflow), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _data(value: Any) -> Any:
    """Return the data of a form, as `dump.to_data` does, with bare statements."""
    if isinstance(value, Statement):
        return _statement(value)
    if is_dataclass(value) and not isinstance(value, type):
        shown = {f.name: _data(getattr(value, f.name)) for f in shown_fields(value)}
        return {"is": type(value).__name__, **shown}
    if isinstance(value, (tuple, list)):
        return [_data(item) for item in value]
    return value


def _statement(statement: Statement) -> Any:
    """Return the tokens that mean something; indexes into them are derived."""
    return {
        "is": "Statement",
        "parts": [
            part.text if isinstance(part, Token) else _data(part)
            for part in statement.parts
            if not (isinstance(part, Token) and part.kind in ("space", "comment"))
        ],
    }
