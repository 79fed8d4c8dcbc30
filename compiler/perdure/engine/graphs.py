"""Read the graph of a run, from Perdure's runtime or from pg_durable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from psycopg.rows import dict_row

from perdure.engine.client import session
from perdure.engine.database import Database


@dataclass(frozen=True, slots=True)
class StoredGraph:
    """The nodes of a run, each with the API's columns, and what the run is called."""

    label: str | None
    root: str
    rows: tuple[dict[str, Any], ...]
    runtime: Literal["pg_durable", "perdure"]


_NODES = """
select id::text, node_type, query, result_name, left_node::text, right_node::text{more}
from df.nodes where instance_id = %s
"""


def read_graph(database: Database, run: str) -> StoredGraph | None:
    """Return the graph of a run; None if there is no such run, or not for this role."""
    with session(database) as connection:
        found = connection.execute(
            "select i.label, i.root_node::text, "
            "to_regclass('df_engine.nodes') is not null from df.instances i "
            "where i.id = %s",
            [run],
        ).fetchone()
        if found is None:
            return None
        label, root, ours = found
        query = _NODES.format(more=", parent_node" if ours else "")
        query += "order by id::integer" if ours else "order by created_at, id"
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = tuple(cursor.execute(query.encode(), [run]).fetchall())
    return StoredGraph(label, root, rows, "perdure" if ours else "pg_durable")
