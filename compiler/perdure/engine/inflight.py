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


def states(connection: Connection, runs: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the states of the nodes that began, by run and node."""
    rows = connection.execute(
        "select n.instance_id, n.id::text, n.status from df.nodes n"
        " where n.instance_id = any(%s) and n.status <> 'pending'",
        [list(runs)],
    )
    found: dict[str, dict[str, str]] = {run: {} for run in runs}
    for run, node, status in rows:
        found[str(run)][str(node)] = str(status)
    return found


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
