"""Move a run that waits to another version of its workflow.

The graph of a version stands in its function, as the first argument of `df.start`. It
is read from there: to call the function would start a run, or find the run itself by
its key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

import psycopg
from psycopg import sql

from perdure.engine.client import Connection, find_run, source_map
from perdure.engine.errors import UsageError
from perdure.engine.runs import Place

_TOKEN = re.compile(
    r"""
      --[^\n]*
    | \b[eE]'(?:[^'\\]|''|\\.)*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?<![\w$])\$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag))\$
    | [(),]
    """,
    re.DOTALL | re.VERBOSE,
)
_START = "return df.start("


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A step that the run has done, and what stands in its place, if anything does.

    `lines` are those of the sources that differ from there on, as in a diff.
    """

    message: str
    old: Place | None
    new: Place | None
    lines: tuple[str, ...] = ()


class Immovable(UsageError):
    """The versions do not agree on what the run has done, or it does not wait."""

    def __init__(self, message: str, step: Disagreement | None = None) -> None:
        super().__init__(message)
        self.step = step


def move(connection: Connection, run: str, to: int, schema: str) -> tuple[str, str]:
    """Move a run to a version; return its labels before and after.

    Raises UsageError.
    """
    found = find_run(connection, run)
    workflow, at, version = (found.label or "").rpartition("@")
    if not at or not version.isdecimal():
        raise UsageError(f'run "{run}" is of no version of a workflow')
    if not _can_move(connection):
        raise UsageError("runs can be moved on Perdure's own runtime, from 0.2.0 on")
    label = f"{workflow}@{to}"
    if label == found.label:
        raise Immovable(f'run "{run}" is on {label} already')
    body, search_path = _function(connection, schema, workflow, to)
    graph = graph_of(body)
    if graph is None:
        raise UsageError(f"the function of {label} is not what perdure compile writes")
    text = sql.SQL("select df.move(%s, {}, %s, %s)").format(sql.SQL(graph))
    try:
        connection.execute(
            text.as_string(connection).encode(), [run, label, search_path]
        )
    except psycopg.Error as error:
        if error.sqlstate not in ("PD035", "PD003"):
            raise
        raise _explained(connection, error, found.label, label) from error
    return found.label or "", label


def _can_move(connection: Connection) -> bool:
    row = connection.execute(
        "select to_regprocedure('df.move(text, text, text, text)') is not null"
    ).fetchone()
    return row is not None and bool(row[0])


def graph_of(body: str) -> str | None:
    """Return the first argument of `df.start` in the body of a version's function.

    >>> graph_of("begin\\n  return df.start(df.seq('a', 'b'), 'w@1');\\nend")
    "df.seq('a', 'b')"
    """
    begin = body.find(_START)
    if begin < 0:
        return None
    start, depth = begin + len(_START), 0
    for at, token in _tokens(body, start):
        if token == "(":
            depth += 1
        elif token == ")":
            depth -= 1
        elif token == "," and depth == 0:
            return body[start:at].strip()
        if depth < 0:
            return None
    return None


def _tokens(body: str, start: int) -> Iterator[tuple[int, str]]:
    for found in _TOKEN.finditer(body, start):
        yield found.start(), found[0]


def _function(
    connection: Connection, schema: str, workflow: str, version: int
) -> tuple[str, str | None]:
    """Return the body of a version's function, and the search_path that it sets."""
    row = connection.execute(
        "select p.prosrc, (select substring(c from '^search_path=(.*)')"
        "   from unnest(p.proconfig) c where c like 'search_path=%%')"
        " from pg_catalog.pg_proc p where p.proname = %s"
        " and p.pronamespace = to_regnamespace(quote_ident(%s))",
        [f"{workflow}_v{version}", schema],
    ).fetchone()
    if row is None:
        raise UsageError(f"{workflow}@{version} is not deployed in this database")
    return str(row[0]), row[1]


def _explained(
    connection: Connection, error: psycopg.Error, before: str | None, after: str
) -> Immovable:
    """Return the error with the steps that its nodes stand for."""
    message = error.diag.message_primary or str(error)
    try:
        nodes = json.loads(error.diag.message_detail or "")
    except ValueError:
        return Immovable(message)
    old = _place(source_map(connection, before), nodes.get("old"))
    new = _place(source_map(connection, after), nodes.get("new"))
    lines = _changed(connection, before or "", after, old)
    return Immovable(message, Disagreement(message, old, new, lines))


def _changed(
    connection: Connection, before: str, after: str, place: Place | None
) -> tuple[str, ...]:
    """Return the lines of the first change in the sources from a step on."""
    if place is None or place.line is None:
        return ()
    old = _source(connection, before).splitlines()
    new = _source(connection, after).splitlines()
    for what, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        if what != "equal" and b >= place.line:
            return (*(f"- {e}" for e in old[a:b]), *(f"+ {e}" for e in new[c:d]))
    return ()


def _source(connection: Connection, label: str) -> str:
    """Return the source that a version registers."""
    name, _, version = label.rpartition("@")
    row = connection.execute(
        "select source from perdure.workflow_versions"
        " where name = %s and version = %s::integer",
        [name, version],
    ).fetchone()
    return str(row[0]) if row else ""


def _place(places: list[Place], node: int | None) -> Place | None:
    found = [each for each in places if each.node == str(node)]
    return found[0] if found else None
