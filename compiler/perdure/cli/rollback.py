"""`perdure rollback` and `perdure retire`: migrations that need no source."""

from __future__ import annotations

import json as json_
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from perdure.cli.project import (
    Directory,
    fail,
    find_project,
    meant_number,
    refuse_version,
    show,
    version_number,
)
from perdure.cli.released import Released, read_released

if TYPE_CHECKING:
    from perdure.cli.obstacles import Leaving
    from perdure.cli.past import Past
    from perdure.config import Config
    from perdure.emit.switch import Switch
    from perdure.plan.version import Previous, Script
    from perdure.release import Change, Lock, Release
    from perdure.release.layouts import Folder, Layout
    from perdure.release.reversal import Refused, Retirement


def rollback(
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="Its name.")],
    to: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=version_number,
            help="The version that is to be current; by default the one before.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    directory: Directory = Path(),
) -> None:
    """Write a migration that puts the version before in force again."""
    from perdure.cli.obstacles import Leaving, callers_of
    from perdure.cli.past import locked
    from perdure.emit.switch import roll_back
    from perdure.release.reversal import Refused, plan_rollback

    refuse_version(workflow, "perdure rollback {name} --to {number}")
    config = find_project(directory)
    released = read_released(config)
    folder, layout = _migrations(config, released.whole)

    def build(
        change: Change, before: Previous, after: Previous
    ) -> tuple[Script, Script]:
        return roll_back(_switch(change), before, after)

    try:
        release = plan_rollback(released.whole, folder, layout, workflow, to, build)
    except Refused as refused:
        _refuse(refused)
    change = _write(config, release, json)
    past = {each.key: each for each in locked(config)}
    if not json:
        name, now = change.workflow, f"{change.workflow}@{change.to}"
        typer.echo(f"{now} is current once it is applied (perdure deploy does)")
        typer.echo(
            f"runs in flight stay on their versions; {name}@{change.before} stays "
            "deployed, and is not called"
        )
        left = Leaving(released, name, [change.before], whole=False)
        for caller in callers_of(left)[change.before]:
            typer.echo(f"note: {caller} goes on to start {name}@{change.before}")
        _tell_of_holders(
            config, released, past, past[f"{change.workflow}@{change.before}"]
        )
    _warn_of_misfits(config, past, f"{change.workflow}@{change.to}")


def retire(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WORKFLOW[@N]", help="A version, or the workflow with all of them."
        ),
    ],
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Ask no database for runs; the migration does when it is applied.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    database_url: Annotated[
        str | None,
        typer.Option(
            "--database-url",
            metavar="URL",
            help="Where to look for runs; else PERDURE_DATABASE_URL, DATABASE_URL, "
            "or an embedded PostgreSQL under .perdure/.",
            show_default=False,
        ),
    ] = None,
    directory: Directory = Path(),
) -> None:
    """Write a migration that takes a version, or a workflow, out of the database."""
    from perdure.cli.obstacles import Leaving
    from perdure.release.reversal import Refused, plan_retire

    config = find_project(directory)
    released = read_released(config)
    folder, layout = _migrations(config, released.whole)
    workflow, version = _parse(what)
    build = _retirement(released)
    try:
        release = plan_retire(released.whole, folder, layout, workflow, version, build)
    except Refused as refused:
        _refuse(refused)
    numbers = [version] if version else released.whole.versions(workflow)
    leaving = Leaving(released, workflow, numbers, whole=version is None)
    failed = _refuse_obstacles(config, leaving, database_url, offline=offline)
    change = _write(config, release, json, failed)
    if failed:
        _warn_of_failed(failed)
    if not json:
        typer.echo(
            f"{change.workflow}: {change.note}, once it is applied (perdure deploy "
            "does); it refuses while runs are on them"
        )


def _retirement(
    released: Released,
) -> Callable[[Change, Retirement], tuple[Script, Script]]:
    """Return what writes the SQL that retires versions."""
    from perdure.emit.switch import retire, statements_of
    from perdure.release.script import split

    def build(change: Change, retired: Retirement) -> tuple[Script, Script]:
        made = {
            number: statements_of(
                split(released.scripts[f"{change.workflow}@{number}"]),
                change.schema,
                change.workflow,
                number,
            )
            for number in change.versions
        }
        return retire(_switch(change), retired.versions, made, retired.current)

    return build


def _parse(what: str) -> tuple[str, int | None]:
    name, at, number = what.partition("@")
    if at and not (number.isdecimal() and number.isascii() and int(number) > 0):
        fail(
            f'"{number}" is not the number of a version',
            f"perdure retire {name}@{meant_number(number, 'N')}",
        )
    return name, int(number) if at else None


def _migrations(config: Config, lock: Lock) -> tuple[Folder, Layout]:
    from perdure.release.layouts import LAYOUTS
    from perdure.units import read_folder

    layout = LAYOUTS.get(config.layout)
    if layout is None:
        fail(
            f'there is no layout "{config.layout}"', f"there are: {', '.join(LAYOUTS)}"
        )
    return read_folder(config.migrations, layout.globs, lock), layout


def _switch(change: Change) -> Switch:
    from perdure.emit.switch import Switch

    return Switch(
        change.workflow,
        change.schema,
        change.number,
        change.kind,
        change.to,
        change.digest,
        change.note,
    )


def _write(
    config: Config, release: Release, json: bool, failed: Sequence[str] = ()
) -> Change:
    """Write the migration and the lock; return the change that is new in it."""
    from perdure.cli.compile import shown, write
    from perdure.release import read_lock
    from perdure.source import Source

    source = Source(config.lock.name, release.lock)
    errors = [each for each in release.findings if each.severity == "error"]
    if release.findings:
        show(release.findings, {source.path: source})
    if errors:
        raise typer.Exit(1)
    write(config, release)
    lock, _ = read_lock(source)
    assert lock is not None  # it was written just now
    change = next(
        each
        for each in lock.changes
        if {path for path, _ in each.files} & release.files.keys()
    )
    folder = shown(config.migrations, config.root)
    files = [f"{folder}/{name}" for name in sorted(release.files)]
    if json:
        data = {
            "workflow": change.workflow,
            "change": change.number,
            "kind": change.kind,
            "current": change.to or None,
            "retired": list(change.versions),
            "files": files,
        }
        if change.kind == "retire":
            data["failed_runs"] = list(failed)
        typer.echo(json_.dumps(data, indent=2))
    else:
        for name in files:
            typer.echo(f"wrote {name}")
    return change


def _tell_of_holders(
    config: Config, released: Released, past: Mapping[str, Past], version: Past
) -> None:
    """Tell which versions in force have the steps of a version as their own.

    One that lacks the file, as older migrations may, was compiled together with it.
    """
    from perdure.cli.past import takes_in

    path, text = next(iter(version.files.items()))
    others = (past[e.key] for e in released.lock.in_force if e.key != version.key)
    for each in others:
        same = each.files.get(path, text) == text
        if same and takes_in(config, each, version.workflow):
            typer.echo(
                f"note: {each.key} has the steps of {version.key} in it, and goes on "
                f"with them: perdure rollback {each.workflow}, or compile it with the "
                "sources of before"
            )


def _refuse_obstacles(
    config: Config, leaving: Leaving, url: str | None, *, offline: bool
) -> list[str]:
    """Show all that stands in the way of retiring, and end the command if it does.

    Return the runs that have failed, and could be retried until now.
    """
    from perdure.cli.database import opened
    from perdure.cli.obstacles import in_database, in_project, tell
    from perdure.engine.database import connect

    found = in_project(config, leaving)
    tell(found)  # before a database is looked for, which may be out of reach
    failed: list[str] = []
    if not offline:
        with (
            opened(url, config) as database,
            connect(database.url, database.origin) as connection,
        ):
            more, failed = in_database(connection, leaving)
        tell(more)
        found += more
    if found:
        raise typer.Exit(1)
    return failed


def _warn_of_failed(runs: Sequence[str]) -> None:
    count = "1 failed run" if len(runs) == 1 else f"{len(runs)} failed runs"
    rest = f" and {len(runs) - 20} more" if len(runs) > 20 else ""
    typer.echo(
        f"warning: {count} can't be retried once it is applied: "
        f"{', '.join(runs[:20])}{rest}\n"
        "  = help: perdure retry RUN before that, if one is still to go on",
        err=True,
    )


def _warn_of_misfits(config: Config, past: Mapping[str, Past], key: str) -> None:
    """Tell which steps of a version, and of those that it starts, can't run.

    That is, under the project's schema.
    """
    from perdure.cli.verify import misfits
    from perdure.engine.errors import EngineError
    from perdure.release.verify_text import places

    if not config.schema and config.schema_url is None:
        return
    try:
        found = misfits(config, past, key)
    except EngineError as error:
        typer.echo(
            f"warning: whether {key} fits the project's schema can't be told: {error}",
            err=True,
        )
        return
    for each in found:
        code = f"[{each.code}]" if each.code else ""
        which = key if each.key == key else f"{each.key}, which {key} starts,"
        typer.echo(
            f"warning{code}: {which} does not fit the project's schema: {each.message}",
            err=True,
        )
        for line in places([each]):
            typer.echo(line, err=True)
    if found:
        typer.echo(
            "  = help: runs that start with it would fail there: bring the schema back "
            "first, or go back to another version (perdure verify --db URL tells more)",
            err=True,
        )


def _refuse(refused: Refused) -> NoReturn:
    fail(str(refused), refused.help)
