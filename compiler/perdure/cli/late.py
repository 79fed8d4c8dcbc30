"""What versions of before use, and whether it is another thing now or soon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from perdure.cli.past import folder, of_version
from perdure.cli.project import opened_compiler, show, usable_state

if TYPE_CHECKING:
    from perdure.cli.past import Past
    from perdure.config import Config
    from perdure.engine.database import Database
    from perdure.engine.deploy import Connection
    from perdure.pipeline import Compiler
    from perdure.release import Lock
    from perdure.release.deployed import Difference
    from perdure.release.late import ChangedUse


def definitions(config: Config) -> dict[str, str]:
    """Return the digests of a schema's functions and views, by name."""
    with opened_compiler(config, remember=False) as compiler:
        end_on_problems(compiler)
        return digests(compiler)


def digests(compiler: Compiler) -> dict[str, str]:
    """Return the digests of the functions and views of a compiler's schema, by name."""
    return {each.name: each.digest for each in compiler.catalog.definitions()}


def end_on_problems(compiler: Compiler) -> None:
    """End the command when the schema can't be loaded."""
    problems = [*compiler.problems, *compiler.catalog.problems()]
    if problems:
        compiler.sources.update((e.path, e) for e in compiler.catalog.sources)
        show(problems, compiler.sources)
        raise typer.Exit(1)


def on_database(config: Config, database: Database) -> Config:
    """Return the configuration with the schema of a database."""
    return replace(config, schema=(), schema_url=database.url)


def late_differences(
    config: Config,
    database: Database,
    connection: Connection,
    flying: Mapping[str, Sequence[str]],
    lock: Lock,
) -> list[Difference]:
    """Return the functions and views that changed under versions of the lock.

    They are those in force in the database, and those with runs in flight. Its catalog
    is asked first, which takes no time and no rights. What is not the same there may
    be printed by another PostgreSQL only, so it is compared as the lock has it: dumped
    and loaded again, if the role may do that.
    """
    from perdure.engine.deploy import current_versions
    from perdure.release.late import changed_uses, late_drift

    runs = {key: len(ids) for key, ids in flying.items()}
    in_force = {f"{n}@{v}" for n, v in current_versions(connection).items()}
    entries = [e for e in lock.entries if e.uses and e.key in runs.keys() | in_force]
    if not entries:
        return []
    now = _in_catalog(connection)
    if all(now.get(name) == digest for each in entries for name, digest in each.uses):
        return []
    loaded, _ = _loaded(on_database(config, database))
    now = now if loaded is None else loaded
    if not changed_uses(entries, now):
        return []
    repo, problem = _loaded(config)
    if problem is not None:
        typer.echo(
            "warning: functions and views can't be compared with the project's schema: "
            f"{problem}",
            err=True,
        )
    return late_drift(entries, now, runs, repo)


def _in_catalog(connection: Connection) -> dict[str, str]:
    """Return the digests of a database's functions and views, by name."""
    from perdure.catalog.definitions import definitions

    with connection.transaction(force_rollback=True):
        connection.execute("set local search_path = ''")
        return {each.name: each.digest for each in definitions(connection)}


def _loaded(config: Config) -> tuple[dict[str, str] | None, str | None]:
    """Return what a schema has, or why it can't be loaded."""
    with opened_compiler(config, remember=False) as compiler:
        problems = [*compiler.problems, *compiler.catalog.problems()]
        if problems:
            return None, problems[0].message
        return digests(compiler), None


def changing(
    after: Config, before: Config, versions: Sequence[Past]
) -> list[ChangedUse]:
    """Return what versions use and what is another thing under the schema of `after`.

    It is what the lock recorded; where that says nothing, what the version uses under
    the schema of `before`.
    """
    from perdure.release.late import changed_names

    now = definitions(after)
    state = usable_state(after)
    with opened_compiler(before, remember=False, state_dir=state) as compiler:
        end_on_problems(compiler)
        return [
            use
            for version in versions
            for use in changed_names(
                version.workflow,
                version.version,
                used(compiler, before, version, list(versions)),
                now,
            )
        ]


def used(
    compiler: Compiler, config: Config, version: Past, versions: list[Past]
) -> dict[str, str]:
    """Return what a version uses under a compiler's schema, with digests by name."""
    from perdure.uses import uses_of

    with folder() as place:
        unit, _ = of_version(compiler, config, version, versions, place)
        if unit is None or unit.ir is None:
            return {}
        return {e.name: e.digest for e in uses_of(unit.ir, compiler.catalog)}
