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
    flying: Mapping[str, Sequence[str]],
    lock: Lock,
) -> list[Difference]:
    """Return the functions and views that changed under runs in flight, by version.

    The schema of the database is read for it only where such runs use any.
    """
    from perdure.release.late import changed_uses, late_drift

    runs = {key: len(ids) for key, ids in flying.items()}
    entries = [each for each in lock.entries if each.uses and each.key in runs]
    if not entries:
        return []
    there = on_database(config, database)
    now = _read(there, "what versions were compiled with")
    if now is None:
        return []
    repo = None
    if changed_uses(entries, now):
        repo = _read(config, "the project's schema")
    return late_drift(entries, now, runs, repo)


def _read(config: Config, what: str) -> dict[str, str] | None:
    """Return what a schema has, None where it can't be loaded, with a warning."""
    with opened_compiler(config, remember=False) as compiler:
        problems = [*compiler.problems, *compiler.catalog.problems()]
        if not problems:
            return digests(compiler)
    typer.echo(
        f"warning: functions and views can't be compared with {what}: "
        f"{problems[0].message}",
        err=True,
    )
    return None


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
