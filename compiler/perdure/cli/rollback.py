"""`perdure rollback` and `perdure retire`: migrations that need no source."""

from __future__ import annotations

import json as json_
from collections.abc import Mapping, Sequence
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
    from perdure.plan.version import Previous, Retirement, Script
    from perdure.release import Change, Lock, Release
    from perdure.release.layouts import Folder, Layout
    from perdure.release.reversal import BuildRetire, Refused


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
    from perdure.cli.obstacles import callers_of
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
    (change,) = _write(config, release, silent=json)
    if json:
        typer.echo(json_.dumps(_data(config, release, [change])[0], indent=2))
    past = {each.key: each for each in locked(config)}
    if not json:
        left = f"{change.workflow}@{change.before}"
        now = f"{change.workflow}@{change.to}"
        typer.echo(f"{now} is current once it is applied (perdure deploy does)")
        callers = callers_of(released, left)
        but = f" any more but by {', '.join(callers)}" if callers else " any more"
        typer.echo(
            f"runs in flight stay on their versions; {left} stays deployed, and is not "
            f"started{but}"
        )
        _tell_of_holders(config, released, past, past[left])
    _warn_of_misfits(config, past, f"{change.workflow}@{change.to}")


def retire(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WORKFLOW[@N]",
            help="A version, or the workflow with all of them; several are retired "
            "together, and may start each other.",
            show_default=False,
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
    """Write migrations that take versions, or workflows, out of the database."""
    from perdure.cli.obstacles import Leaving
    from perdure.release.reversal import Refused, plan_retire

    config = find_project(directory)
    released = read_released(config)
    folder, layout = _migrations(config, released.whole)
    wanted = _parse(what)
    build = _retirement(released)
    try:
        release = plan_retire(released.whole, folder, layout, wanted, build)
    except Refused as refused:
        _refuse(refused)
    leaving = [
        Leaving(released, name, numbers or released.whole.versions(name), not numbers)
        for name, numbers in wanted.items()
    ]
    failed = _refuse_obstacles(config, leaving, database_url, offline=offline)
    changes = _write(config, release, silent=json)
    _warn_of_failed(failed)
    if json:
        made = _data(config, release, changes)
        data = [each | {"failed_runs": failed} for each in made]
        typer.echo(json_.dumps(data if len(wanted) > 1 else data[0], indent=2))
        return
    for change in changes:
        typer.echo(
            f"{change.workflow}: {change.note}, once it is applied (perdure deploy "
            "does); it refuses while runs are on them"
        )


def _retirement(
    released: Released,
) -> BuildRetire:
    """Return what writes the SQL that retires versions."""
    from perdure.emit.switch import retire, statements_of
    from perdure.release.script import split

    def build(
        change: Change,
        retirements: Sequence[Retirement],
        back: Sequence[Retirement],
    ) -> tuple[Script, Script]:
        made = {
            (key := f"{each.workflow}@{version.version}"): statements_of(
                split(released.scripts[key]),
                each.schema,
                each.workflow,
                version.version,
            )
            for each in back
            for version in each.versions
        }
        return retire(_switch(change), retirements, back, made)

    return build


def _parse(what: Sequence[str]) -> dict[str, list[int]]:
    """Return the versions that are meant by workflow, none where that goes whole."""
    found: dict[str, list[int]] = {}
    whole: set[str] = set()
    for each in dict.fromkeys(what):
        name, at, number = each.partition("@")
        if at and not (number.isdecimal() and number.isascii() and int(number) > 0):
            fail(
                f'"{number}" is not the number of a version',
                f"perdure retire {name}@{meant_number(number, 'N')}",
            )
        found.setdefault(name, []).extend([int(number)] if at else [])
        whole |= set() if at else {name}
    return {name: [] if name in whole else own for name, own in found.items()}


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


def _write(config: Config, release: Release, *, silent: bool) -> list[Change]:
    """Write the migrations and the lock; return the changes that are new in it."""
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
    changes = [
        each
        for each in lock.changes
        if {path for path, _ in each.files} & release.files.keys()
    ]
    if not silent:
        for name in sorted(release.files):
            typer.echo(f"wrote {shown(config.migrations, config.root)}/{name}")
    return changes


def _data(
    config: Config, release: Release, changes: Sequence[Change]
) -> list[dict[str, object]]:
    """Return changes for JSON; a file of the tool's own is one of each of them."""
    from perdure.cli.compile import shown

    folder = shown(config.migrations, config.root)
    own = [{path for path, _ in each.files} for each in changes]
    beside = release.files.keys() - set[str]().union(*own)
    return [
        {
            "workflow": change.workflow,
            "change": change.number,
            "kind": change.kind,
            "current": change.to or None,
            "retired": list(change.versions),
            "files": [f"{folder}/{name}" for name in sorted(files | beside)],
        }
        for change, files in zip(changes, own, strict=True)
    ]


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
    config: Config, leaving: Sequence[Leaving], url: str | None, *, offline: bool
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
            for each in leaving:
                more, runs = in_database(connection, each)
                tell(more)
                found += more
                failed += runs
    if found:
        raise typer.Exit(1)
    return failed


def _warn_of_failed(runs: Sequence[str]) -> None:
    if not runs:
        return
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
