"""An example project on a database of its own, with a worker and a test clock."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from perdure.catalog.load import load_files
from perdure.config import read_config
from perdure.engine.database import Database
from perdure.engine.guard import guard
from perdure.engine.install import install
from perdure.engine.worker import Options
from perdure.engine.worker_log import quiet
from perdure.engine.worker_thread import BackgroundWorker
from perdure.pipeline import open_compiler, workflow_files

SECONDS = 300


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that is sent `at` this long after the start."""

    at: timedelta
    name: str
    data: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A deployed project; a worker is at work."""

    connection: psycopg.Connection[Any]
    start: datetime

    def run(self, call: str, signals: Sequence[Signal] = ()) -> tuple[str, Any]:
        """Start a run by an SQL call, let time pass until it ends; return it.

        The run is given by its status with its result, or with its error.
        """
        self._set_time(self.start)
        (run,) = self.one(f"select {call}")
        self.drive(run, signals)
        status, result, error = self.one(
            "select status, result #> '{rows,0,result}', error from"
            " (select i.status, df.result(i.id)::jsonb as result, i.error"
            "  from df.instances i where i.id = %s) r",
            run,
        )
        return status, error if status == "failed" else result

    def drive(self, run: str, signals: Sequence[Signal]) -> None:
        """Let time pass, from event to event, until the run has ended."""
        waiting = sorted(signals, key=lambda each: each.at)
        while True:
            self._settle()
            (status, now) = self.one("select df.status(%s), df.now()", run)
            if status not in ("pending", "running"):
                return
            while waiting and self.start + waiting[0].at <= now:
                signal = waiting.pop(0)
                self.one("select df.signal(%s, %s, %s)", run, signal.name, signal.data)
                break
            else:
                self._set_time(self._next(waiting, status))

    def wait(self, length: timedelta) -> None:
        """Let so much time pass, from timer to timer."""
        until = self.start + length
        while True:
            self._settle()
            (timer,) = self.one("select min(wake_at) from df_engine.tasks")
            if timer is None or timer > until:
                return
            self._set_time(timer)

    def _next(self, waiting: Sequence[Signal], status: str) -> datetime:
        (timer,) = self.one("select min(wake_at) from df_engine.tasks")
        times = [self.start + each.at for each in waiting[:1]]
        times += [timer] if timer else []
        assert times, f"the run is {status}, and nothing will ever happen"
        return min(times)

    def _settle(self) -> None:
        """Wait until there is nothing to do before time goes on."""
        deadline = time.monotonic() + SECONDS
        query = (
            "select count(*) from df_engine.tasks"
            " where ready_at is not null or wake_at <= df.now() or state = 'h'"
        )
        while self.one(query) != (0,):
            assert time.monotonic() < deadline, "the worker does not come to an end"
            time.sleep(0.01)

    def _set_time(self, at: datetime) -> None:
        self.one("select df.set_time(%s)", at)

    def one(self, query: str, *values: object) -> tuple[Any, ...]:
        """Return the first row of a query."""
        row = self.connection.execute(query.encode(), values or None).fetchone()
        assert row is not None
        return tuple(row)

    def rows(self, query: str) -> list[list[Any]]:
        """Return the rows of a query, with values as JSON has them."""
        wrapped = sql.SQL("select json_agg(q) from ({}) q")
        found = self.connection.execute(wrapped.format(sql.SQL(query))).fetchone()
        assert found is not None
        return [list(each.values()) for each in found[0] or []]


@contextmanager
def stage(
    project: Path, url: str, state: Path, place: str, start: datetime
) -> Iterator[Stage]:
    """Deploy a project's workflows as they are in the sources, and let a worker work.

    `place` is the HTTP server that the workflows may reach; `start` is the time at
    which the clock stands when they are deployed.
    """
    config, found = read_config(project / "perdure.toml")
    assert config is not None, found
    database = Database(url, "the test")
    install(database)
    _, problems = load_files(url, config.schema + config.seed, config.root)
    assert not problems, problems
    with open_compiler(config, state_dir=state, remember=False) as compiler:
        checked = compiler.check(workflow_files(config))
        assert checked.findings == ()
        scripts = [
            compiler.sql(unit, version=1).up for unit in checked.units if unit.name
        ]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select df.set_time(%s)", [start])
        for script in scripts:
            with connection.transaction():
                connection.execute(script.encode())
        options = Options(url=url, connections=2, guard=guard((place,)))
        with BackgroundWorker(options, quiet()):
            yield Stage(connection, start)


def as_json(value: object) -> str:
    """Return a value as JSON, for comparison."""
    return json.dumps(value, sort_keys=True)
