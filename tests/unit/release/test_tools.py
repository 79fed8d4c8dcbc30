"""The migrations, run up and down by the tools themselves, where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.emit.deployed import Connection, prepared
from tests.unit.lower.workbench import Workbench
from tests.unit.release.test_layouts import HOSTILE
from tests.unit.release.test_plan import TWO, Project, candidate
from tests.unit.release.test_reversal import retired, rolled_back


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with prepared(database) as connection:
        yield connection


def tool(name: str) -> str:
    """Return a program's path, or skip the test."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def laid_out(bench: Workbench, layout: str, folder: Path, plan: str = "") -> None:
    """Write two versions, a rollback and a retirement."""
    project = Project(layout)
    if plan:
        project.files["sqitch.plan"] = plan
    project.write(candidate(bench, HOSTILE))
    project.write(candidate(bench, TWO, inputs="id: bigint\nn: text = 'x'"))
    rolled_back(project)
    retired(project, 2)
    for name, text in project.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(folder: Path, *words: str, **variables: str) -> str:
    done = subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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


def test_goose(bench: Workbench, connection: Connection, tmp_path: Path) -> None:
    laid_out(bench, "goose", tmp_path)
    info = connection.info
    place = f"host={info.host} port={info.port} user={info.user} dbname={info.dbname}"

    def goose(*words: str) -> None:
        run(tmp_path, tool("goose"), "postgres", f"{place} sslmode=disable", *words)

    goose("up")
    assert state(connection) == ([1], [1, 2], False)
    goose("down")
    assert state(connection) == ([1, 2], [1], True)
    goose("down-to", "0")
    assert state(connection) == ([], [], False)


def test_sqitch(bench: Workbench, connection: Connection, tmp_path: Path) -> None:
    plan = "%syntax-version=1.0.0\n%project=shop\n\n"
    laid_out(bench, "sqitch", tmp_path, plan)
    (tmp_path / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    info = connection.info
    target = f"db:pg:{info.dbname}"

    def sqitch(*words: str) -> None:
        run(
            tmp_path,
            *(tool("sqitch"), *words),
            PGHOST=info.host,
            PGPORT=str(info.port),
            PGUSER=info.user,
            SQITCH_FULLNAME="someone",
            SQITCH_EMAIL="someone@example.com",
            SQITCH_CONFIG=str(tmp_path / "sqitch.conf"),
        )

    sqitch("deploy", "--verify", target)
    assert state(connection) == ([1], [1, 2], False)
    sqitch("verify", target)
    sqitch("revert", "-y", "--to", "@HEAD^", target)
    assert state(connection) == ([1, 2], [1], True)
    sqitch("revert", "-y", target)
    assert state(connection) == ([], [], False)


def test_golang_migrate(
    bench: Workbench, connection: Connection, tmp_path: Path
) -> None:
    laid_out(bench, "golang-migrate", tmp_path)
    info = connection.info
    url = f"postgres://{info.user}@/{info.dbname}?host={info.host}&sslmode=disable"

    def migrate(*words: str) -> None:
        run(tmp_path, tool("migrate"), "-path", ".", "-database", url, *words)

    migrate("up")
    assert state(connection) == ([1], [1, 2], False)
    migrate("down", "1")
    assert state(connection) == ([1, 2], [1], True)
    migrate("down", "-all")
    assert state(connection) == ([], [], False)
