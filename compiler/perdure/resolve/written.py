"""WF520 and WF521: nulls that a statement writes where a column takes none.

PostgreSQL accepts such a statement and refuses its rows when it runs.
"""

from __future__ import annotations

from perdure.catalog.model import WrittenNull
from perdure.diagnostics import Diagnostic, error
from perdure.source import Span


def written_null(found: WrittenNull, span: Span) -> Diagnostic:
    """Return the finding for columns of which a null is written."""
    names = ", ".join(f'"{name}"' for name in found.columns)
    one = len(found.columns) == 1
    if found.how == "written":
        return error(
            "WF521",
            span,
            f'null is written to {names} of "{found.table}", which is not null',
            help="write a value, or let the column be null in the schema",
        )
    why = "is not null and has" if one else "are not null and have"
    it, column = ("it", "the column") if one else ("each", "the columns")
    return error(
        "WF520",
        span,
        f'the insert leaves {names} of "{found.table}" empty, which {why} no default',
        help=f"insert a value for {it}, or give {column} a default in the schema",
    )
