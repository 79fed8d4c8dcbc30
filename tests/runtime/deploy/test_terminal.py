"""`perdure deploy` as a process: it asks on a terminal, and may be killed."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from tests.runtime.deploy.conftest import WORKFLOW, Perdure

pytestmark = pytest.mark.usefixtures("runtime")
PERDURE = [sys.executable, "-m", "perdure"]
COMMAND = [*PERDURE, "deploy"]


def asked(
    project: Path, answer: str, words: Sequence[str] = ("deploy",)
) -> tuple[int, str]:
    """Call a command on a terminal where somebody types an answer."""
    here, there = pty.openpty()
    try:
        process = subprocess.Popen(
            [*PERDURE, *words],
            cwd=project,
            stdin=there,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        os.write(here, f"{answer}\n".encode())
        told, _ = process.communicate(timeout=120)
        return process.returncode, told
    finally:
        os.close(here)
        os.close(there)


def test_it_shows_what_it_would_do_and_asks(perdure: Perdure, project: Path) -> None:
    perdure("compile")
    code, told = asked(project, "n")
    assert code == 1
    assert "hello@1  migrations/0001_hello_v1.up.sql" in told
    assert "apply this migration?" in told
    assert "not deployed" in perdure("drift", code=1).stdout
    code, told = asked(project, "y")
    assert code == 0, told
    assert "deployed hello@1" in told
    assert "no drift" in perdure("drift").stdout


def test_runs_that_end_with_their_schedule_do_not_stay(
    perdure: Perdure, project: Path, database: str
) -> None:
    (project / "workflows" / "hello.yaml").unlink()
    tick = project / "workflows" / "tick.yaml"
    for number in (1, 2):
        tick.write_text(
            f'workflow: tick\nschedule: "0 {number} * * *"\n'
            f"steps:\n  - return: {number}\n"
        )
        perdure("compile")
        if number == 1:
            perdure("deploy", "--yes")
    with psycopg.connect(database) as connection:
        connection.execute("select workflows.tick()")
    _, told = asked(project, "n")
    assert "1 run stays on tick@1\n" in told
    assert "schedule" not in told


def test_one_that_is_killed_leaves_what_is_whole(
    perdure: Perdure, project: Path, database: str
) -> None:
    other = WORKFLOW.replace("workflow: hello", "workflow: zebra")
    (project / "workflows" / "zebra.yaml").write_text(other)
    perdure("compile")
    there = "select count(*) from perdure.workflow_versions where name = 'hello'"
    with (
        psycopg.connect(database) as blocker,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        blocker.execute(
            "insert into perdure.workflow_versions (name, version, digest, signature,"
            " source, source_map, compiler_version, target)"
            " values ('zebra', 1, '', '', '', '[]', '', '')"
        )  # zebra@1 waits for the end of this
        process = subprocess.Popen([*COMMAND, "--yes"], cwd=project)
        try:
            until = time.monotonic() + 60
            while connection.execute(there).fetchone() != (1,):
                assert time.monotonic() < until
                time.sleep(0.02)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        blocker.rollback()
    assert perdure("deploy", "--yes").stdout == "deployed zebra@1\n"
    assert "no drift" in perdure("drift").stdout
