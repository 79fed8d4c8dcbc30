"""Find the files that are not Python: grammars, templates, the runtime's SQL.

They stand at the top of the checkout, where a reviewer looks first, and are shipped
inside the wheel as `perdure/_assets/<kind>`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Kind = Literal["grammar", "templates", "runtime_sql"]

_PACKAGE = Path(__file__).resolve().parent


def assets(kind: Kind) -> Path:
    """Return the folder of one kind, in an installed package or in a checkout."""
    shipped = _PACKAGE / "_assets" / kind
    return shipped if shipped.is_dir() else _PACKAGE.parents[1] / kind
