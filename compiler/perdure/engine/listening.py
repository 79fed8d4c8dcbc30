"""The runs that wait for each other, and who of them waits for a signal.

A signal is kept until a step of its run takes it. One that is sent to a run whose graph
has no such step is kept for nothing, which SQL that sends it can't be told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from perdure.engine.client import Function, find_run
from perdure.engine.runs import Called, Run

Connection = psycopg.Connection[Any]

_CALLS = """
select distinct n.instance_id, n.id, i.id, i.label, i.status
from (
  select instance_id, id, node_type, status, detail from df.nodes
  where instance_id = any (%(runs)s)
  union all
  select instance_id, id, node_type, status, detail from df.node_items
  where instance_id = any (%(runs)s)
) n
join df.instances i on i.id = substring(n.detail from '^waits for the run (.+)$')
where n.node_type = 'CALL' and n.status = 'running'
order by i.id
"""
_SIGNALS = """
select n.instance_id, n.query::json ->> 'signal_name', bool_or(n.status = 'running')
from df.nodes n
where n.instance_id = any (%s) and n.node_type = 'SIGNAL'
group by 1, 2 order by 2
"""
# Versions without a call wait for no run: theirs may be most of the runs.
_CALLERS = """
select i.id, i.label, i.status from df.instances i
where i.ended_at is null and i.id in (
  select n.instance_id from (
    select instance_id, node_type, status, detail from df.nodes
    where instance_id = any (%(runs)s)
    union all
    select instance_id, node_type, status, detail from df.node_items
    where instance_id = any (%(runs)s)
  ) n
  where n.node_type = 'CALL' and n.status = 'running' and n.detail = %(waits)s)
order by i.created_at, i.id
"""
_CALLING = """
select i.id from df.instances i
where i.ended_at is null and i.id <> %s and (i.label is null or i.label not in (
  select w.name || '@' || w.version from perdure.workflow_versions w
  where not w.source_map @> '[{"role": "call"}]'))
"""
_REACHED = """
with recursive functions as (
  select p.oid, p.prosrc, format('%%s.%%s(', n.nspname, p.proname) as called,
    n.nspname = %(schema)s and p.proname = %(name)s as first
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where p.prorettype = 'text'::regtype
    and n.nspname !~ '^(pg_|(df|df_engine|df_graph|perdure|information_schema)$)'
), reached (oid, prosrc) as (
  select f.oid, f.prosrc from functions f where f.first
  union
  select f.oid, f.prosrc from reached r
  join functions f on strpos(replace(r.prosrc, '"', ''), f.called) > 0
)
select prosrc from reached
"""
_STARTS = re.compile(r"\bdf\.start\(")
_WAITS = re.compile(r"\bdf\.wait_for_signal\(\s*(?:'((?:[^']|'')*)')?")
_Signals = Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Listening:
    """Who waits for signals of a name.

    `signals` are the names of all that a run's steps wait for, each with whether one
    does now. `called` are the runs below it that have a step for the name asked for,
    each with whether that step waits now.
    """

    run: Run
    signals: _Signals
    called: tuple[tuple[Called, bool], ...]


def listening(connection: Connection, run: str, name: str) -> Listening:
    """Return who waits for a signal. Raises UsageError when there is no such run."""
    found = find_run(connection, run)
    own = _signals(connection, [run]).get(run, {})
    return Listening(found, own, tuple(_below(connection, run, name)))


def heard_by(connection: Connection, function: Function) -> frozenset[str] | None:
    """Return the signals that a workflow and those that it calls have steps for.

    They are read from their functions. None where these don't tell, as they are not
    what the compiler writes.
    """
    names = {"schema": function.schema, "name": function.name}
    bodies = [str(body) for (body,) in connection.execute(_REACHED, names)]
    found = [each for body in bodies for each in _WAITS.findall(body)]
    if "" in found or not any(_STARTS.search(body) for body in bodies):
        return None
    return frozenset(name.replace("''", "'") for name in found)


def calls(
    connection: Connection, runs: Sequence[str]
) -> dict[tuple[str, str], tuple[Called, ...]]:
    """Return the runs that runs wait for now, by the run and the node that waits."""
    found: dict[tuple[str, str], tuple[Called, ...]] = {}
    for run, node, *called in connection.execute(_CALLS, {"runs": list(runs)}):
        found[run, node] = (*found.get((run, node), ()), Called(*called))
    return found


def callers(connection: Connection, run: str) -> tuple[Called, ...]:
    """Return the runs that wait for a run now, the oldest first."""
    runs = [each for (each,) in connection.execute(_CALLING, [run])]
    waits = {"runs": runs, "waits": f"waits for the run {run}"}
    rows = connection.execute(_CALLERS, waits) if runs else ()
    return tuple(Called(*row) for row in rows)


def _below(
    connection: Connection, run: str, name: str
) -> Iterator[tuple[Called, bool]]:
    """Yield the runs with a step for a signal that a run waits for, at any depth."""
    seen, level = {run}, [run]
    while level:
        found = calls(connection, level).values()
        new = {each.id: each for called in found for each in called}
        level = [each for each in new if each not in seen]
        seen.update(level)
        for each, signals in _signals(connection, level).items():
            if name in signals:
                yield new[each], signals[name]


def _signals(connection: Connection, runs: Sequence[str]) -> Mapping[str, _Signals]:
    found: dict[str, dict[str, bool]] = {}
    for run, name, awaited in connection.execute(_SIGNALS, [list(runs)]):
        found.setdefault(run, {})[name] = awaited
    return found
