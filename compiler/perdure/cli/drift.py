"""`perdure drift`: where the repo's versions and the database do not agree."""

from __future__ import annotations

import json as json_
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.database import DatabaseUrl, Json, opened
from perdure.cli.late import late_differences
from perdure.cli.project import Directory, find_project
from perdure.cli.released import Released, read_released
from perdure.emit.literals import quote_name

if TYPE_CHECKING:
    from perdure.engine.deploy import Connection
    from perdure.release.deployed import Database as State
    from perdure.release.deployed import Definition, Difference, Newer
    from perdure.release.objects import Made


def drift(
    json: Json = False,
    sql: Annotated[
        bool,
        typer.Option(
            "--sql", help="Print the SQL that mends what a migration can't, for psql."
        ),
    ] = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Compare the repo with the database; exit with 1 if they differ."""
    from perdure.engine.database import connect
    from perdure.engine.routines import has_schema
    from perdure.release.state import drift as compare

    config = find_project(directory)
    released = read_released(config)
    with (
        opened(database_url, config) as database,
        connect(database.url, database.origin) as connection,
    ):
        state = state_of(connection, config.sql_schema)
        there = has_schema(connection, config.sql_schema)
        found = runtime_differences(connection, config.target)
        made = _made(connection, released, state)
        found += compare(released.lock, released.scripts, state, made)
        found += late_differences(config, database, connection, released.lock)
    if json:
        typer.echo(json_.dumps({"differences": [data_of(e) for e in found]}, indent=2))
    elif sql:
        for line in _script(found, None if there else config.sql_schema):
            typer.echo(line)
    else:
        for each in found:
            typer.echo(f"{each.subject} {each.message}")
            newer = f"; the {each.newer} is newer" if each.newer != "neither" else ""
            typer.echo(f"  = help: {each.advice}{newer}")
        if not found:
            count = len(released.entries)
            versions = "1 version" if count == 1 else f"{count} versions"
            typer.echo(f"no drift: the database agrees with the lock on {versions}")
    raise typer.Exit(1 if found else 0)


def _script(found: Sequence[Difference], schema: str | None) -> Iterator[str]:
    """Yield the SQL that mends differences, after that of a schema that is gone."""
    if schema is not None and any(each.sql for each in found):
        yield f"create schema if not exists {quote_name(schema)};"
    for each in found:
        yield f"-- {each.subject} {each.message}"
        yield "\n".join(each.sql) if each.sql else f"-- {each.advice}"


def state_of(connection: Connection, schema: str) -> State:
    """Read what a database has of workflows."""
    from perdure.engine.deploy import applied_changes, deployed_versions, schedules
    from perdure.engine.routines import routines
    from perdure.release.deployed import (
        Applied,
        Database,
        Definition,
        Function,
        Version,
    )

    there: dict[str, list[Function]] = {}
    for each in routines(connection, schema, Definition):
        function = Function(
            each.definition,
            each.identity,
            each.owner,
            each.public,
            each.grants,
        )
        there.setdefault(each.name, []).append(function)
    return Database(
        tuple(
            Version(each.name, each.version, each.digest, each.retired_at is not None)
            for each in deployed_versions(connection)
        ),
        there,
        tuple(Applied(*each) for each in applied_changes(connection)),
        tuple(schedules(connection)),
    )


def _made(connection: Connection, released: Released, state: State) -> Made:
    """Return what the migrations make; the text stands for what can't be made here."""
    from perdure.engine.routines import made_by
    from perdure.release.deployed import Definition
    from perdure.release.objects import wanted
    from perdure.release.state import deployed_part

    found: dict[tuple[str, str], Definition] = {}
    for each in wanted(deployed_part(released.lock, state), released.scripts):
        made = made_by(connection, each.elsewhere, Definition)
        if not isinstance(made, str):
            found[each.key] = made
        elif each.name in state.functions:
            typer.echo(
                f'warning: of function "{each.name}" only the text is compared: {made}',
                err=True,
            )
    return found


def runtime_differences(connection: Connection, target: str) -> list[Difference]:
    """Return what is wrong with the runtime in the database."""
    from perdure.engine.install import read_status
    from perdure.release.deployed import Difference

    if target != "perdure":
        return []
    found = read_status(connection)
    advice = found.advice()
    if advice is None:
        return []
    what, _, rest = advice.partition(";")
    newer: Newer = "database" if found.newer else "repo"
    return [Difference("runtime", "runtime:", what, newer, rest.strip() or what)]


def data_of(difference: Difference) -> dict[str, object]:
    """Return a difference for JSON."""
    return asdict(difference)
