"""The signals that a workflow has steps for, read from the functions that start it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from perdure.engine.client import Function

Connection = psycopg.Connection[Any]

_REACHED = """
with recursive functions as (
  select p.oid, p.prosrc, format('%%s.%%s(', n.nspname, p.proname) as called,
    n.nspname = %(schema)s and p.proname = %(name)s as first
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where p.prorettype = 'text'::regtype
    and n.nspname !~ '^(pg_|(df|df_engine|df_graph|perdure|information_schema)$)'
), reached (called, prosrc, first) as (
  select f.called, f.prosrc, f.first from functions f where f.first
  union
  select f.called, f.prosrc, f.first from reached r
  join functions f on strpos(replace(r.prosrc, '"', ''), f.called) > 0
)
select called, prosrc from reached order by first desc, called
"""
_STARTS = re.compile(r"\bdf\.start\(")
_AWAITED = re.compile(
    r"\bdf\.call\(\s*(?:(\$\w*\$)(.*?)\1|'((?:[^']|'')*)')", re.DOTALL
)
_WAITS = re.compile(r"\bdf\.wait_for_signal\(\s*(?:'((?:[^']|'')*)')?")
_VERSION = re.compile(r"_v(\d+)$")


@dataclass(frozen=True, slots=True)
class Heard:
    """The signals that a workflow, or one that it calls, has steps for.

    `started` are those of workflows whose runs it starts and does not wait for,
    directly or not, each with the version that has the step.
    """

    signals: frozenset[str]
    started: Mapping[str, str]


def heard_by(connection: Connection, function: Function) -> Heard | None:
    """Return the signals that runs of a workflow can take.

    None where the functions don't tell, as they are not what the compiler writes.
    """
    names = {"schema": function.schema, "name": function.name}
    bodies: dict[str, str] = dict(connection.execute(_REACHED, names))
    own, started = _reached(bodies, list(bodies)[:1])
    signals = {name for each in own for name in _awaited(bodies[each])}
    if "" in signals or not any(_STARTS.search(bodies[each]) for each in own):
        return None
    others: dict[str, str] = {}
    for each in started:
        version = _VERSION.sub(r"@\1", each.partition(".")[2].removesuffix("("))
        for name in _awaited(bodies[each]):
            others.setdefault(name, version)
    return Heard(frozenset(signals), others)


def _awaited(body: str) -> list[str]:
    """Return the signals that a function waits for; "" is one that it computes."""
    return [name.replace("''", "'") for name in _WAITS.findall(body)]


def _reached(
    bodies: Mapping[str, str], first: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the functions of a run and of those that it waits for, and the others.

    One that starts no run itself hands on to those that it names.
    """
    own = list(first)
    for each in own:  # which grows
        awaited = body = bodies[each].replace('"', "")
        if _STARTS.search(body):
            calls = _AWAITED.findall(body)
            awaited = " ".join(query + text for _, query, text in calls)
        own += [e for e in bodies if e in awaited and e not in own]
    return own, [each for each in bodies if each not in own]
