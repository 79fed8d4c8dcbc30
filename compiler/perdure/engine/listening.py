"""The runs that wait for each other, and who of them waits for a signal.

A signal is kept until a step of its run takes it. One that is sent to a run whose graph
has no such step is kept for nothing, which SQL that sends it can't be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from perdure.engine.client import find_run
from perdure.engine.runs import Called, Run

Connection = psycopg.Connection[Any]
Key = TypeVar("Key")

# Of a runtime from before the view, or for a role that may not read it, none is known.
_KNOWS_CALLS = (
    "select coalesce(has_table_privilege(to_regclass('df.calls'), 'select'), false)"
)
_CALLS = sql.SQL(
    "select instance_id, node_id, called_id from df.calls where {} = any (%s)"
)
_WAITING = """
select id, label, status from df.instances
where id = any (%s) order by created_at, id
"""
_SIGNALS = """
select n.instance_id, n.query::json ->> 'signal_name', bool_or(n.status = 'running')
from df.nodes n
where n.instance_id = any (%s) and n.node_type = 'SIGNAL'
group by 1, 2 order by 2
"""
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


def calls(
    connection: Connection, runs: Sequence[str]
) -> dict[tuple[str, str], tuple[Called, ...]]:
    """Return the runs that runs wait for now, by the run and the node that waits."""
    found = _calls(connection, "instance_id", runs)
    named = _named(connection, [called for *_, called in found])
    return _grouped((((run, node), called) for run, node, called in found), named)


def callers(
    connection: Connection, runs: Sequence[str]
) -> dict[str, tuple[Called, ...]]:
    """Return the runs that wait for runs now, the oldest first, by the run."""
    found = _calls(connection, "called_id", runs)
    named = _named(connection, [caller for caller, *_ in found])
    return _grouped(((called, caller) for caller, _, called in found), named)


def _calls(
    connection: Connection, by: str, runs: Sequence[str]
) -> Sequence[tuple[str, str, str]]:
    """Return who waits for whom: the run, its node, and the run that it waits for."""
    row = connection.execute(_KNOWS_CALLS).fetchone()
    if row is None or not row[0]:
        return []
    query = _CALLS.format(sql.Identifier(by))
    return connection.execute(query, [list(runs)]).fetchall()


def _named(connection: Connection, runs: Sequence[str]) -> dict[str, Called]:
    """Return runs by their id, the oldest first."""
    if not runs:
        return {}
    rows = connection.execute(_WAITING, [list(set(runs))])
    return {id: Called(id, label, status) for id, label, status in rows}


def _grouped(
    pairs: Iterable[tuple[Key, str]], named: Mapping[str, Called]
) -> dict[Key, tuple[Called, ...]]:
    """Return runs by what they belong to, each once, in the order of `named`."""
    found: dict[Key, set[str]] = {}
    for key, run in pairs:
        found.setdefault(key, set()).add(run)
    place = {run: at for at, run in enumerate(named)}.__getitem__
    return {
        key: tuple(named[run] for run in sorted(runs & named.keys(), key=place))
        for key, runs in found.items()
    }


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
