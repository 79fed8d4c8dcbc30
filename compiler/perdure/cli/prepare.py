"""What must stand in a database before a workflow can start there.

The runtime; on the embedded database the project's schema and seed, once; and the
workflow. A version that is committed to the lock is deployed from its migration, on the
embedded database with all that waits to be (elsewhere see `perdure.cli.elsewhere`). One
that is not is put beside it, under a name of its own in a schema of its own, so that
trying a change neither takes the number of a version nor touches one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from perdure.cli.project import check_all, fail, opened_compiler, show
from perdure.cli.released import install_script

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.engine.database import Database
    from perdure.pipeline import Checked, Compiler, Unit
    from perdure.release import Release

UNCOMMITTED = "_uncommitted"


def prepare(
    config: Config, database: Database, workflow: str, *, yes: bool = False
) -> tuple[str, str]:
    """Make a workflow ready to start; return its function's schema and name.

    `yes` stands for the answer where a database is not the project's own.
    """
    from perdure.engine.install import require_runtime

    if config.source is None:
        require_runtime(database.url)
        return config.sql_schema, workflow
    there = _runtime(database)
    if database.embedded:
        load_schema(config, database)
        config = replace(config, target="perdure")  # the runtime that is there
    name, _, version = workflow.partition("@")
    with opened_compiler(config) as compiler:
        checked = check_for(compiler, config, name)
        release = compiler.release(checked)
        named = {each.name: each for each in checked.units if each.name}
        changed = {version.name for version in release.versions} & set(named)
        unit = named.get(name)
        _refuse(compiler, release, None if version else unit)
        tried = {}
        if unit is not None and not version and name in changed:
            tried = _tried(compiler, unit, {each: named[each] for each in changed})
        if unit is not None and there:
            _stand_for(compiler, unit, database, bool(tried))
        if database.embedded:
            deploy(compiler, database)
        else:
            _bring(compiler, database, workflow, tried, there=there, yes=yes)
        if unit is not None and not there:
            _stand_for(compiler, unit, database, bool(tried))
        if unit is None or not tried:
            if unit is not None and not version:
                _tell_of_rollback(compiler, unit)
            return config.sql_schema, workflow
        schema, own = try_out(compiler, unit, database, tried)
        typer.echo(f"{name} is not compiled yet: trying it out as {own}", err=True)
        return schema, own


def _runtime(database: Database) -> bool:
    """Say whether the runtime is there; on the embedded database it is from now on."""
    from perdure.engine.database import connect
    from perdure.engine.install import read_status
    from perdure.engine.upgrade import provide

    if not database.embedded:
        with connect(database.url, database.origin) as connection:
            if read_status(connection).installed is None:
                return False
    provide(database)
    return True


def _bring(
    compiler: Compiler,
    database: Database,
    workflow: str,
    tried: Mapping[str, Tried],
    *,
    there: bool,
    yes: bool,
) -> None:
    """Bring what a run needs to a database that others may use."""
    from perdure.cli.elsewhere import bring

    name, _, version = workflow.partition("@")
    wanted: dict[str, int | None] = {
        name: int(version) if version.isdecimal() else None
    }
    if tried:
        wanted = dict.fromkeys(compiler.library().reach(name) - set(tried))
    functions = _new(compiler, database, tried) if tried else []
    bring(compiler.config, database, wanted, functions, runtime=not there, yes=yes)


def _stand_for(
    compiler: Compiler, unit: Unit, database: Database, tried_out: bool
) -> None:
    """Make ready the role that a workflow names, if it names one."""
    from perdure.cli.roles import make_ready

    ir = compiler.complete(unit).ir
    role = ir.options.role if ir and ir.options else None
    if role is None or unit.name is None:
        return
    schema = compiler.config.sql_schema + (UNCOMMITTED if tried_out else "")
    make_ready(database, unit.name, role, schema, ours=tried_out)


def check_for(compiler: Compiler, config: Config, name: str) -> Checked:
    """Check the project; end the command on errors that concern the workflow."""
    checked = check_all(compiler, config)
    errors = [each for each in checked.findings if each.severity == "error"]
    unit = next((unit for unit in checked.units if unit.name == name), None)
    own = [
        each
        for each in errors
        if unit is None or each.span is None or each.span.path == unit.source.path
    ]
    if own:
        show(own, checked.sources)
        raise typer.Exit(1)
    if errors:
        typer.echo("other workflows have errors: see perdure check", err=True)
    return checked


def _refuse(compiler: Compiler, release: Release, unit: Unit | None) -> None:
    """End the command on errors of the lock and the migrations, or of a workflow.

    Those of workflows that it does not call concern others.
    """
    library = compiler.library()
    paths = {name: each.source.path for name, each in library.entries.items()}
    name = unit and unit.name
    own = {paths.get(each) for each in (name, *library.reach(name))} if name else set()
    others = {*paths.values()} - own
    errors = [
        each
        for each in release.findings
        if each.severity == "error" and not (each.span and each.span.path in others)
    ]
    if errors:
        show(errors, compiler.sources)
        raise typer.Exit(1)


def load_schema(config: Config, database: Database) -> None:
    """Load the schema and the seed into a new embedded database."""
    from perdure.catalog.load import files_digest, load_files
    from perdure.engine.database import connect
    from perdure.engine.deploy import made_from, note_made_from

    if config.schema_url:
        fail(
            "the schema of this project is a live database, and the embedded one has "
            "none of it",
            "name the database to run on with --database-url",
        )
    files = config.schema + config.seed
    digest = files_digest(files, config.root)
    with connect(database.url, database.origin) as connection:
        before = made_from(connection)
        if before is None:
            sources, found = load_files(database.url, files, config.root)
            if found:
                show(found, {each.path: each for each in sources})
                raise typer.Exit(1)
            note_made_from(connection, digest)
        elif before != digest:
            typer.echo(
                "warning: the schema or the seed changed since the embedded database "
                "was made\n  = help: perdure run --fresh makes it anew; or apply the "
                f"change yourself: psql '{database.url}'",
                err=True,
            )


def deploy(compiler: Compiler, database: Database) -> None:
    """Apply the committed migrations that the database does not have yet."""
    from perdure.cli.drift import state_of
    from perdure.engine.database import connect
    from perdure.engine.deploy import apply_migration
    from perdure.release import Lock
    from perdure.release.state import missing
    from perdure.units import read_folder

    lock, _ = compiler.lock()
    assert lock is not None  # the release was planned with it
    globs = compiler.layout.globs
    folder = read_folder(compiler.config.migrations, globs, lock)
    target = str(compiler.target)
    committed = Lock(
        tuple(each for each in lock.entries if each.target == target),
        lock.source,
        tuple(each for each in lock.changes if each.target == target),
    )
    with connect(database.url, database.origin) as connection:
        state = state_of(connection, compiler.config.sql_schema)
        for event in missing(committed, state, folder.files):
            _, text = install_script(compiler.config, event, folder.files)
            apply_migration(connection, text)


@dataclass(frozen=True, slots=True)
class Tried:
    """A workflow that is not committed, and the name that its digest gives it."""

    unit: Unit
    name: str


def _tell_of_rollback(compiler: Compiler, unit: Unit) -> None:
    """Tell that another version than that of the sources is in force."""
    assert unit.name is not None
    lock, _ = compiler.lock()
    current = lock and lock.current(unit.name)
    if current and current.digest != unit.digest:
        typer.echo(
            f"{current.key} is current and is started: the sources are those of a "
            "version that was rolled back",
            err=True,
        )


def _tried(
    compiler: Compiler, unit: Unit, changed: Mapping[str, Unit]
) -> dict[str, Tried]:
    """Return what is put beside the committed versions: one, and those it calls.

    `changed` are all that are not committed.
    """
    assert unit.name is not None
    wanted = {unit.name, *compiler.library().reach(unit.name)} & set(changed)
    return {name: Tried(changed[name], _tried_name(changed[name])) for name in wanted}


def _new(
    compiler: Compiler, database: Database, tried: Mapping[str, Tried]
) -> list[str]:
    """Return the functions that are still to be made for what is tried out."""
    from perdure.engine.database import connect
    from perdure.engine.deploy import missing_versions

    schema = compiler.config.sql_schema + UNCOMMITTED
    names = [(each.name, 1) for each in tried.values()]
    with connect(database.url, database.origin) as connection:
        found = missing_versions(connection, sorted(names))
    return [f"{schema}.{name}" for name, _ in found]


def try_out(
    compiler: Compiler, unit: Unit, database: Database, tried: Mapping[str, Tried]
) -> tuple[str, str]:
    """Put versions that are not committed beside those that are."""
    from perdure.emit.functions import function_name
    from perdure.engine.database import connect
    from perdure.engine.deploy import apply_migration, missing_versions

    assert unit.name is not None
    schema = compiler.config.sql_schema + UNCOMMITTED
    functions = compiler.functions(unit, {})
    for name, each in tried.items():
        functions[name] = function_name(schema, each.name, 1)
    with connect(database.url, database.origin) as connection:
        for _, each in sorted(tried.items()):
            if missing_versions(connection, [(each.name, 1)]):
                version = compiler.sql(
                    each.unit,
                    version=1,
                    schema=schema,
                    rename=each.name,
                    functions=functions,
                )
                apply_migration(connection, version.up)
    return schema, tried[unit.name].name


def _tried_name(unit: Unit) -> str:
    """Return the name of a version that is tried out, a new one for each change."""
    assert unit.digest is not None
    return f"{unit.name}_{unit.digest[:8]}"
