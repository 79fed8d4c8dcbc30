"""`run`, `show`, `ps`, `signal`, `cancel`, `runtime` as processes."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perdure.engine.database import Database
from tests.runtime.worker.processes import WorkerProcess, wait_until
from tests.runtime.worker.runs import Connection, await_end
from tests.runtime.worker.test_client import FUNCTION

Spawn = Callable[..., WorkerProcess]

APP = """
import typer
from perdure.cli import observe, psql, run, runtime
app = typer.Typer()
app.command()(run.run)
for each in (observe.ps, observe.show, observe.signal, observe.cancel, psql.psql):
    app.command()(each)
app.add_typer(runtime.app, name="runtime")
app()
"""
Perdure = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _hello(connection: Connection) -> None:
    connection.execute(FUNCTION)
    connection.execute(
        "create function workflows.broken() returns text language sql as"
        " $$ select df.start('select 1/0', 'broken@1') $$"
    )


@pytest.fixture
def environ(database: Database) -> dict[str, str]:
    return {**os.environ, "PERDURE_DATABASE_URL": database.url, "NO_COLOR": "1"}


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where commands are called: outside of the project of the workers."""
    return tmp_path_factory.mktemp("shop")


@pytest.fixture
def perdure(environ: dict[str, str], folder: Path) -> Perdure:
    def call(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", APP, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            env=environ,
            cwd=folder,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return call


def plain(text: str) -> str:
    """Return text without what differs from run to run."""
    text = re.sub(r"\b[0-9a-f]{8}\b", "RUN", text)
    return re.sub(r"  \d[\d.]* (ms|s)\b", "  TIME", text)


def test_run_follows_to_the_end_and_draws_the_tree(perdure: Perdure) -> None:
    done = perdure("run", "hello", "who=x", "times=2", "--signal", 'go={"a": 1}')
    assert plain(done.stdout).splitlines() == [
        "✓ hello@1 RUN  completed  TIME",
        "├── ✓ go wait_for_signal  completed  TIME",
        "├── ✓ return  completed  TIME",
        '└── result {"who": "x"}',
    ]
    lines = done.stderr.splitlines()
    assert "steps[0]  go (wait_for_signal)  waiting for signal" in lines
    assert lines[-1] == "steps[1]  return  completed"


def test_run_as_json(perdure: Perdure) -> None:
    done = perdure("run", "hello", "who=x", "times=2", "--signal", "go", "--json")
    data = json.loads(done.stdout)
    assert (data["status"], data["result"]) == ("completed", {"who": "x"})
    assert (data["workflow"], data["version"]) == ("hello", 1)
    assert [step["state"] for step in data["steps"]] == ["completed", "completed"]
    assert done.stderr == ""


def test_run_that_fails_exits_with_1_and_says_why(perdure: Perdure) -> None:
    done = perdure("run", "broken", code=1)
    assert "division by zero (22012)" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], 'no workflow "nothing"'),
        (["hello", "who"], '"who" is no input'),
        (["hello", "who=a", "who=b"], 'input "who" is given twice'),
        (["hello", "who=a", "times=x"], 'input "times" is integer'),
        (["hello", "who=a", "--null", "who"], 'input "who" is given a value and null'),
        (["hello", "who=a", "times=1", "--signal", "go={"], "is not JSON"),
        (
            ["hello", "who=a", "times=1", "--signal", "goo"],
            'no step of "hello", or of what it calls, waits for "goo"\n'
            '  = help: did you mean "go"?',
        ),
        (["broken", "--signal", "go"], "none of its steps waits for a signal"),
    ],
)
def test_mistakes_exit_with_2_before_anything_starts(
    perdure: Perdure, connection: Connection, arguments: list[str], message: str
) -> None:
    done = perdure("run", *arguments, code=2)
    assert message in done.stderr
    assert connection.execute("select count(*) from df.instances").fetchone() == (0,)


def test_detached_run_is_shown_signalled_followed(
    perdure: Perdure, spawn: Spawn
) -> None:
    spawn()
    run = perdure("run", "hello", "who=x", "times=2", "--detach").stdout.strip()
    assert re.fullmatch(r"[0-9a-f]{8}", run)
    wait_until(lambda: "waiting for signal" in perdure("show", run).stdout)
    listed = json.loads(perdure("ps", "--json").stdout)
    assert [(each["run"], each["workflow"]) for each in listed] == [(run, "hello")]
    assert (
        perdure("signal", run, "go", '{"a": 1}').stdout == f'sent "go" to run {run}\n'
    )
    done = perdure("show", run, "--follow", "--json")
    assert json.loads(done.stdout)["result"] == {"who": "x"}
    assert "completed" in perdure("ps").stdout


CALLS = """
create function workflows.outer() returns text language sql as $outer$
  select df.start(df.seq(df.call('select workflows.hello(''x'', 1)'),
    df.wait_for_signal('done')), 'outer@1')
$outer$;
insert into perdure.workflow_versions (name, version, digest, signature, source,
  source_map, compiler_version, target)
values ('outer', 1, 'abc', '', '',
  '[{"path": "steps", "name": null, "role": "run", "file": "w.yaml", "line": 1},
    {"path": "steps[0]", "name": "one", "role": "call", "file": "w.yaml", "line": 5},
    {"path": "steps[1]", "name": null, "role": "signal", "file": "w.yaml", "line": 7}]',
  '0', 'perdure');
"""


def test_a_run_that_waits_for_another_one_says_for_which(
    perdure: Perdure, connection: Connection
) -> None:
    connection.execute(CALLS)
    run = perdure("run", "outer", "--detach").stdout.strip()
    connection.execute("call df.work(1000, 20000)")
    row = connection.execute("select id from df.instances where label = 'hello@1'")
    (called,) = row.fetchone() or ("",)
    line = perdure("show", run).stdout.splitlines()[1]
    assert plain(line) == (
        "├── ◷ one call  waiting for run  TIME  RUN hello@1 running  w.yaml:5"
    )
    assert called in line
    step, _ = json.loads(perdure("show", run, "--json").stdout)["steps"]
    assert (step["state"], step["waits_for"]) == ("waiting", "run")
    assert step["called"] == [{"run": called, "label": "hello@1", "status": "running"}]
    head = perdure("show", called).stdout.splitlines()[0]
    assert head.endswith(f"  called by {run} outer@1 running")
    callers = json.loads(perdure("show", called, "--json").stdout)["called_by"]
    assert callers == [{"run": run, "label": "outer@1", "status": "running"}]
    lines = perdure("ps").stdout.splitlines()
    assert "called by" in lines[0]
    assert [f"{run} outer@1" in line for line in lines[1:]] == [True, False]
    listed = json.loads(perdure("ps", "--json").stdout)
    assert [each["called_by"] for each in listed] == [callers, []]
    refused = perdure("signal", run, "go", '{"a": 1}', code=2).stderr
    assert refused == (
        f'error: run {run} (outer@1) has no step that waits for "go"\n'
        f"  = help: run {called} (hello@1), which it waits for, does: "
        f"perdure signal {called} go '{{\"a\": 1}}'\n"
    )
    assert connection.execute("select count(*) from df_engine.signals").fetchone() == (
        0,
    )


def test_a_run_that_is_followed_says_who_called_it(
    perdure: Perdure, connection: Connection
) -> None:
    connection.execute(CALLS)
    run = perdure("run", "outer", "--detach").stdout.strip()
    connection.execute("call df.work(1000, 20000)")
    row = connection.execute("select id from df.instances where label = 'hello@1'")
    (called,) = row.fetchone() or ("",)
    connection.execute("select df.signal(%s, 'go', '{}')", [called])
    first, *more = perdure("show", called, "--follow").stderr.splitlines()
    assert first == f"called by {run} outer@1 running"
    assert "called by" not in "".join(more)


def test_a_signal_is_sent_to_who_can_hear_it(
    perdure: Perdure, connection: Connection
) -> None:
    connection.execute(CALLS)
    run = perdure("run", "outer", "--detach").stdout.strip()
    connection.execute("call df.work(1000, 20000)")
    sent = perdure("signal", run, "done").stdout
    assert sent == (
        f'sent "done" to run {run}; no step waits for it now, and it is kept until '
        "one does\n"
    )
    told = json.loads(perdure("signal", run, "done", "--json").stdout)
    assert told == {"run": run, "signal": "done", "data": {}, "awaited": False}
    near = perdure("signal", run, "don", code=2).stderr
    assert 'has no step that waits for "don"\n  = help: did you mean "done"?' in near
    other = perdure("signal", run, "xyz", code=2).stderr
    assert "help: it has steps for: done" in other
    plain_run = perdure("run", "broken", "--detach").stdout.strip()
    none = perdure("signal", plain_run, "go", code=2).stderr
    assert "help: none of its steps waits for a signal" in none


def test_a_signal_of_a_run_goes_to_the_called_run_that_waits(
    perdure: Perdure, connection: Connection
) -> None:
    connection.execute(CALLS)
    done = perdure("run", "outer", "--signal", "done", "--signal", "go")
    assert "✓ outer@1" in done.stdout
    row = connection.execute("select id from df.instances where label = 'hello@1'")
    (called,) = row.fetchone() or ("",)
    notes = [each for each in done.stderr.splitlines() if each.startswith("note")]
    assert notes == [
        f'note: signal "go" was sent to run {called} (hello@1), which it waited for'
    ]


STARTS = """
create function workflows.inner_v2() returns text language sql as $inner$
  select df.start(df.wait_for_signal('only'), 'inner@2')
$inner$;
create function workflows.outer() returns text language sql as $outer$
  select df.start(df.seq(df.call($call$select "workflows"."hello"('x', 1)$call$),
    'select workflows.inner_v2(), workflows.hello(''x'', 1)'), 'outer@1')
$outer$;
"""


def test_a_signal_for_a_run_that_is_only_started_is_refused(
    perdure: Perdure, connection: Connection
) -> None:
    connection.execute(STARTS)
    told = perdure("run", "outer", "--signal", 'only={"a": 1}', code=2).stderr
    assert told == (
        'error: no step of "outer", or of what it calls, waits for "only"\n'
        "  = help: inner@2 does, which is started and not waited for: leave --signal "
        "only out, and once its run is there (perdure ps inner): "
        "perdure signal RUN only '{\"a\": 1}'\n"
    )
    assert connection.execute("select count(*) from df.instances").fetchone() == (0,)
    assert "✓ outer@1" in perdure("run", "outer", "--signal", "go").stdout


def test_a_called_run_that_waits_for_the_same_signal_is_named(
    perdure: Perdure, connection: Connection
) -> None:
    connection.execute(CALLS.replace("'done'", "'go'"))
    run = perdure("run", "outer", "--detach").stdout.strip()
    connection.execute("call df.work(1000, 20000)")
    row = connection.execute("select id from df.instances where label = 'hello@1'")
    (called,) = row.fetchone() or ("",)
    assert perdure("signal", run, "go").stderr == (
        f"note: run {called} (hello@1), which it waits for, waits: "
        f"perdure signal {called} go\n"
    )


def test_cancelled_run_fails_the_one_who_follows(
    perdure: Perdure, connection: Connection
) -> None:
    run = perdure("run", "hello", "who=x", "times=2", "--detach").stdout.strip()
    perdure("cancel", run, "--reason", "enough")
    assert await_end(connection, run) == {"cancelled"}
    perdure("show", run)
    perdure("show", run, "--follow", code=1)
    done = perdure("cancel", run, code=2)
    assert "has ended" in done.stderr


def test_unknown_run(perdure: Perdure) -> None:
    assert 'no run "deadbeef"' in perdure("show", "deadbeef", code=2).stderr


def test_unreachable_database_exits_with_3(perdure: Perdure, tmp_path: Path) -> None:
    url = f"postgresql:///x?host={tmp_path}"
    done = perdure("ps", "--database-url", url, code=3)
    assert "cannot connect" in done.stderr


def test_no_database_and_no_project_exits_with_3(
    environ: dict[str, str], perdure: Perdure
) -> None:
    del environ["PERDURE_DATABASE_URL"]
    environ.pop("DATABASE_URL", None)
    assert "no database was named" in perdure("ps", code=3).stderr


def test_runtime_status_and_install(perdure: Perdure, bare_url: str) -> None:
    at = ("--database-url", bare_url)
    before = json.loads(perdure("runtime", "status", "--json", *at, code=1).stdout)
    assert (before["installed"], before["current"]) == (None, False)
    assert "installed the runtime" in perdure("runtime", "install", *at).stdout
    assert "is current" in perdure("runtime", "install", *at).stdout
    perdure("runtime", "status", *at)
    assert perdure("runtime", "sql").stdout.startswith("begin;")


def test_interrupt_detaches_and_says_how_to_come_back(
    environ: dict[str, str], folder: Path, connection: Connection
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", APP, "run", "hello", "who=x", "times=1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
        cwd=folder,
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    assert "waiting for signal" in first
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    row = connection.execute("select id, status from df.instances").fetchone()
    assert row is not None
    assert row[1] == "running"
    assert f"perdure show {row[0]} --follow" in err
    assert out == ""


def test_terminal_shows_the_tree_live(
    environ: dict[str, str], folder: Path, connection: Connection
) -> None:
    terminal, other = pty.openpty()
    environ |= {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(
        [sys.executable, "-c", APP, "run", "hello", "who=x", "times=1"],
        stdin=other,
        stdout=other,
        stderr=subprocess.DEVNULL,
        env=environ,
        cwd=folder,
    )
    os.close(other)
    shown = _read_until(terminal, "waiting for signal")
    row = connection.execute("select id from df.instances").fetchone()
    assert row is not None
    connection.execute("select df.signal(%s, 'go', '{}')", [row[0]])
    shown += _read_until(terminal, 'result {"who": "x"}')
    assert process.wait(20) == 0
    os.close(terminal)
    assert any(frame in shown for frame in "⠙⠹⠸⠼")


def _read_until(terminal: int, text: str) -> str:
    """Read what a terminal shows, without its styles, until it shows a text."""
    shown = ""
    while text not in shown:
        try:
            read = os.read(terminal, 65536).decode(errors="replace")
        except OSError:  # the process has ended
            pytest.fail(f"{text!r} was not shown: {shown}")
        shown += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", read)
    return shown


def test_project_without_a_database_uses_an_embedded_one(
    environ: dict[str, str], perdure: Perdure, folder: Path
) -> None:
    del environ["PERDURE_DATABASE_URL"]
    environ.pop("DATABASE_URL", None)
    (folder / "perdure.toml").write_text("")
    assert "installed the runtime" in perdure("runtime", "install").stdout
    assert json.loads(perdure("ps", "--json").stdout) == []
    assert (folder / ".perdure" / "postgres").is_dir()


def test_null_is_given_by_name(perdure: Perdure) -> None:
    done = perdure("run", "hello", "times=2", "--null", "who", code=2)
    assert (
        done.stderr == "error: cannot start the workflow: input who may not be null\n"
    )


def test_psql_looks_into_the_same_database(perdure: Perdure) -> None:
    done = perdure("psql", "--", "-Atc", "select current_database() ~ '^test_'")
    assert done.stdout == "t\n"


def test_fresh_tells_of_the_runs_that_it_drops(
    environ: dict[str, str], folder: Path
) -> None:
    (folder / "perdure.toml").write_text("")
    del environ["PERDURE_DATABASE_URL"]

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", APP, *arguments],
            capture_output=True,
            text=True,
            env=environ,
            cwd=folder,
        )

    assert call("runtime", "install").returncode == 0
    assert call("psql", "--", "-c", "select df.start('select 1')").returncode == 0
    done = call("run", "--fresh", "nothing")
    assert "warning: --fresh drops 1 run that has not ended" in done.stderr
    assert "warning" not in call("run", "--fresh", "nothing").stderr
