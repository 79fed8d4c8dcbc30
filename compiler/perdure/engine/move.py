"""Move a run that waits to another version of its workflow.

The graph of a version stands in its function, as the first argument of `df.start`. It
is read from there: to call the function would start a run, or find the run itself by
its key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import ndiff
from typing import Any

import psycopg
from psycopg import sql

from perdure.engine.agreement import TOKEN, Said, read_columns, said
from perdure.engine.client import Connection, find_run, source_files, source_map
from perdure.engine.errors import UsageError
from perdure.engine.runs import Place

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

    `lines` are those of the step that differ, as in a diff. `lacking` are the columns
    that the new version reads of it and the old one did not keep; `kept` those that it
    did, None for all of its own.
    """

    message: str
    old: Place | None
    new: Place | None
    lines: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    kept: tuple[str, ...] | None = ()


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
    move = _Move(connection, run, found.label or "", label, arguments[0])
    agreed: list[dict[str, int]] = []
    while (pair := _tried(move, agreed, function.search_path, given)) is not None:
        agreed.append(pair)
    return move.before, label


@dataclass(frozen=True, slots=True)
class _Move:
    """A run, its label, and the label and the graph that it is to have."""

    connection: Connection
    run: str
    before: str
    after: str
    graph: str


def _tried(
    move: _Move,
    agreed: list[dict[str, int]],
    search_path: str | None,
    given: str | None,
) -> dict[str, int] | None:
    """Move the run; or return two nodes that differ in what they keep, and no more.

    The runtime tells of the first pair of nodes that are not equal. Nothing has been
    changed then.
    """
    text = sql.SQL("select df.move(%s, {}, %s, %s, %s::jsonb, %s::jsonb)")
    connection = move.connection
    try:
        connection.execute(
            text.format(sql.SQL(move.graph)).as_string(connection).encode(),
            [move.run, move.after, search_path, given, json.dumps(agreed)],
        )
    except psycopg.Error as error:
        if error.sqlstate not in ("PD035", "PD003"):
            raise
        pair = _agreeing(move, error)
        if pair is None or pair in agreed:
            raise _explained(move, error) from error
        return pair
    return None


def _agreeing(move: _Move, error: psycopg.Error) -> dict[str, int] | None:
    """Return the nodes that an error is about, if they do the same.

    Raises Immovable where the new version reads what the old one has not kept.
    """
    nodes = _nodes_of(error)
    before, after = nodes.get("before"), nodes.get("after")
    if not before or not after or after.get("node") is None:
        return None
    old, new = said(before), said(after)
    if old.essence != new.essence:
        return None
    lacking = old.lacks(read_columns(move.graph, after["name"]))
    if lacking and _has_result(move, before["node"]):
        raise _lacking(move, error, old, lacking)
    return {"old": before["node"], "new": after["node"]}


def _has_result(move: _Move, node: int) -> bool:
    """Say whether a run has come out of a node."""
    row = move.connection.execute(
        "select exists (select from df.nodes where instance_id = %s and id = %s"
        " and status = 'completed')",
        [move.run, str(node)],
    ).fetchone()
    return row is not None and bool(row[0])


def _nodes_of(error: psycopg.Error) -> dict[str, Any]:
    """Return what the runtime tells of the nodes that are not the same."""
    try:
        found = json.loads(error.diag.message_detail or "")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def can_move(connection: Connection) -> bool:
    """Say whether the runtime of a database can move runs."""
    row = connection.execute(
        "select to_regprocedure('df.move(text, text, text, text, jsonb, jsonb)')"
        " is not null"
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
    for found in TOKEN.finditer(body, start):
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


def _explained(move: _Move, error: psycopg.Error) -> Immovable:
    """Return the error with the steps that its nodes stand for."""
    message = error.diag.message_primary or str(error)
    nodes = _nodes_of(error)
    if not nodes:
        return Immovable(message)
    old, new = _places(move, nodes)
    lines = _changed(move, old, new) if old and new else ()
    before, after = nodes.get("before"), nodes.get("after")
    if not lines and before and after and after.get("node") is not None:
        lines = _diff([said(before).text], [said(after).text])
    return Immovable(message, Disagreement(message, old, new, lines))


def _lacking(
    move: _Move, error: psycopg.Error, old: Said, columns: Sequence[str]
) -> Immovable:
    """Return why a run can't be moved whose steps have kept too little."""
    message = error.diag.message_primary or str(error)
    places = _places(move, _nodes_of(error))
    kept = None if old.kept is None else tuple(sorted(old.kept))
    step = Disagreement(message, *places, lacking=tuple(columns), kept=kept)
    return Immovable(message, step)


def _places(move: _Move, nodes: Mapping[str, Any]) -> tuple[Place | None, Place | None]:
    """Return the steps that two nodes stand for, of the old and of the new version."""
    old = _place(source_map(move.connection, move.before), nodes.get("old"))
    return old, _place(source_map(move.connection, move.after), nodes.get("new"))


def _changed(move: _Move, old: Place, new: Place) -> tuple[str, ...]:
    """Return the lines of a step that differ between two versions."""
    return _diff(
        _lines_of(move.connection, move.before, old),
        _lines_of(move.connection, move.after, new),
    )


def _diff(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    return tuple(e for e in ndiff(old, new) if e.startswith(("- ", "+ ")))


def _lines_of(connection: Connection, label: str, place: Place) -> list[str]:
    """Return the lines of a version's source from a step to the next one's."""
    if place.line is None:
        return []
    others = [e for e in source_map(connection, label) if e.file == place.file]
    later = (e.line for e in others if e.line is not None and e.line > place.line)
    end = min(later, default=None)
    own, files = source_files(_source(connection, label))
    text = files.get(place.file or "", own)
    return text.splitlines()[place.line - 1 : end - 1 if end else None]


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
