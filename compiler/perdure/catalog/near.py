"""The table that was probably meant by a name that no table has.

PostgreSQL has such a hint for columns only.
"""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches

from perdure.catalog.model import Rejected
from perdure.catalog.tables import Tables

_RELATION = re.compile(r'relation "((?:([^".]+)\.)?([^".]+))" does not exist')
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?")
_CUTOFF = 0.7


def with_table(refused: Rejected, tables: Tables) -> Rejected:
    """Return an objection to the name of a table, with a hint if one is near."""
    found = _RELATION.fullmatch(refused.message)
    if found is None or refused.sqlstate != "42P01" or refused.hint:
        return refused
    meant = _nearest(found[2], found[3], tables)
    if meant is None or not _PLAIN.fullmatch(meant):
        return refused
    return replace(refused, hint=f'Perhaps you meant the table "{meant}".')


def _nearest(schema: str | None, name: str, tables: Tables) -> str | None:
    """Return the name to write: of the same schema first, then of the others."""
    here = (schema,) if schema else tables.path
    names = [table for within, table in tables.relations if within in here]
    if close := get_close_matches(name, names, n=1, cutoff=_CUTOFF):
        return f"{schema}.{close[0]}" if schema else close[0]
    same = [f"{within}.{table}" for within, table in tables.relations if table == name]
    if len(same) == 1 or (same and schema is None):
        return same[0] if len(same) == 1 else None
    written = f"{schema}.{name}" if schema else name
    others = {
        (table.qualified if schema else table.name): table.qualified
        for table in tables.relations.values()
    }
    close = get_close_matches(written, others, n=1, cutoff=_CUTOFF)
    return others[close[0]] if close else None
