"""The `perdure` command.

Exit codes: 0 good, 1 findings (or a run that failed), 2 usage or internal error,
3 no database where one is needed. Results go to stdout, progress to stderr. Modules
that need time to load are imported by the commands that use them.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from perdure import __version__
from perdure.cli import (
    check,
    compile,
    convert,
    cost,
    deploy,
    diff,
    doctor,
    drift,
    dump,
    explain,
    graph,
    import_,
    init,
    move,
    observe,
    psql,
    rollback,
    run,
    runtime,
    stubs,
    verify,
    versions,
    worker,
)

app = typer.Typer(
    name="perdure",
    help="Durable workflows for PostgreSQL: check, compile, diff, run, watch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"perdure {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show it."),
    ] = False,
) -> None:
    """Durable workflows for PostgreSQL: check, compile, diff, run, watch."""


app.command()(init.init)
app.command()(check.check)
app.command("compile")(compile.compile_)
app.command()(diff.diff)
app.command()(verify.verify)
app.command()(graph.graph)
app.command()(deploy.deploy)
app.command()(drift.drift)
app.command()(versions.versions)
app.command()(rollback.rollback)
app.command()(rollback.retire)
app.command()(run.run)
app.command()(worker.worker)
app.add_typer(runtime.app, name="runtime")
app.command()(observe.ps)
app.command()(observe.show)
app.command()(observe.signal)
app.command()(observe.cancel)
app.command()(observe.pause)
app.command()(observe.resume)
app.command()(observe.retry)
app.command()(move.move)
app.command(context_settings={"ignore_unknown_options": True})(psql.psql)
app.command()(cost.cost)
app.command()(doctor.doctor)
app.command()(dump.dump)
app.command()(explain.explain)
app.command()(convert.convert)
app.command("import")(import_.import_)
app.command()(stubs.stubs)


def run_app() -> None:
    """Run the command line; what nobody foresaw becomes a short message."""
    try:
        app()
    except Exception as failure:
        if os.environ.get("PERDURE_DEBUG"):
            raise
        if isinstance(failure, OSError) and failure.filename is not None:
            reason = (failure.strerror or str(failure)).lower()
            print(f'error: "{failure.filename}": {reason}', file=sys.stderr)
            sys.exit(2)
        kind = type(failure).__name__
        print(f"internal error: {kind}: {failure}", file=sys.stderr)
        print(
            "  this is a bug of perdure; PERDURE_DEBUG=1 shows where it happened",
            file=sys.stderr,
        )
        sys.exit(2)
