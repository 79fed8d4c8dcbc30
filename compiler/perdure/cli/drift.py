"""`perdure drift`: where the repo's versions and the database do not agree."""

from __future__ import annotations

import json as json_
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
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
    from perdure.engine.inflight import open_runs
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
        there_made = made(connection, released, state)
        flying = open_runs(connection)
        lock, scripts = released.lock, released.scripts
        found += compare(lock, scripts, state, there_made, flying)
        found += _beside(connection, released, state, flying)
        found += late_differences(config, database, connection, flying, lock)
    if json:
        typer.echo(json_.dumps({"differences": [data_of(e) for e in found]}, indent=2))
    elif sql:
        _print_sql(found, None if there else config.sql_schema)
    else:
        _print(found, len(released.entries))
    raise typer.Exit(1 if _disagree(found) else 0)


def _disagree(found: Sequence[Difference]) -> bool:
    return any(each.severity == "error" for each in found)


def _print(found: Sequence[Difference], count: int) -> None:
    for (advice, side), same in groupby(found, lambda each: (each.advice, each.newer)):
        for each in same:
            mark = "warning: " if each.severity == "warning" else ""
            typer.echo(f"{mark}{each.subject} {each.message}")
        newer = f"; the {side} is newer" if side != "neither" else ""
        typer.echo(f"  = help: {advice}{newer}")
    if not _disagree(found):
        versions = "1 version" if count == 1 else f"{count} versions"
        typer.echo(f"no drift: the database agrees with the lock on {versions}")


def _print_sql(found: Sequence[Difference], schema: str | None) -> None:
    """Print the SQL that mends; where none does, say on stderr what else there is."""
    if any(each.sql for each in found):
        for line in _script(found, schema):
            typer.echo(line)
        return
    show_differences(found)
    end = "nothing of this can be mended with SQL" if found else "nothing to mend"
    typer.echo(end, err=True)


def show_differences(found: Sequence[Difference], mark: str = "") -> None:
    """Show differences on stderr; what to do about several is said once."""
    for advice, same in groupby(found, lambda each: each.advice):
        for each in same:
            typer.echo(f"{mark}{each.subject} {each.message}", err=True)
        typer.echo(f"  = help: {advice}", err=True)


def _script(found: Sequence[Difference], schema: str | None) -> Iterator[str]:
    """Yield the SQL that mends differences, after that of a schema that is gone.

    All of it or nothing: where versions have runs, it drops nothing.
    """
    yield "begin;"
    if schema is not None and any(each.sql for each in found):
        yield f"create schema if not exists {quote_name(schema)};"
    for each in found:
        yield f"-- {each.subject} {each.message}"
        yield "\n".join(each.sql) if each.sql else f"-- {each.advice}"
    yield "commit;"


def state_of(connection: Connection, schema: str) -> State:
    """Read what a database has of workflows."""
    from perdure.engine.deploy import (
        applied_changes,
        deployed_versions,
        schedules,
        workflows_elsewhere,
    )
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
        frozenset(workflows_elsewhere(connection, schema)),
    )


def _beside(
    connection: Connection,
    released: Released,
    state: State,
    flying: Mapping[str, Sequence[str]],
) -> list[Difference]:
    """Compare what stands beside the functions: rows of the register, and runs."""
    from perdure.engine.register import other_columns
    from perdure.release.objects import registration
    from perdure.release.state import changed_rows, runs_on_retired

    lock, scripts = released.lock, released.scripts
    columns = {
        key: other_columns(connection, statement)
        for key in (each.key for each in lock.entries)
        for statement in registration(scripts.get(key, ""))
    }
    return [
        *changed_rows(lock, scripts, state, columns),
        *runs_on_retired(lock, state, flying),
    ]


def made(connection: Connection, released: Released, state: State) -> Made:
    """Return what the migrations make; the text stands for what can't be made here."""
    from perdure.engine.routines import made_by
    from perdure.release.deployed import Definition
    from perdure.release.objects import wanted
    from perdure.release.registered import deployed_part

    found: dict[tuple[str, str], Definition] = {}
    unseen: dict[str, list[str]] = {}
    for each in wanted(deployed_part(released.lock, state), released.scripts):
        definition = made_by(connection, each.elsewhere, Definition)
        if not isinstance(definition, str):
            found[each.key] = definition
        elif each.name in state.functions:
            unseen.setdefault(definition, []).append(f'"{each.name}"')
    for reason, names in unseen.items():
        functions = "function" if len(names) == 1 else f"{len(names)} functions,"
        rest = " ..." if len(names) > 3 else ""
        typer.echo(
            f"warning: of {functions} {', '.join(names[:3])}{rest} only the text is "
            f"compared: {reason}",
            err=True,
        )
    return found


def runtime_differences(connection: Connection, target: str) -> list[Difference]:
    """Return what is wrong with the runtime, or the support of it, in the database."""
    from perdure.engine.install import read_status, shipped
    from perdure.release.deployed import Difference
    from perdure.targets.known import parse_target

    known = parse_target(target)
    if isinstance(known, str):  # the configuration was read: it is known
        return []
    sources = shipped(known.version)
    found = read_status(connection, sources)
    advice = found.advice(sources.title)
    if advice is None:
        return []
    what, _, rest = advice.partition(";")
    newer: Newer = "database" if found.newer else "repo"
    if found.other_build and not (found.newer or found.older):
        newer = "neither"
    return [Difference("runtime", "runtime:", what, newer, rest.strip() or what)]


def data_of(difference: Difference) -> dict[str, object]:
    """Return a difference for JSON."""
    return asdict(difference)
