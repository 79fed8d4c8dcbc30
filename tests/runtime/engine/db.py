"""A database with the runtime in it, driven from one connection."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Db:
    """A connection in autocommit, and the df API in Python's terms."""

    url: str
    connection: psycopg.Connection[Row]

    def run(self, query: str, *values: object) -> list[Row]:
        """Execute one statement and return its rows, if it has any."""
        cursor = self.connection.execute(query.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def value(self, query: str, *values: object) -> Any:
        """Return the first column of the first row."""
        return self.run(query, *values)[0][0]

    def start(
        self, graph: str, input: dict[str, object] | None = None, **options: str
    ) -> str:
        """Start a run of a graph, given as an SQL expression; return its id."""
        extra = "".join(f", {name} => %s" for name in options)
        query = f"select df.start({graph}, input => %s{extra})".replace("%", "%%")
        query = query.replace("%%s", "%s")
        return str(self.value(query, Jsonb(input or {}), *options.values()))

    def start_with(self, query: str, row: dict[str, object]) -> str:
        """Start a statement that reads a row as `$r` and as the run's input."""
        columns = ", ".join(f"$input.{name}::text as {name}" for name in row)
        return str(
            self.value(
                """select df.start(df.seq(df."as"(%s, 'r'), %s), input => %s)""",
                f"select {columns}",
                query,
                Jsonb(row),
            )
        )

    def work(self) -> int:
        """Do all that is ready; return the number of steps."""
        return int(self.run("call df.work(100000, 20000)")[0][0])

    def finish(
        self, graph: str, input: dict[str, object] | None = None, **options: str
    ) -> str:
        """Start a run, work until nothing is ready, and return its id."""
        run = self.start(graph, input, **options)
        self.work()
        return run

    def status(self, run: str) -> str:
        return str(self.value("select df.status(%s)", run))

    def result(self, run: str) -> Any:
        """Return a completed run's result, or fail with the run's error."""
        row = self.instance(run)
        assert row["status"] == "completed", (row["status"], row["error"])
        return json.loads(row["result"])

    def rows(self, run: str) -> list[dict[str, Any]]:
        """Return the rows of a run's result."""
        result: list[dict[str, Any]] = self.result(run)["rows"]
        return result

    def instance(self, run: str) -> dict[str, Any]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute("select * from df.instances where id = %s", (run,))
            row = cursor.fetchone()
        assert row is not None
        return row

    def nodes(self, run: str) -> dict[str, dict[str, Any]]:
        """Return the nodes of a run that ran or are running, by their id."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(
                "select * from df.nodes where instance_id = %s and status <> 'pending'",
                (run,),
            )
            return {row["id"]: row for row in cursor}

    def log(self) -> list[str]:
        """Return what the steps of a test have logged, in order."""
        return [row[0] for row in self.run("select what from log order by id")]


def trust(db: Db) -> None:
    """Let the engine take the statements of all runs for short, for good."""
    db.run("update df_engine.nodes set short_runs = 1000")


def commits(db: Db, table: str = "log") -> int:
    """Count the transactions that the rows of a table come from, by their now()."""
    return int(db.value(f"select count(distinct began) from {table}"))


def logged(what: str) -> str:
    """Return an SQL node, as an expression, that logs a word."""
    return f"'insert into log (what) values (''{what}'')'"
