"""A runtime that compiled workflows run on, and what becomes of a run there."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from perdure.config import read_config
from perdure.pipeline import open_compiler, workflow_files
from perdure.targets import parse_target

PROJECT = Path(__file__).parent / "project"
SCHEDULED = Path(__file__).parent / "scheduled"
EXTENSION = "pg_durable>=0.2.5"
ROLE = "perdure_test_runner"
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal to a run; `after` is the row that the run writes before it is sent."""

    name: str
    data: object
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A run: what it is given, and how it has to end."""

    workflow: str
    inputs: Mapping[str, object] = field(default_factory=dict)
    signals: Sequence[Signal] = ()
    status: str = "completed"
    error: str | None = None
    result: object = None
    rows: Sequence[str] | None = None
    seconds: float = 400
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; `rows` are what it wrote, in no order, without its id."""

    status: str
    result: Any
    rows: list[str]
    error: str | None = field(compare=False)


@dataclass(frozen=True, slots=True)
class Side:
    """A database with one of the runtimes, and the calls that differ."""

    url: str
    target: str
    send: str
    error: str

    def connect(self) -> Connection:
        """Return a connection as the role that starts runs."""
        connection = psycopg.connect(self.url, autocommit=True)
        connection.execute(f"set role {ROLE}")
        return connection

    def outcome(self, case: Case) -> Outcome:
        """Start a run, send its signals, and wait for its end."""
        with self.connect() as connection:
            run = self.started(connection, case)
            for signal in case.signals:
                self._signal(connection, run, signal, case.seconds)
            status = self.ended(connection, run, case.seconds)
            found = _one(connection, "select df.result(%s)", run)
            error = _one(connection, self.error, run)
        result = json.loads(found)["rows"][0]["result"] if found else None
        rows = _rows(self.url, run)
        return Outcome(status, _without(result, run), rows, error)

    def started(self, connection: Connection, case: Case) -> str:
        """Start a run and return its id."""
        arguments = [
            sql.SQL("{} => {}").format(sql.Identifier(name), sql.Literal(value))
            for name, value in case.inputs.items()
        ]
        function = sql.Identifier("workflows", case.workflow)
        for name, setting in case.settings.items():
            connection.execute("select set_config(%s, %s, false)", [name, setting])
        call = sql.SQL("select {}({})").format(function, sql.SQL(", ").join(arguments))
        row = connection.execute(call).fetchone()
        assert row is not None
        return str(row[0])

    def ended(self, connection: Connection, run: str, seconds: float) -> str:
        """Wait for the end of a run and return its status."""
        deadline = time.monotonic() + seconds
        while True:
            status = str(_one(connection, "select df.status(%s)", run))
            if status not in ("pending", "running"):
                return status
            assert time.monotonic() < deadline, f"{run} does not end"
            time.sleep(0.1)

    def _signal(
        self, connection: Connection, run: str, signal: Signal, seconds: float
    ) -> None:
        deadline = time.monotonic() + seconds
        while signal.after and not _wrote(connection, run, signal.after):
            assert time.monotonic() < deadline, f"{run} does not write {signal.after}"
            time.sleep(0.1)
        query = sql.SQL("select {}(%s, %s, %s)").format(sql.SQL(self.send))
        connection.execute(query, [run, signal.name, json.dumps(signal.data)])


def compiled(target: str, state: Path, project: Path = PROJECT) -> list[str]:
    """Return the migrations of all workflows of the project for a target."""
    config, found = read_config(project / "perdure.toml")
    assert config is not None, found
    known = parse_target(target)
    assert not isinstance(known, str)
    with open_compiler(config, state_dir=state, remember=False) as compiler:
        compiler.target = known
        checked = compiler.check(workflow_files(config))
        assert not checked.failed, [each.message for each in checked.findings]
        return [compiler.sql(unit, version=1).up for unit in checked.units]


def deploy(url: str, migrations: Sequence[str]) -> None:
    """Make the tables anew, and bring in all workflows; the role may use both."""
    with psycopg.connect(url) as connection:
        for schema in ("workflows", "t"):
            connection.execute(f"drop schema if exists {schema} cascade")
        connection.execute("delete from perdure.workflow_versions")
        connection.execute((PROJECT / "schema.sql").read_bytes())
        for migration in migrations:
            connection.execute(migration.encode())
        connection.execute(f"grant usage on schema workflows, t to {ROLE}")
        connection.execute(f"grant all on all tables in schema t to {ROLE}")


def _one(connection: Connection, query: str, run: str) -> Any:
    row = connection.execute(query.encode(), [run]).fetchone()
    return row[0] if row else None


def _wrote(connection: Connection, run: str, what: str) -> bool:
    query = "select true from t.log where run = %s and what = %s"
    return connection.execute(query, [run, what]).fetchone() is not None


def _rows(url: str, run: str) -> list[str]:
    with psycopg.connect(url) as connection:
        query = "select what, data::text from t.log where run = %s"
        rows = connection.execute(query, [run]).fetchall()
    return sorted(
        str(_without(what if data is None else f"{what} {data}", run))
        for what, data in rows
    )


def _without(value: Any, run: str) -> Any:
    return json.loads(json.dumps(value).replace(run, "<run>"))
