"""`pause`, `resume`, `retry` as processes, and what is shown of such runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perdure.engine.database import Database
from tests.runtime.worker.runs import Connection, await_end, status

MAIN = "from perdure.cli.entry import main; main()"
Perdure = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def perdure(database: Database, tmp_path: Path) -> Perdure:
    """Call the command line on the test's database; its exit code is checked."""

    def call(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", MAIN, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            env={
                **os.environ,
                "PERDURE_DATABASE_URL": database.url,
                "NO_COLOR": "1",
                "COLUMNS": "200",
            },
            cwd=tmp_path,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return call


def start(connection: Connection, graph: str, options: str = "") -> str:
    query = f"select df.start({graph}, 'job@1'{options})"
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def work(connection: Connection) -> None:
    connection.execute("call df.work(1000, 10000)")


def test_pause_and_resume(perdure: Perdure, connection: Connection) -> None:
    run = start(connection, "df.seq('select 1', 'select 2')")
    said = perdure("pause", run, "--reason", "the bank is closed").stdout
    assert said == f"paused run {run}\n"
    perdure("pause", run)
    work(connection)
    assert status(connection, run) == "paused"
    for command in (("ps",), ("ps", "--status", "paused"), ("show", run)):
        shown = perdure(*command).stdout
        assert "paused" in shown
        assert "the bank is closed" in shown
    rows = json.loads(perdure("ps", "--json").stdout)
    assert (rows[0]["status"], rows[0]["note"]) == ("paused", "the bank is closed")
    assert json.loads(perdure("resume", run, "--json").stdout) == {
        "run": run,
        "resumed": True,
    }
    work(connection)
    assert await_end(connection, run) == {"completed"}
    assert "has ended" in perdure("pause", run, code=2).stderr
    assert "completed, not paused" in perdure("resume", run, code=2).stderr


def test_retry(perdure: Perdure, connection: Connection) -> None:
    connection.execute("create table missing_soon (n int)")
    run = start(connection, "df.seq('select 1', 'insert into missing values (1)')")
    assert "only a failed run" in perdure("retry", run, code=2).stderr
    work(connection)
    assert "perdure retry" in perdure("resume", run, code=2).stderr
    connection.execute("alter table missing_soon rename to missing")
    assert json.loads(perdure("retry", run, "--json").stdout)["retried"] is True
    work(connection)
    assert await_end(connection, run) == {"completed"}


def test_a_run_that_cannot_go_on(perdure: Perdure, connection: Connection) -> None:
    run = start(connection, "df.try('select 1/0', df.raise())")
    work(connection)
    said = perdure("retry", run, code=2).stderr
    assert "cannot go on" in said
    assert "df.fork" in said


def test_a_run_that_waits_for_its_turn(
    perdure: Perdure, connection: Connection
) -> None:
    options = ", concurrency_key => 'bank'"
    start(connection, "df.wait_for_signal('go')", options)
    run = start(connection, "'select 1'", options)
    work(connection)
    assert "in the queue: bank" in perdure("ps", "--status", "pending").stdout
    assert "in the queue: bank" in perdure("show", run).stdout


@pytest.mark.parametrize("command", ["pause", "resume", "retry"])
def test_unknown_run(perdure: Perdure, command: str) -> None:
    assert 'no run "deadbeef"' in perdure(command, "deadbeef", code=2).stderr
