"""Metrics for Prometheus, and a health endpoint: what watches a worker from outside.

What the worker itself did comes from its meter. What waits in the database is asked for
when it is scraped, on a connection of its own: a worker that is stuck must not keep its
own alarm from ringing. All workers of a database tell the same of it.

Counting the runs takes a pass over them, so it is left to take one hundredth of the
time at most; in between the last count is shown.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import psycopg
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric

from perdure.engine.database import CONNECT_SECONDS
from perdure.engine.errors import EngineError
from perdure.engine.worker_meter import Histogram, Meter

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# What is waiting is counted up to here; more is shown as this.
MOST = 10_001
# Of the time, that counting runs may take.
SHARE = 0.01

_WAITING = f"""
select
  (select count(*) from (select from df_engine.tasks
    where ready_at is not null limit {MOST}) t),
  coalesce(extract(epoch from clock_timestamp() - (select ready_at from df_engine.tasks
    where ready_at is not null order by ready_at limit 1)), 0),
  (select count(*) from (select from df_engine.tasks
    where wake_at < df.now() - interval '1 second' limit {MOST}) t),
  coalesce(extract(epoch from df.now() - (select wake_at from df_engine.tasks
    where wake_at < df.now() order by wake_at limit 1)), 0),
  (select count(*) from (select from df_engine.requests
    where method <> 'SQL' limit {MOST}) r),
  (select greatest(reltuples, 0) from pg_class where oid = 'df_engine.tasks'::regclass)
"""
_RUNS = """
select coalesce(sum(n) filter (where status = 'active'), 0),
  coalesce(sum(n) filter (where status = 'completed'), 0) + r.pruned[1],
  coalesce(sum(n) filter (where status = 'failed'), 0) + r.pruned[2],
  coalesce(sum(n) filter (where status = 'cancelled'), 0) + r.pruned[3]
from df_engine.retention r
left join (
  select status, count(*) as n from df_engine.instances group by status) i on true
group by r.pruned
"""
_GAUGES = (
    ("perdure_ready_tasks", f"Branches that could go on now; {MOST} is more."),
    ("perdure_ready_oldest_seconds", "How long the first of them has been ready."),
    ("perdure_late_timers", f"Timers due for more than a second; {MOST} is more."),
    ("perdure_late_timer_seconds", "How long the first timer has been due."),
    ("perdure_http_waiting", f"HTTP requests without an answer; {MOST} is more."),
    ("perdure_waiting_tasks", "All branches of runs, estimated."),
)


class Database:
    """What is asked of the database at each scrape."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._runs: tuple[Any, ...] | None = None
        self._count_after = 0.0

    def read(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the values of `_GAUGES`, and the runs: active, then by their end."""
        with self._lock:
            connection = self._connection
            try:
                if connection is None or connection.closed:
                    connection = self._connection = self._connect()
                waiting = connection.execute(_WAITING).fetchone()
                if self._runs is None or time.monotonic() > self._count_after:
                    begun = time.monotonic()
                    self._runs = connection.execute(_RUNS).fetchone()
                    ended = time.monotonic()
                    self._count_after = ended + (ended - begun) / SHARE
            except psycopg.Error:
                self._close()
                raise
        assert waiting is not None
        assert self._runs is not None
        return waiting, self._runs

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="perdure metrics",
        )
        connection.execute("set statement_timeout = '10s'")
        return connection


class Metrics:
    """Collects everything for a scrape, in Prometheus' terms."""

    def __init__(self, meter: Meter, database: Database) -> None:
        self._meter = meter
        self._database = database

    def describe(self) -> list[Metric]:
        """Return nothing: the registry need not ask the database at the start."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics; those of the database only while it answers."""
        yield from self._of_worker()
        up = GaugeMetricFamily("perdure_database_up", "Whether the database answered.")
        try:
            waiting, runs = self._database.read()
        except psycopg.Error:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        for (name, what), value in zip(_GAUGES, waiting, strict=True):
            yield GaugeMetricFamily(name, what, value=float(value))
        yield from _of_runs([float(each) for each in runs])

    def _of_worker(self) -> Iterator[Metric]:
        meter = self._meter
        name = "perdure_worker"
        yield CounterMetricFamily(f"{name}_steps", "Steps done.", value=meter.steps)
        yield _histogram(
            f"{name}_step_seconds",
            "Duration of a step, as the mean of those done in one call.",
            meter.step_seconds,
        )
        requests = CounterMetricFamily(
            f"{name}_http_requests", "HTTP requests by outcome.", labels=["outcome"]
        )
        for outcome, count in sorted(meter.requests.items()):
            requests.add_metric([outcome], count)
        yield requests
        yield _histogram(
            f"{name}_http_seconds", "Duration of HTTP requests.", meter.request_seconds
        )
        events = CounterMetricFamily(
            f"{name}_events", "Events of the log.", labels=["event", "level"]
        )
        for (event, level), count in sorted(meter.events.items()):
            events.add_metric([event, level], count)
        yield events
        yield from self._of_connections()
        yield CounterMetricFamily(
            f"{name}_pruned_runs", "Runs removed by retention.", value=meter.pruned
        )

    def _of_connections(self) -> Iterator[Metric]:
        connections = list(self._meter.connections.values())
        yield GaugeMetricFamily(
            "perdure_worker_connections",
            "Connections that are up.",
            value=sum(why is None for why in connections),
        )
        yield CounterMetricFamily(
            "perdure_worker_reconnects",
            "Connections that were lost and opened again.",
            value=self._meter.events["connection.restored", "info"],
        )
        yield GaugeMetricFamily(
            "perdure_worker_healthy",
            "Whether the health endpoint says so.",
            value=float(self._meter.trouble() is None),
        )


def _histogram(name: str, what: str, values: Histogram) -> Metric:
    return HistogramMetricFamily(
        name, what, buckets=values.buckets(), sum_value=values.total
    )


def _of_runs(runs: list[float]) -> Iterator[Metric]:
    active, *ended = runs
    yield GaugeMetricFamily("perdure_runs_active", "Runs in flight.", value=active)
    yield CounterMetricFamily(
        "perdure_runs_started", "Runs started ever.", value=sum(runs)
    )
    family = CounterMetricFamily(
        "perdure_runs_ended", "Runs ended ever, by status.", labels=["status"]
    )
    for status, count in zip(("completed", "failed", "cancelled"), ended, strict=True):
        family.add_metric([status], count)
    yield family


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    # The name of this host, for CGI, may take a resolver seconds; nobody reads it.
    def server_bind(self) -> None:
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = map(str, self.server_address[:2])  # type: ignore[assignment]
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a scrape is no event."""


@contextmanager
def serving(meter: Meter, url: str, host: str, port: int) -> Iterator[int]:
    """Serve /metrics and /health while inside; give the port.

    Raises EngineError when the address cannot be listened on.
    """
    database = Database(url)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Metrics(meter, database))
    app = _app(meter, make_wsgi_app(registry))
    try:
        server = make_server(host, port, app, _Server, _Handler)
    except OSError as error:
        raise EngineError(f"cannot serve metrics on {host}:{port}: {error}") from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        database.close()


def _app(meter: Meter, metrics: WSGIApplication) -> WSGIApplication:
    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path == "/metrics":
            return metrics(environ, start)
        if path == "/health":
            facts = meter.facts()
            return _json(start, "200 OK" if facts["ok"] else _UNAVAILABLE, facts)
        return _json(start, "404 Not Found", {"paths": ["/metrics", "/health"]})

    return app


_UNAVAILABLE = "503 Service Unavailable"


def _json(start: Callable[..., Any], status: str, data: object) -> list[bytes]:
    body = json.dumps(data).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start(status, headers)
    return [body]
