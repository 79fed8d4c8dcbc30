"""Move a run that waits to another version of its workflow.

The graph of a version stands in its function, as the first argument of `df.start`. It
is read from there: to call the function would start a run, or find the run itself by
its key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
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
_INPUT = "input =>"
_PARAMETERS = """
  select a.name, pg_catalog.format_type(a.type, null),
    pg_catalog.pg_get_function_arg_default(p.oid, a.number::integer)
  from pg_catalog.pg_proc p
  cross join unnest(p.proargnames, p.proargtypes::oid[])
    with ordinality a (name, type, number)
  where p.oid = %s order by a.number
"""


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
    _require_move(connection)
    found = find_run(connection, run)
    workflow, at, version = (found.label or "").rpartition("@")
    if not at or not version.isdecimal():
        raise UsageError(f'run "{run}" is of no version of a workflow')
    label = f"{workflow}@{to}"
    if label == found.label:
        raise Immovable(f'run "{run}" is on {label} already')
    function = _function(connection, schema, workflow, to)
    arguments = arguments_of(function.body)
    if not arguments:
        raise UsageError(f"the function of {label} is not what perdure compile writes")
    given = _defaults(connection, function, arguments)
    text = sql.SQL("select df.move(%s, {}, %s, %s, %s::jsonb)")
    try:
        connection.execute(
            text.format(sql.SQL(arguments[0])).as_string(connection).encode(),
            [run, label, function.search_path, given],
        )
    except psycopg.Error as error:
        if error.sqlstate not in ("PD035", "PD003"):
            raise
        raise _explained(connection, error, found.label, label) from error
    return found.label or "", label


def can_move(connection: Connection) -> bool:
    """Say whether the runtime of a database can move runs."""
    row = connection.execute(
        "select to_regprocedure('df.move(text, text, text, text, jsonb)') is not null"
    ).fetchone()
    return row is not None and bool(row[0])


def _require_move(connection: Connection) -> None:
    if can_move(connection):
        return
    (extension,) = connection.execute(
        "select exists (select from pg_extension where extname = 'pg_durable')"
    ).fetchone() or (False,)
    if extension:
        raise UsageError(
            "the workflows of this database run on the extension pg_durable, which "
            "cannot move a run: it ends on the version that it began with, or with "
            "perdure cancel"
        )
    raise UsageError(
        "runs can be moved on Perdure's own runtime, from 0.2.0 on: perdure runtime "
        "status tells what is there"
    )


def arguments_of(body: str) -> list[str]:
    """Return the arguments of `df.start` in the body of a version's function.

    >>> arguments_of("begin\\n  return df.start(df.seq('a', 'b'), 'w@1');\\nend")
    ["df.seq('a', 'b')", "'w@1'"]
    """
    begin = body.find(_START)
    if begin < 0:
        return []
    found: list[str] = []
    start, depth = begin + len(_START), 0
    for at, token in _tokens(body, start):
        if depth == 0 and token in (",", ")"):
            found.append(body[start:at].strip())
            start = at + 1
        if token == ")" and depth == 0:
            return found
        depth += {"(": 1, ")": -1}.get(token, 0)
    return []


def _tokens(body: str, start: int) -> Iterator[tuple[int, str]]:
    for found in _TOKEN.finditer(body, start):
        yield found.start(), found[0]


@dataclass(frozen=True, slots=True)
class _Function:
    """A version's function: its number in the catalog, its text, its settings."""

    oid: int
    body: str
    settings: tuple[tuple[str, str], ...]

    @property
    def search_path(self) -> str | None:
        """The search_path that it sets."""
        return dict(self.settings).get("search_path")


def _function(
    connection: Connection, schema: str, workflow: str, version: int
) -> _Function:
    row = connection.execute(
        "select p.oid::bigint, p.prosrc, coalesce(p.proconfig, '{}')"
        " from pg_catalog.pg_proc p where p.proname = %s"
        " and p.pronamespace = to_regnamespace(quote_ident(%s))",
        [f"{workflow}_v{version}", schema],
    ).fetchone()
    if row is None:
        raise UsageError(f"{workflow}@{version} is not deployed in this database")
    parts = [each.partition("=") for each in row[2]]
    settings = tuple((name, value) for name, _, value in parts)
    return _Function(int(row[0]), str(row[1]), settings)


def _defaults(
    connection: Connection, function: _Function, arguments: Sequence[str]
) -> str | None:
    """Return the inputs of a version that have a default, as a start would store them.

    The expression that makes the input of a start is evaluated with the defaults in
    the place of the parameters.
    """
    made = next((e for e in arguments if e.startswith(_INPUT)), None)
    if made is None:
        return None
    with connection.transaction(force_rollback=True):
        for name, value in function.settings:
            if name != "search_path":
                connection.execute("select set_config(%s, %s, true)", [name, value])
        connection.execute("set local search_path = pg_catalog")
        parameters = connection.execute(_PARAMETERS, [function.oid]).fetchall()
        others = [name for name, _, default in parameters if default is None]
        columns = ", ".join(
            f"cast({default or 'null'} as {kind}) as {_quoted(connection, name)}"
            for name, kind, default in parameters
        ).replace("%", "%%")
        made = made.removeprefix(_INPUT).replace("%", "%%")
        query = f"select (({made}) - %s::text[])::text from (select {columns}) p"
        row = connection.execute(query.encode(), [others]).fetchone()
    return str(row[0]) if row else None


def _quoted(connection: Connection, name: str) -> str:
    return sql.Identifier(name).as_string(connection)


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
