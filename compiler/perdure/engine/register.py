"""Rows of the register of versions, against the statements that write them."""

from __future__ import annotations

import psycopg

from perdure.engine.deploy import Connection

_NAMES = (
    "name, version, digest, signature, source, source_map, compiler_version, target"
)
_OTHER = """
  select array_remove(array[
    case when w.signature <> m.signature then 'signature' end,
    case when replace(w.source, e'\\r', '') <> replace(m.source, e'\\r', '')
      then 'source' end,
    case when w.source_map <> m.source_map::jsonb then 'source map' end,
    case when w.target <> m.target then 'target' end,
    case when w.compiler_version <> m.compiler_version then 'compiler version' end],
    null)
  from made m join perdure.workflow_versions w using (name, version)
"""


def other_columns(connection: Connection, statement: str) -> list[str]:
    """Return the columns of a version's row that are not what its insert writes.

    There are none where the row is not there. The values are read by PostgreSQL, which
    knows how they are quoted; how lines end does not matter.
    """
    _, found, values = statement.removesuffix(";").partition(")\nvalues (")
    if not found:
        return []
    query = f"with made ({_NAMES}) as (values ({values}) {_OTHER}"
    try:
        with connection.transaction(force_rollback=True):
            row = connection.execute(query.encode()).fetchone()
    except psycopg.errors.UndefinedTable:
        return []
    return [str(each) for each in row[0]] if row else []  # type: ignore[attr-defined]
