"""`perdure worker`: execute runs until told to stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.database import DatabaseUrl, configuration, opened
from perdure.cli.project import Directory, fail

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.engine.database import Database
    from perdure.engine.guard import Guard
    from perdure.engine.worker_log import Log
    from perdure.engine.worker_meter import Meter

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
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Serve /metrics for Prometheus and /health; 0 takes a free port.",
            show_default=False,
        ),
    ] = None,
    metrics_host: Annotated[
        str, typer.Option(help="Address to serve them on.")
    ] = "127.0.0.1",
    database_url: DatabaseUrl = None,
    directory: Directory = Path(),
) -> None:
    """Execute runs until SIGTERM or SIGINT; twice gives up running steps."""
    from perdure.engine.worker import Options, run_worker
    from perdure.engine.worker_log import Log
    from perdure.engine.worker_meter import Meter

    config = configuration(directory)
    meter = Meter()
    log = Log(log_format.value, log_level.value, listener=meter.heard)
    with (
        opened(database_url, config) as database,
        _watched(meter, log, database, metrics_host, metrics_port),
    ):
        options = Options(
            url=database.url,
            connections=connections,
            requests=http_requests,
            max_response_bytes=max_response * MEBIBYTE,
            grace=grace,
            guard=guard_of(config),
        )
        run_worker(options, log)


@contextmanager
def _watched(
    meter: Meter, log: Log, database: Database, host: str, port: int | None
) -> Iterator[None]:
    """Serve metrics while inside, if they are asked for."""
    if port is None:
        yield
        return
    from perdure.engine.metrics import serving

    with serving(meter, database.url, host, port) as taken:
        log.info("metrics.serving", host=host, port=taken)
        yield


def guard_of(config: Config) -> Guard:
    """Return the address guard with the allow-list of the configuration."""
    from perdure.engine.guard import guard

    try:
        return guard(config.http_allow)
    except ValueError as error:
        fail(f"http.allow: {error}")
