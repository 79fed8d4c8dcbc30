"""`perdure rollback` and `perdure retire`: migrations that need no source."""

from __future__ import annotations

import json as json_
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from perdure.cli.project import Directory, fail, find_project, show
from perdure.cli.released import Released, read_released

if TYPE_CHECKING:
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
            help="The version that is to be current; by default the one before.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    directory: Directory = Path(),
) -> None:
    """Write a migration that puts the version before in force again."""
    from perdure.cli.past import locked
    from perdure.emit.switch import roll_back
    from perdure.release.reversal import Refused, plan_rollback

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
        for caller in _callers(released, name, [change.before])[change.before]:
            typer.echo(f"note: {caller} goes on to start {name}@{change.before}")
        _tell_of_holders(released, past, f"{change.workflow}@{change.before}")
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
    _refuse_callers(released, workflow, numbers)
    _refuse_source(config, workflow, version)
    failed: list[str] = []
    if not offline:
        labels = [f"{workflow}@{n}" for n in numbers]
        failed = _refuse_runs(config, database_url, labels, others=bool(version))
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
        fail(f'"{number}" is not the number of a version', "as in order_approval@2")
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


def _callers(
    released: Released, workflow: str, versions: list[int]
) -> dict[int, list[str]]:
    from perdure.emit.functions import function_name
    from perdure.release.reversal import callers

    functions = {
        number: function_name(entry.schema, workflow, number)
        for number in versions
        if (entry := released.whole.find(workflow, number))
    }
    return callers(released.whole, released.scripts, functions, workflow)


def _tell_of_holders(released: Released, past: Mapping[str, Past], key: str) -> None:
    """Tell which versions in force have the steps of a version as their own."""
    current = (each.key for each in released.whole.in_force)
    others = [past[each] for each in current if each != key]
    path, text = next(iter(past[key].files.items()))
    for each in others:
        if each.files.get(path) == text:
            typer.echo(
                f"note: {each.key} has the steps of {key} in it, and goes on with "
                f"them: perdure rollback {each.workflow}, or compile it with the "
                "sources of before"
            )


def _refuse_callers(released: Released, workflow: str, versions: list[int]) -> None:
    for number, found in _callers(released, workflow, versions).items():
        if found:
            fail(
                f"{workflow}@{number} is started by {', '.join(found)}",
                "change those workflows, compile and deploy them, and retire the "
                "versions that start it first",
                code=1,
            )


def _refuse_source(config: Config, workflow: str, version: int | None) -> None:
    """End the command where the source of a workflow to retire is still there."""
    if version is not None:
        return
    from perdure.cli.project import opened_compiler
    from perdure.pipeline import workflow_files

    with opened_compiler(config) as compiler:
        checked = compiler.check(workflow_files(config), None)
        unit = next((each for each in checked.units if each.name == workflow), None)
    if unit is not None:
        fail(
            f'"{unit.source.path}" still defines {workflow}: the next perdure compile '
            "would bring it back",
            "delete it there first",
        )


def _refuse_runs(
    config: Config, url: str | None, labels: list[str], *, others: bool
) -> list[str]:
    """Show the runs that are on versions, and end the command if there are any.

    Return those that have failed, and could be retried until now. `others` says that
    other versions stay, to which runs can be taken.
    """
    from perdure.cli.database import opened
    from perdure.engine.database import connect
    from perdure.engine.deploy import runs_on
    from perdure.engine.move import can_move

    with (
        opened(url, config) as database,
        connect(database.url, database.origin) as connection,
    ):
        found = runs_on(connection, labels)
        others = others and can_move(connection)
    runs = [each for each in found if each[2] != "failed"]
    if runs:
        _refuse_flying(runs, others=others)
    return [run for run, _, _ in found]


def _refuse_flying(runs: Sequence[tuple[str, str, str]], *, others: bool) -> NoReturn:
    for run, label, status in runs[:20]:
        typer.echo(f"  {run}  {label}  {status}", err=True)
    if len(runs) > 20:
        typer.echo(f"  and {len(runs) - 20} more", err=True)
    count = "1 run has" if len(runs) == 1 else f"{len(runs)} runs have"
    ways = "wait for them, or end them with perdure cancel RUN"
    if others:
        ways = (
            "wait for them, end them with perdure cancel RUN, or take those that wait "
            "to another version with perdure move RUN --to N"
        )
    fail(f"{count} not ended", ways, code=1)


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
    """Tell which steps of a version can't run under the project's schema."""
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
        typer.echo(
            f"warning{code}: {key} does not fit the project's schema: {each.message}",
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
