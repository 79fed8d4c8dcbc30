"""What the tests of migration tools share: finding one, running it, what it left."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from perdure.release import Candidate
from tests.unit.emit.deployed import Connection
from tests.unit.lower.workbench import Workbench
from tests.unit.release.test_layouts import EXPECTED, HOSTILE
from tests.unit.release.test_plan import TWO, Project, candidate
from tests.unit.release.test_reversal import retired, rolled_back


def tool(name: str) -> str:
    """Return a program's path, or skip the test."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def write(folder: Path, project: Project) -> None:
    """Write a project's migrations as they are now."""
    for name, text in project.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def second(bench: Workbench) -> Candidate:
    """Return the second version, which takes another input."""
    return candidate(bench, TWO, inputs="id: bigint\nn: text = 'x'")


def laid_out(bench: Workbench, layout: str, folder: Path, plan: str = "") -> None:
    """Write two versions, a rollback and a retirement."""
    project = Project(layout)
    if plan:
        project.files["sqitch.plan"] = plan
    project.write(candidate(bench, HOSTILE))
    project.write(second(bench))
    rolled_back(project)
    retired(project, 2)
    write(folder, project)


def run(folder: Path, *words: str, code: int = 0, **variables: str) -> str:
    """Run a program and return what it printed."""
    done = subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def state(connection: Connection) -> tuple[list[int], list[int], bool]:
    """Return the versions in use, the changes, and whether a function is there."""
    versions = connection.execute(
        "select version from perdure.workflow_versions where retired_at is null"
        " order by 1"
    ).fetchall()
    changes = connection.execute(
        "select number from perdure.workflow_changes order by 1"
    ).fetchall()
    there = connection.execute("select to_regproc('workflows.demo_v2')").fetchone()
    assert there is not None
    return (
        [row[0] for row in versions],
        [row[0] for row in changes],
        there[0] is not None,
    )


def runs_to_its_end(connection: Connection) -> None:
    """Start the current version, the first one, and look at what it did."""
    row = connection.execute("select workflows.demo(1)").fetchone()
    assert row is not None
    connection.execute("call df.work(10, 5000)")
    status = connection.execute("select df.status(%s)", [row[0]]).fetchone()
    assert status == ("completed",)
    said = connection.execute("select what from shop.audit").fetchall()
    assert said == [(EXPECTED,)]


# --- tools that reach a server by TCP only ----------------------------------------


@contextmanager
def port_of(connection: Connection) -> Iterator[int]:
    """Give a port that leads to the server of a connection, which has a socket only."""
    info = connection.info
    if not info.host.startswith("/"):
        yield info.port
        return
    path = f"{info.host}/.s.PGSQL.{info.port}"
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, path), daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, path: str) -> None:
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            threading.Thread(target=_joined, args=(client, path), daemon=True).start()


def _joined(client: socket.socket, path: str) -> None:
    """Pass on what comes from either side until one ends."""
    with client, socket.socket(socket.AF_UNIX) as there, suppress(OSError):
        there.connect(path)
        others = {client: there, there: client}
        while True:
            for ready in select.select(list(others), [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                others[ready].sendall(data)
