"""Move a run that waits to another version of its workflow."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from perdure.engine.agreement import Words, read_columns, renames, said
from perdure.engine.client import Connection, find_run, list_runs
from perdure.engine.disagreement import Disagreement, Sides
from perdure.engine.errors import UsageError
from perdure.engine.listening import callers
from perdure.engine.move_input import NewInputs, new_inputs
from perdure.engine.runs import Called, Run
from perdure.engine.version_function import version_function

Fit = Callable[[Sequence[Called], str, str], None]
"""Given who waits for a run, and the labels of its versions; raises Immovable when
those who wait can't take what the second one returns."""


_NAMED = 3
"""How many runs are named where none was given."""


class Immovable(UsageError):
    """The versions do not agree on what the run has done or returns, or it waits not.

    `help` says what else can be done.
    """

    def __init__(
        self, message: str, step: Disagreement | None = None, help: str | None = None
    ) -> None:
        super().__init__(message)
        self.step = step
        self.help = help


@dataclass(frozen=True, slots=True)
class Moved:
    """The labels of a run before and after, and what became of its inputs."""

    before: str
    after: str
    inputs: NewInputs


def move(
    connection: Connection,
    run: str,
    to: int,
    schema: str,
    words: Words,
    require_fit: Fit,
    given: Mapping[str, str | None] | None = None,
) -> Moved:
    """Move a run to a version.

    `words` gives a statement without its layout; `require_fit` is asked where other
    runs wait for this one; `given` are values, as text, of inputs that the run has not,
    None for null. Raises UsageError.
    """
    _require_move(connection)
    found = _find(connection, run, to)
    workflow, at, version = (found.label or "").rpartition("@")
    if not at or not version.isdecimal():
        raise UsageError(f'run "{run}" is of no version of a workflow')
    label = f"{workflow}@{to}"
    if label == found.label:
        raise Immovable(f'run "{run}" is on {label} already')
    if found.ended:
        raise Immovable(
            f"run {run} cannot be moved: it has ended: it is {found.status}"
        )
    function = version_function(connection, schema, workflow, to)
    inputs = new_inputs(connection, run, function, given or {})
    sides = Sides(connection, found.label or "", label)
    if waiting := callers(connection, [run]).get(run):
        require_fit(waiting, sides.before, sides.after)
    move = _Move(run, sides, function.graph, function.search_path, inputs.made, words)
    while _tried(move):
        pass
    return Moved(sides.before, sides.after, inputs)


def _find(connection: Connection, run: str, to: int) -> Run:
    """Return a run.

    Raises UsageError, which names runs where a workflow or a version was given.
    """
    try:
        return find_run(connection, run)
    except UsageError as error:
        name, version, _ = run.partition("@")
        if not version and not _is_workflow(connection, name):
            raise
        what = "version" if version else "workflow"
        said = f'"{run}" is a {what}, and what is moved is a run, by its id'
        raise UsageError(f"{said}: {_candidates(connection, run, to)}") from error


def _is_workflow(connection: Connection, name: str) -> bool:
    row = connection.execute(
        "select exists (select from perdure.workflow_versions where name = %s)", [name]
    ).fetchone()
    return row is not None and bool(row[0])


def _candidates(connection: Connection, of: str, to: int) -> str:
    """Say which runs of a workflow, or a version, may be meant, the newest first."""
    name = of.partition("@")[0]
    there = [
        run
        for status in ("running", "paused", "pending")
        for run in list_runs(connection, workflow=name, status=status)
        if f"{run.label}@".startswith(f"{of}@")
    ]
    label = f"{name}@{to}"
    found = [f"{run.id} ({run.label})" for run in there if run.label != label]
    if there and not found:
        on = f"all of {of} in flight are on {label} already"
        return f"{on}; perdure ps {name} lists them"
    if not found:
        return f"none of {of} is in flight; perdure ps {name} lists those that were"
    more = " and more" if len(found) > _NAMED else ""
    return f"{', '.join(found[:_NAMED])}{more}; perdure ps {name} lists them"


@dataclass(frozen=True, slots=True)
class _Move:
    """A run, what it is to have, and what is known of the two graphs so far.

    `agreed` are nodes that count as the same, or that the new graph does without;
    `renamed` are the names of results that count as the same.
    """

    run: str
    sides: Sides
    graph: str
    search_path: str | None
    inputs: str | None
    words: Words
    agreed: list[dict[str, int | None]] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)


def _tried(move: _Move) -> bool:
    """Move the run; or learn what agrees, and return that it is to be retried.

    The runtime tells of the first pair of nodes that are not equal. Nothing has been
    changed then.
    """
    text = sql.SQL("select df.move(%s, {}, %s, %s, %s::jsonb, %s::jsonb)")
    connection = move.sides.connection
    agreed = json.dumps(move.agreed)
    try:
        connection.execute(
            text.format(sql.SQL(move.graph)).as_string(connection).encode(),
            [move.run, move.sides.after, move.search_path, move.inputs, agreed],
        )
    except psycopg.Error as error:
        if error.sqlstate not in ("PD035", "PD003"):
            raise
        pair = _agreeing(move, error)
        if pair is None or pair in move.agreed:
            raise _explained(move, error) from error
        move.agreed.append(pair)
        return True
    return False


def _agreeing(move: _Move, error: psycopg.Error) -> dict[str, int | None] | None:
    """Return the nodes that an error is about, if they do the same.

    The new one is None where the new version does without the old one. Raises
    Immovable where the new version reads what the old one has not kept.
    """
    nodes = _nodes_of(error)
    before, after = nodes.get("before"), nodes.get("after")
    if before and move.sides.is_unread(nodes):
        return {"old": before["node"], "new": None}
    if not before or not after or after.get("node") is None:
        return None
    renamed = {**move.renamed, **renames(before, after)}
    old, new = said(before, move.words), said(after, move.words, renamed)
    if old.essence != new.essence:
        return None
    read = read_columns(move.graph, after["name"])
    lacking = old.lacks(read) if old.kept != new.kept else []
    if lacking and _has_result(move, before["node"]):
        message = error.diag.message_primary or str(error)
        kept = None if old.kept is None else tuple(sorted(old.kept))
        raise Immovable(message, move.sides.lacking(message, nodes, lacking, kept))
    move.renamed.update(renamed)
    return {"old": before["node"], "new": after["node"]}


def _explained(move: _Move, error: psycopg.Error) -> Immovable:
    """Return the error with the steps that its nodes stand for."""
    message = error.diag.message_primary or str(error)
    nodes = _nodes_of(error)
    if not nodes:
        return Immovable(message)
    if nodes.get("kept") is False:
        return Immovable(message, move.sides.lacking(message, nodes, (), ()))
    before, after = nodes.get("before"), nodes.get("after")
    texts = None
    if before and after and after.get("node") is not None:
        texts = (said(before, move.words).text, said(after, move.words).text)
    return Immovable(message, move.sides.disagreement(message, nodes, texts))


def _has_result(move: _Move, node: int) -> bool:
    """Say whether a run has come out of a node."""
    row = move.sides.connection.execute(
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
