"""What a user does with runs: start, watch, signal, stop them, let them go on.

Every function takes an open psycopg connection in autocommit and works with the
rights of its role: a role sees and changes its own runs only, which PostgreSQL
decides. Nothing is converted by Python: inputs are text until PostgreSQL casts them
to the type of the workflow's function, so `run` accepts what the database accepts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.rows import class_row

from perdure.engine.database import WORKER_APPLICATION, Database, connect, no_database
from perdure.engine.errors import (
    EngineError,
    MissingPrivilege,
    MissingRuntime,
    UsageError,
)
from perdure.engine.runs import Node, Place, Run

Connection = psycopg.Connection[Any]

_FILE = re.compile(r"\n--- (\S.*\.(?:ya?ml|py|sql))\n")
# Results are for showing; a captured row set can have any size.
SHOWN_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input as the workflow's function declares it."""

    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Function:
    """The function that starts a workflow."""

    schema: str
    name: str
    parameters: tuple[Parameter, ...]


# --- runs -------------------------------------------------------------------------

_RUN = """
select i.id, i.label, i.status, i.submitted_by::text, i.created_at, i.started_at,
       i.ended_at as completed_at, i.error, i.sqlstate, df.now() as now,
       case when i.status = 'paused' then coalesce(i.pause_reason, '')
            when i.queued then 'in the queue: ' || i.concurrency_key
       end as note
from df.instances i
"""


def find_run(connection: Connection, run: str) -> Run:
    """Return a run. Raises UsageError when this role has none of that id."""
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        found = cursor.execute(_RUN + "where i.id = %s", [run]).fetchone()
    if found is None:
        raise UsageError(f'no run "{run}" of this role')
    return found


def has_runtime(connection: Connection) -> bool:
    """Say whether there is a runtime at all; a new embedded database has none."""
    row = connection.execute("select to_regclass('df.instances')").fetchone()
    return row is not None and row[0] is not None


def list_runs(
    connection: Connection,
    *,
    workflow: str | None = None,
    status: str | None = None,
    limit: int = 50,
) -> list[Run]:
    """Return the newest runs first."""
    query = _RUN + (
        "where (%(workflow)s::text is null"
        "       or split_part(i.label, '@', 1) = %(workflow)s"
        "       or split_part(i.label, '@', 1) ~ ('^' || %(workflow)s || %(tried)s))"
        "  and (%(status)s::text is null or i.status = %(status)s)"
        " order by i.created_at desc, i.id limit %(limit)s"
    )
    values = {
        "workflow": workflow,
        "tried": "_[0-9a-f]{8}$",  # as `perdure run` names what is not compiled yet
        "status": status,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        return cursor.execute(query, values).fetchall()


def nodes(connection: Connection, run: str) -> list[Node]:
    """Return the nodes of a run that ran or wait."""
    query = """
        select n.id::text, n.node_type as type, n.query, n.status,
               n.row_count::integer as rows, left(n.result::text, %s) as result,
               n.error, n.sqlstate, n.detail, n.attempts, n.executions, n.rendered_sql,
               n.started_at, n.finished_at, n.wake_at
        from df.nodes n where n.instance_id = %s and n.status <> 'pending'
    """
    with connection.cursor(row_factory=class_row(Node)) as cursor:
        return cursor.execute(query, [SHOWN_CHARACTERS, run]).fetchall()


def source_map(connection: Connection, label: str | None) -> list[Place]:
    """Return the source map of a version, by a run's label `name@version`."""
    name, _, version = (label or "").rpartition("@")
    if not version.isdigit():
        return []
    row = connection.execute(
        "select source_map from perdure.workflow_versions"
        " where name = %s and version = %s",
        [name, int(version)],
    ).fetchone()
    return read_source_map(row[0]) if row else []


def read_source_map(rows: Iterable[Mapping[str, Any]]) -> list[Place]:
    """Return the places of a source map, which has a row per node, in pre-order."""
    return [
        Place(
            node=str(number),
            path=row["path"],
            name=row.get("name"),
            role=row["role"],
            file=row.get("file"),
            line=row.get("line"),
        )
        for number, row in enumerate(rows, 1)
    ]


def source_files(source: str) -> tuple[str, dict[str, str]]:
    """Take the joined sources of a version apart: its own, and others by their path."""
    first, *pieces = _FILE.split("\n" + source)
    others = dict(zip(pieces[::2], pieces[1::2], strict=True))
    return first.removeprefix("\n"), others


def result(connection: Connection, run: str) -> Any:
    """Return the value that a run returned, None while there is none.

    Numbers with a point come as Decimal, so that none of their digits is lost.
    """
    import simplejson

    row = connection.execute("select df.result(%s)::text", [run]).fetchone()
    if row is None or row[0] is None:
        return None
    return returned(simplejson.loads(row[0], use_decimal=True))


def returned(envelope: Any) -> Any:
    """Take the value of `return` out of the result of the node that made it."""
    match envelope:
        case {"rows": [{"result": value, **others}]} if not others:
            return value
    return envelope


def signal(connection: Connection, run: str, name: str, data: str) -> None:
    """Send a signal; `data` is JSON text. Raises UsageError."""
    check_json(data)
    if find_run(connection, run).ended:
        raise UsageError(f'run "{run}" has ended')
    connection.execute("select df.signal(%s, %s, %s)", [run, name, data])


def check_json(text: str) -> None:
    """Raise UsageError when a text is not JSON."""
    try:
        json.loads(text)
    except ValueError as error:
        hint = f" (a text is written '\"{text}\"')" if text.isidentifier() else ""
        raise UsageError(f"{text!r} is not JSON: {error}{hint}") from error


def cancel(connection: Connection, run: str, reason: str) -> None:
    """Cancel a run. Raises UsageError when it has ended."""
    if find_run(connection, run).ended:
        raise UsageError(f'run "{run}" has ended')
    connection.execute("select df.cancel(%s, %s)", [run, reason])


def pause(connection: Connection, run: str, reason: str | None) -> None:
    """Pause a run; once more changes nothing. Raises UsageError when it has ended."""
    find_run(connection, run)
    row = connection.execute("select df.pause(%s, %s)", [run, reason]).fetchone()
    if row is None or row[0] != "paused":
        raise UsageError(f'run "{run}" has ended')


def resume(connection: Connection, run: str) -> None:
    """Let a paused run go on. Raises UsageError when it is not paused."""
    found = find_run(connection, run)
    if found.status != "paused":
        hint = "; `perdure retry` lets it go on" if found.status == "failed" else ""
        raise UsageError(f'run "{run}" is {found.status}, not paused{hint}')
    connection.execute("select df.resume(%s)", [run])


def retry(connection: Connection, run: str) -> None:
    """Let a failed run go on from where it failed. Raises UsageError."""
    found = find_run(connection, run)
    if found.status != "failed":
        raise UsageError(f'run "{run}" is {found.status}; only a failed run is retried')
    try:
        connection.execute("select df.retry_failed(%s)", [run])
    except psycopg.Error as error:
        if error.sqlstate != "PD003":
            raise
        hint = error.diag.message_hint
        message = _handled(connection, found, _primary(error))
        raise UsageError(f"{message}\n{hint}" if hint else message) from error


_RAISED = re.compile(r"node (\d+) raised the failure again after its catch had run")


def _handled(connection: Connection, run: Run, message: str) -> str:
    """Return a message about a run with the step in it, in place of the node."""
    found = _RAISED.search(message)
    places = source_map(connection, run.label) if found else []
    place = next((each for each in places if found and each.node == found[1]), None)
    if found is None or place is None:
        return message
    what = "its `on_failure` has run already"
    if place.path != "on_failure":
        what = f'what handles the failure at "{place.name or place.path}" has run'
        what += f" already ({place.file}:{place.line})" if place.file else " already"
    return message.replace(found[0], what)


def unfinished(connection: Connection) -> int:
    """Return the number of runs that have not ended."""
    row = connection.execute(
        "select count(*) from df.instances where ended_at is null"
    ).fetchone()
    return int(row[0]) if row else 0


def workers(connection: Connection) -> int:
    """Return the number of connections that execute runs of this database."""
    row = connection.execute(
        "select count(*) from pg_catalog.pg_stat_activity"
        " where datname = current_database() and application_name = %s",
        [WORKER_APPLICATION],
    ).fetchone()
    return int(row[0]) if row else 0


# --- starting ---------------------------------------------------------------------


def find_function(connection: Connection, schema: str, workflow: str) -> Function:
    """Return what starts a workflow, `name` or `name@version`. Raises UsageError."""
    name, _, version = workflow.partition("@")
    function = f"{name}_v{version}" if version else name
    rows = connection.execute(
        """
        select p.proargnames, array(
                 select format_type(t.oid, null)
                 from unnest(p.proargtypes) with ordinality as t(oid, place)
                 order by t.place),
               p.pronargdefaults
        from pg_catalog.pg_proc p
        join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        where n.nspname = %s and p.proname = %s and p.prokind = 'f'
          and p.prorettype = 'text'::regtype
        """,
        [schema, function],
    ).fetchall()
    if not rows:
        raise UsageError(_unknown_workflow(connection, workflow, schema))
    if len(rows) > 1:
        raise UsageError(f"{schema}.{function} exists with several signatures")
    names, types, defaults = rows[0]
    optional = len(types) - defaults
    parameters = tuple(
        Parameter(each, type_, place < optional)
        for place, (each, type_) in enumerate(zip(names or (), types, strict=False))
    )
    return Function(schema, function, parameters)


def _unknown_workflow(connection: Connection, workflow: str, schema: str) -> str:
    rows = connection.execute(
        "select distinct name from perdure.workflow_versions order by name"
    ).fetchall()
    known = [row[0] for row in rows]
    near = get_close_matches(workflow, known, 1)
    message = f'no workflow "{workflow}" is deployed in schema "{schema}"'
    if near:
        return f'{message}; did you mean "{near[0]}"?'
    if known:
        return f"{message}; deployed are: {', '.join(known)}"
    return message


def start(
    connection: Connection, function: Function, inputs: Mapping[str, str | None]
) -> str:
    """Start a run with inputs as text, None for null, and return its id.

    Raises UsageError with everything that is wrong with the inputs, before anything
    starts; MissingPrivilege when the role may not start it.
    """
    wrong = [
        *_misnamed(function.parameters, inputs),
        *_mistyped(connection, function.parameters, inputs),
    ]
    if wrong:
        raise UsageError("\n".join(wrong))
    given = [each for each in function.parameters if each.name in inputs]
    arguments = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(each.name), cast(each.type))
        for each in given
    )
    query = sql.SQL("select {}({})").format(
        sql.Identifier(function.schema, function.name), arguments
    )
    try:
        row = connection.execute(
            query, [inputs[each.name] for each in given]
        ).fetchone()
    except errors.InsufficientPrivilege as error:
        raise MissingPrivilege(f"cannot start the workflow: {error}") from error
    except (errors.DataError, errors.IntegrityError, errors.RaiseException) as error:
        reason = error.diag.message_primary or str(error)
        raise UsageError(f"cannot start the workflow: {reason}") from error
    assert row is not None
    return str(row[0])


def _misnamed(
    parameters: Sequence[Parameter], inputs: Mapping[str, str | None]
) -> list[str]:
    names = [each.name for each in parameters]
    wrong = []
    for name in inputs:
        if name not in names:
            near = get_close_matches(name, names, 1)
            known = ", ".join(f"{each.name} {each.type}" for each in parameters)
            help = (
                f'did you mean "{near[0]}"?' if near else f"inputs: {known or 'none'}"
            )
            wrong.append(f'no input "{name}"; {help}')
    for each in parameters:
        if each.required and each.name not in inputs:
            wrong.append(f'input "{each.name}" ({each.type}) is missing')
    return wrong


def _mistyped(
    connection: Connection,
    parameters: Sequence[Parameter],
    inputs: Mapping[str, str | None],
) -> list[str]:
    wrong = []
    for each in parameters:
        value = inputs.get(each.name)
        if value is None:
            continue
        try:
            query = sql.SQL("select {}").format(cast(each.type))
            connection.execute(query, [value])
        except (errors.DataError, errors.IntegrityError) as error:
            reason = error.diag.message_primary or str(error)
            wrong.append(f'input "{each.name}" is {each.type}: {reason}')
    return wrong


def cast(type_: str) -> sql.Composable:
    """Return a placeholder cast to a type, named as format_type names it."""
    return sql.SQL("%s::text::") + sql.SQL(type_)


# --- errors -----------------------------------------------------------------------

_NO_RUNTIME = (
    errors.InvalidSchemaName,
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.UndefinedTable,
)


@contextmanager
def session(database: Database) -> Iterator[Connection]:
    """Give a connection in autocommit; PostgreSQL's errors become EngineError."""
    with (
        reachable(database),
        connect(database.url, database.origin, autocommit=True) as connection,
    ):
        yield connection


@contextmanager
def reachable(database: Database) -> Iterator[None]:
    """Turn all errors of PostgreSQL into EngineError, a lost connection too."""
    try:
        with translated():
            yield
    except psycopg.OperationalError as error:
        raise no_database(error, database.url, database.origin) from error


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of PostgreSQL into those with a message for users.

    A lost connection stays what it is, so that callers can open another one.
    """
    try:
        yield
    except _NO_RUNTIME as error:
        raise MissingRuntime(
            "the runtime is not installed in this database, or is not Perdure's "
            f'({_primary(error)}); "perdure runtime install" installs it'
        ) from error
    except errors.InsufficientPrivilege as error:
        raise MissingPrivilege(
            f"{_primary(error)}\nits owner lets a role start and see runs with: "
            "select df.grant_usage('role')"
        ) from error
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise EngineError(_primary(error)) from error


def _primary(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error)
