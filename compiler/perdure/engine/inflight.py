"""Runs that have not ended, by version: how many there are, and where they are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from perdure.engine.client import read_source_map
from perdure.engine.runs import Place

Connection = psycopg.Connection[Any]

_OPEN = ("pending", "running", "paused")
_LEAVES = {
    "SQL": "sql",
    "HTTP": "http",
    "SLEEP": "timer",
    "SLEEP_FOR": "timer",
    "SLEEP_UNTIL": "timer",
    "WAIT_SCHEDULE": "schedule",
    "SIGNAL": "signal",
    "CALL": "call",
}
_REGISTERED = r"""
  select v.name, v.version, v.digest, v.target, v.source,
    to_jsonb(v) ->> 'retired_at' is not null, f.prosrc, coalesce(f.nspname, ''),
    v.source_map
  from perdure.workflow_versions v
  left join lateral (
    select p.prosrc, n.nspname
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where p.proname = v.name || '_v' || v.version
      and n.nspname !~ '(^pg_temp|_uncommitted$)'
    order by p.oid desc limit 1) f on true
  order by v.name, v.version
"""


@dataclass(frozen=True, slots=True)
class Registered:
    """A version as the database registers it, with its sources as one text.

    `function` is the body of the function that starts its runs, None where it is gone,
    and `schema` where it stands.
    """

    name: str
    version: int
    digest: str
    target: str
    source: str
    retired: bool
    function: str | None
    schema: str
    places: tuple[Place, ...]

    @property
    def key(self) -> str:
        """How people write it."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class At:
    """How many runs of a version are at a node; `signal` is the one waited for."""

    node: str
    what: str
    signal: str | None
    runs: int


@dataclass(frozen=True, slots=True)
class Began:
    """The status of a run, the states of its nodes that began, and what decided."""

    status: str
    states: dict[str, str]
    decided: dict[str, bool]


@dataclass(frozen=True, slots=True)
class Structure:
    """A node of a graph and the one that it stands in; `config` is that of a TRY."""

    node: str
    type: str
    parent: str | None
    config: str


def registered(connection: Connection) -> list[Registered]:
    """Return the registered versions with their sources, by name and version."""
    if not _exists(connection, "perdure.workflow_versions"):
        return []
    rows = connection.execute(_REGISTERED).fetchall()
    return [
        Registered(
            *(name, version, digest, target, source, gone, body, schema),
            tuple(read_source_map(places)),
        )
        for name, version, digest, target, source, gone, body, schema, places in rows
    ]


def open_runs(connection: Connection) -> dict[str, list[str]]:
    """Return the ids of runs that have not ended, by `name@version`."""
    return _runs_by_label(connection, _OPEN)


def failed_runs(connection: Connection) -> dict[str, list[str]]:
    """Return the ids of runs that failed and may be retried, by `name@version`."""
    return _runs_by_label(connection, ("failed",))


def _runs_by_label(
    connection: Connection, statuses: Sequence[str]
) -> dict[str, list[str]]:
    if not _exists(connection, "df.instances"):
        return {}
    rows = connection.execute(
        "select label, id from df.instances where label like '%%@%%'"
        " and status = any(%s) order by created_at, id",
        [list(statuses)],
    )
    found: dict[str, list[str]] = defaultdict(list)
    for label, run in rows:
        found[str(label)].append(str(run))
    return dict(found)


def whereabouts(connection: Connection, runs: Sequence[str]) -> list[At]:
    """Return at which nodes runs are, the first nodes first."""
    rows = connection.execute(
        "select n.id::integer, n.node_type, case when n.node_type = 'SIGNAL'"
        " then n.query::json ->> 'signal_name' end from df.nodes n"
        " where n.instance_id = any(%s) and n.status = 'running'"
        " and n.node_type = any(%s)",
        [list(runs), list(_LEAVES)],
    )
    counted = Counter((int(node), str(kind), signal) for node, kind, signal in rows)
    return [
        At(str(node), _LEAVES[kind], signal, count)
        for (node, kind, signal), count in sorted(
            counted.items(), key=lambda each: each[0][0]
        )
    ]


def began(
    connection: Connection, runs: Sequence[str], conditions: Sequence[str]
) -> dict[str, Began]:
    """Return what of runs began; `conditions` are the nodes that decide."""
    rows = connection.execute(
        "select n.instance_id, n.id::text, n.status, case when n.id::text = any(%s)"
        " then n.result #>> '{rows,0,ok}' end from df.nodes n"
        " where n.instance_id = any(%s) and n.status <> 'pending'",
        [list(conditions), list(runs)],
    ).fetchall()
    statuses = connection.execute(
        "select id, status from df.instances where id = any(%s)", [list(runs)]
    )
    found = {str(run): Began(str(status), {}, {}) for run, status in statuses}
    for run, node, status, decided in rows:
        found[str(run)].states[str(node)] = str(status)
        if decided in ("true", "false"):
            found[str(run)].decided[str(node)] = decided == "true"
    return found


def nodes(connection: Connection, run: str) -> list[Structure]:
    """Return the nodes of a run's graph, each before those in it."""
    rows = connection.execute(
        "select n.id::text, n.node_type, n.parent_node::text,"
        " case when n.node_type = 'TRY' then n.query end"
        " from df.nodes n where n.instance_id = %s order by n.id::integer",
        [run],
    )
    return [
        Structure(str(node), str(kind), parent, query or "")
        for node, kind, parent, query in rows
    ]


def statements(connection: Connection, run: str) -> list[tuple[str, str]]:
    """Return the nodes of a run that have a statement, with it."""
    rows = connection.execute(
        "select n.id::text, n.query from df.nodes n where n.instance_id = %s"
        " and n.query is not null",
        [run],
    )
    return [(str(node), str(text)) for node, text in rows]


def _exists(connection: Connection, relation: str) -> bool:
    row = connection.execute("select to_regclass(%s)", [relation]).fetchone()
    return row is not None and row[0] is not None
