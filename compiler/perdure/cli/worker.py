"""`perdure worker`: execute runs until told to stop."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.database import DatabaseUrl, configuration, opened
from perdure.cli.project import Directory, fail

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.engine.guard import Guard

MEBIBYTE = 1024 * 1024


class LogFormat(StrEnum):
    """How the log is written."""

    text = "text"
    json = "json"


class LogLevel(StrEnum):
    """The least severe events that are written."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


def worker(
    connections: Annotated[
        int, typer.Option(min=1, max=100, help="Steps that run at once.")
    ] = 4,
    http_requests: Annotated[
        int, typer.Option(min=1, max=1000, help="HTTP requests that run at once.")
    ] = 32,
    max_response: Annotated[
        int, typer.Option(min=1, max=200, help="Largest HTTP response, in MiB.")
    ] = 10,
    grace: Annotated[
        float, typer.Option(min=0, help="Seconds to finish steps in, when stopped.")
    ] = 30,
    log_format: Annotated[LogFormat, typer.Option(help="Form of the log.")] = (
        LogFormat.text
    ),
    log_level: Annotated[LogLevel, typer.Option(help="Least severe event.")] = (
        LogLevel.info
    ),
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Execute runs until SIGTERM or SIGINT; twice gives up running steps."""
    from perdure.engine.worker import Options, run_worker
    from perdure.engine.worker_log import Log

    config = configuration(directory)
    log = Log(log_format.value, log_level.value)
    with opened(database_url, config) as database:
        options = Options(
            url=database.url,
            connections=connections,
            requests=http_requests,
            max_response_bytes=max_response * MEBIBYTE,
            grace=grace,
            guard=guard_of(config),
        )
        run_worker(options, log)


def guard_of(config: Config) -> Guard:
    """Return the address guard with the allow-list of the configuration."""
    from perdure.engine.guard import guard

    try:
        return guard(config.http_allow)
    except ValueError as error:
        fail(f"http.allow: {error}")
