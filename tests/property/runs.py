"""Drawn workflows compiled, deployed and run on a real database, under a test clock."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from perdure.config import Config
from perdure.engine.database import Database
from perdure.engine.install import install
from perdure.engine.postgres import start_embedded
from perdure.pipeline import Compiler, Unit, open_compiler
from tests.programs import BIN_DIR

SCHEMA = Path(__file__).parents[1] / "golden" / "schema.sql"
START = datetime(2030, 1, 1, tzinfo=UTC)
Inputs = Mapping[str, sql.Composable]


@dataclass(frozen=True)
class Seen:
    """What a run did; `rows` are the markers and values, in the order of writing.

    `end` is the time of the test clock, in milliseconds after the start, at which the
    run had ended or nothing was left to happen.
    """

    status: str
    result: Any
    error: str | None
    sqlstate: str | None
    rows: tuple[tuple[str, Any], ...]
    end: float


@dataclass(frozen=True)
class Signal:
    """A signal that is sent so many milliseconds after the start; `data` is JSON."""

    at: int
    name: str
    data: str


@dataclass(repr=False)
class Bench:
    """A compiler and a database with the runtime and the schema in it."""

    folder: Path
    compiler: Compiler
    connection: psycopg.Connection[Any]

    def compile(self, text: str, name: str) -> Unit:
        """Return a workflow compiled from text, without looking at its findings."""
        path = self.write(f"{name}.yaml", text)
        unit = self.compiler.find(f"workflows/{name}.yaml")
        path.unlink()
        assert unit is not None
        return unit

    def write(self, name: str, text: str) -> Path:
        """Write a file beside the workflows."""
        path = self.folder / "workflows" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def deploy(self, text: str, name: str) -> str:
        """Compile a workflow and put it into the database; return the SQL."""
        unit = self.compile(text, name)
        errors = [each for each in unit.findings if each.severity == "error"]
        assert not errors, errors
        up = self.compiler.sql(unit, version=1).up
        self.connection.execute(up.encode())
        return up

    def start(self, name: str, inputs: Inputs) -> str:
        """Start a run and return its id; inputs are SQL expressions by name."""
        given = [
            sql.SQL("{} => {}").format(sql.Identifier(each), value)
            for each, value in inputs.items()
        ]
        query = sql.SQL("select workflows.{}({})").format(
            sql.Identifier(name), sql.SQL(", ").join(given)
        )
        return str(self.one(query)[0])

    def run(self, name: str, inputs: Inputs, signals: Sequence[Signal] = ()) -> Seen:
        """Start a run and drive it until nothing is left to happen."""
        self.connection.execute("truncate shop.audit restart identity")
        self.set_time(0)
        run = self.start(name, inputs)
        self.drive(run, signals)
        return self.seen(run)

    def drive(self, run: str, signals: Sequence[Signal] = ()) -> None:
        """Let time pass and send signals until nothing is left to happen."""
        waiting = sorted(signals, key=lambda each: each.at)
        self.send(run, [each for each in waiting if each.at == 0])
        waiting = [each for each in waiting if each.at > 0]
        self.work()
        while self.active(run) and (due := self.next_time(waiting)) is not None:
            self.set_time(due)
            self.send(run, [each for each in waiting if each.at <= due])
            waiting = [each for each in waiting if each.at > due]
            self.work()

    def next_time(self, waiting: list[Signal]) -> float | None:
        """Return when something happens next: a timer ends or a signal is sent."""
        (timer,) = self.one("select min(wake_at) from df_engine.tasks")
        times: list[float] = [each.at for each in waiting[:1]]
        if timer is not None:
            times.append(since_start(timer))
        return min(times, default=None)

    def set_time(self, milliseconds: float) -> None:
        at = START + timedelta(milliseconds=milliseconds)
        self.connection.execute("select df.set_time(%s)", [at])

    def send(self, run: str, signals: Sequence[Signal]) -> None:
        for each in signals:
            if self.active(run):
                self.connection.execute(
                    "select df.signal(%s, %s, %s)", [run, each.name, each.data]
                )

    def work(self) -> None:
        """Do all that can be done at this time."""
        self.connection.execute("call df.work(100000, 20000)")

    def active(self, run: str) -> bool:
        """Say whether a run has not ended yet."""
        status = self.one("select df.status(%s)", [run])[0]
        return status in ("pending", "running")

    def seen(self, run: str) -> Seen:
        """Return what a run did, and cancel it if it waits."""
        status, error, sqlstate = self.one(
            "select status, error, sqlstate from df.instances where id = %s", [run]
        )
        result = None
        if status == "completed":
            text = self.one("select df.result(%s)::text", [run])[0]
            result = json.loads(text, parse_float=Decimal)
        if self.active(run):
            self.connection.execute("select df.cancel(%s, 'the test is over')", [run])
        rows = self.connection.execute(
            "select what, data::text from shop.audit order by id"
        ).fetchall()
        return Seen(
            status,
            result,
            error,
            sqlstate,
            tuple((what, data and json.loads(data)) for what, data in rows),
            since_start(self.one("select df.now()")[0]),
        )

    def one(self, query: Any, values: Sequence[Any] | None = None) -> tuple[Any, ...]:
        """Return the first row."""
        row = self.connection.execute(query, values).fetchone()
        assert row is not None
        return tuple(row)


def since_start(time: datetime) -> float:
    """Return milliseconds, without the error of a product of floats."""
    return (time - START) / timedelta(milliseconds=1)


@contextmanager
def bench(folder: Path, schema: Sequence[Path] = (SCHEMA,)) -> Iterator[Bench]:
    """Open a compiler and a database over a folder of their own."""
    config = Config(root=folder, schema=tuple(schema))
    settings = {"fsync": "off"}
    with (
        start_embedded(folder / "postgres", BIN_DIR, settings=settings) as server,
        psycopg.connect(server.url(), autocommit=True) as admin,
    ):
        admin.execute("create database bench")
        url = make_conninfo(server.url(), dbname="bench")
        install(Database(url, "the test"))
        with (
            psycopg.connect(url, autocommit=True) as connection,
            open_compiler(
                config, state_dir=folder / "state", remember=False
            ) as compiler,
        ):
            for path in schema:
                connection.execute(path.read_bytes())
            yield Bench(folder, compiler, connection)
