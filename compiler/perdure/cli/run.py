"""`perdure run`: start a workflow, follow it to its end.

What has to stand in the database before a run can start (the runtime, the workflow's
version) is brought there by a `Prepare`, so that following knows nothing of compiling.
Without a worker on the database one runs in this process while the command lasts.
"""

from __future__ import annotations

import json as json_
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perdure.cli.database import DatabaseUrl, Json, configuration, opened
from perdure.cli.prepare import prepare
from perdure.cli.project import Directory, fail

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.engine.database import Database
    from perdure.engine.follow import Followed
    from perdure.engine.watch import Outbox
    from perdure.engine.worker_thread import BackgroundWorker

Prepare = Callable[["Config", "Database", str], tuple[str, str]]
"""Makes a workflow ready to start; returns its function's schema and name."""

DETACHED = 130


@dataclass(frozen=True, slots=True)
class Following:
    """How a run is followed; `worker` None stands for one if there is none."""

    json: bool = False
    worker: bool | None = None
    signals: tuple[tuple[str, str], ...] = ()


def run(
    workflow: Annotated[str, typer.Argument(help="Its name, or name@version.")],
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Inputs.")
    ] = None,
    signal: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=JSON]",
            help="Send this when the run waits for it; repeatable.",
        ),
    ] = None,
    null: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Give this input null; repeatable."),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Print the run's id and leave it.")
    ] = False,
    worker: Annotated[
        bool | None,
        typer.Option(
            "--worker/--no-worker",
            help="Run a worker in this command; by default if there is no other.",
            show_default=False,
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Make the embedded database anew first.")
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="Do not ask before what the run needs is deployed to a database that "
            "is not embedded.",
        ),
    ] = False,
    json: Json = False,
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Start a workflow and follow it to its end."""
    config = configuration(directory)
    given = with_nulls(read_pairs(inputs or (), "input", "order_id=1"), null or ())
    signals = tuple(read_signals(signal or ()))
    if fresh:
        say_what_is_lost(database_url, config)
    with opened(database_url, config, fresh=fresh) as database:
        ready = partial(prepare, yes=yes)
        started = start(config, database, workflow, given, ready, signals)
        if detach:
            typer.echo(json_.dumps({"run": started}) if json else started)
            return
        how = Following(json=json, worker=worker, signals=signals)
        with told_on_error(started):
            code = follow(config, database, started, how)
    raise typer.Exit(code)


@contextmanager
def told_on_error(run: str) -> Iterator[None]:
    """Tell the id of a run that was started and cannot be followed."""
    from perdure.engine.errors import EngineError

    try:
        yield
    except EngineError:
        typer.echo(f"run {run} is started: perdure show {run}", err=True)
        raise


def start(
    config: Config,
    database: Database,
    workflow: str,
    inputs: Mapping[str, str | None],
    prepare: Prepare,
    signals: Sequence[tuple[str, str]] = (),
) -> str:
    """Make ready and start a workflow; return the run's id.

    End the command on signals that no step waits for.
    """
    from perdure.cli.hearing import refuse_unheard
    from perdure.engine import client

    schema, name = prepare(config, database, workflow)
    with client.session(database) as connection:
        function = client.find_function(connection, schema, name)
        refuse_unheard(connection, workflow, function, signals)
        return client.start(connection, function, inputs)


def follow(config: Config, database: Database, run: str, how: Following) -> int:
    """Follow a run to its end, print it, and return the exit code by its outcome."""
    from perdure.cli.live import view
    from perdure.engine.watch import Outbox, watch

    outbox = Outbox(list(how.signals))
    last: Followed | None = None
    background: BackgroundWorker | None = None
    try:
        with (
            worker_if_needed(config, database, how.worker) as background,
            view(quiet=how.json) as shown,
        ):
            check = background.check if background else None
            for last in watch(database, run, outbox, check):
                shown.show(last)
    except KeyboardInterrupt:
        _say_how_to_come_back(run, database, background is not None)
        return DETACHED
    assert last is not None
    print_run(database, last, json=how.json)
    _say_sent(outbox)
    return 0 if last.run.status == "completed" else 1


def worker_if_needed(
    config: Config, database: Database, wanted: bool | None
) -> AbstractContextManager[BackgroundWorker | None]:
    """Return a worker in this process, or nothing when another one does the work."""
    from perdure.engine import client

    if wanted is None:
        with client.session(database) as connection:
            wanted = client.workers(connection) == 0
    if not wanted:
        return nullcontext()
    from perdure.cli.worker import guard_of
    from perdure.engine.worker import Options
    from perdure.engine.worker_log import quiet
    from perdure.engine.worker_thread import BackgroundWorker

    options = Options(url=database.url, connections=2, guard=guard_of(config))
    return BackgroundWorker(options, quiet())


def print_run(database: Database, followed: Followed, *, json: bool) -> None:
    """Print a run to stdout as it is: a tree, or JSON."""
    import simplejson

    from perdure.cli.live import console, run_data, tree
    from perdure.engine import client

    result: Any = None
    if followed.run.status == "completed":
        with client.session(database) as connection:
            result = client.result(connection, followed.run.id)
    if json:
        data = run_data(followed, result)
        text = simplejson.dumps(
            data, indent=2, ensure_ascii=False, default=str, use_decimal=True
        )
        typer.echo(text)
    else:
        console().print(tree(followed, result))


def read_pairs(texts: Sequence[str], what: str, example: str) -> dict[str, str]:
    """Read `name=value` arguments, or end with exit code 2."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            fail(f'"{text}" is no {what}', f"write it as in {example}")
        if name in pairs:
            fail(f'{what} "{name}" is given twice')
        pairs[name] = value
    return pairs


def say_what_is_lost(url: str | None, config: Config) -> None:
    """Tell of the runs in the embedded database that have not ended."""
    from perdure.engine import client

    with opened(url, config) as database:
        if not database.embedded:
            return
        with client.session(database) as connection:
            if not client.has_runtime(connection):
                return
            count = client.unfinished(connection)
    if count:
        runs = "1 run that has" if count == 1 else f"{count} runs that have"
        typer.echo(f"warning: --fresh drops {runs} not ended", err=True)


def with_nulls(pairs: Mapping[str, str], names: Sequence[str]) -> dict[str, str | None]:
    """Add the inputs that are null, or end with exit code 2."""
    for name in names:
        if name in pairs:
            fail(f'input "{name}" is given a value and null')
    return {**pairs, **dict.fromkeys(names)}


def read_signals(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Read `name=json` options, or end with exit code 2; `name` alone sends `{}`."""
    from perdure.cli.database import reported
    from perdure.engine.client import check_json

    signals = []
    for text in texts:
        name, equals, data = text.partition("=")
        with reported():
            check_json(data if equals else "{}")
        signals.append((name, data if equals else "{}"))
    return signals


def _say_sent(outbox: Outbox) -> None:
    """Tell of the signals that other runs got, and of those that nobody got."""
    for name, to in outbox.forwarded:
        got = f"run {to.id} ({to.label or 'no label'}), which it waited for"
        typer.echo(f'note: signal "{name}" was sent to {got}', err=True)
    for name, _ in outbox.signals:
        message = f'signal "{name}" was not sent: the run did not wait for it'
        typer.echo(f"warning: {message}", err=True)


def _say_how_to_come_back(run: str, database: Database, worked_here: bool) -> None:
    from perdure.engine.database import has_password

    option = ""
    if database.origin == "--database-url":
        url = "..." if has_password(database.url) else shlex.quote(database.url)
        option = f" --database-url {url}"
    typer.echo(f"\ndetached from run {run}", err=True)
    if worked_here:
        typer.echo("it goes on when a worker runs, or when it is followed:", err=True)
    typer.echo(f"  perdure show {run} --follow{option}", err=True)
