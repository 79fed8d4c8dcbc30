"""The migrations, run up and down by the tools themselves, where they are installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.emit.deployed import Connection, prepared
from tests.unit.lower.workbench import Workbench
from tests.unit.release.test_layouts import HOSTILE
from tests.unit.release.test_plan import Project, candidate
from tests.unit.release.tools import (
    laid_out,
    port_of,
    run,
    runs_to_its_end,
    second,
    state,
    tool,
    write,
)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with prepared(database) as connection:
        yield connection


def test_goose(bench: Workbench, connection: Connection, tmp_path: Path) -> None:
    laid_out(bench, "goose", tmp_path)
    info = connection.info
    place = f"host={info.host} port={info.port} user={info.user} dbname={info.dbname}"

    def goose(*words: str) -> None:
        run(tmp_path, tool("goose"), "postgres", f"{place} sslmode=disable", *words)

    goose("up")
    assert state(connection) == ([1], [1, 2], False)
    runs_to_its_end(connection)
    goose("up")
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
    runs_to_its_end(connection)
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
    runs_to_its_end(connection)
    migrate("up")
    migrate("down", "1")
    assert state(connection) == ([1, 2], [1], True)
    migrate("down", "-all")
    assert state(connection) == ([], [], False)


def test_flyway(bench: Workbench, connection: Connection, tmp_path: Path) -> None:
    laid_out(bench, "flyway", tmp_path)
    program, info = tool("flyway"), connection.info

    with port_of(connection) as port:

        def flyway(*words: str, code: int = 0) -> str:
            return run(
                tmp_path,
                program,
                f"-url=jdbc:postgresql://127.0.0.1:{port}/{info.dbname}",
                f"-user={info.user}",
                "-schemas=flyway",
                f"-locations=filesystem:{tmp_path}",
                *words,
                code=code,
            )

        flyway("migrate")
        assert state(connection) == ([1], [1, 2], False)
        runs_to_its_end(connection)
        flyway("validate")
        assert "is up to date" in flyway("migrate")
        first = tmp_path / "V1__demo_v1.sql"
        first.write_text(first.read_text() + "\nselect 1;\n")
        assert "checksum mismatch" in flyway("validate", code=1)
    for undo in sorted(tmp_path.glob("U*.sql"), reverse=True):  # not in every edition
        with connection.transaction():
            connection.execute(undo.read_bytes())
    assert state(connection) == ([], [], False)


def test_dbmate(bench: Workbench, connection: Connection, tmp_path: Path) -> None:
    laid_out(bench, "dbmate", tmp_path)
    info = connection.info
    url = f"postgres://{info.user}@/{info.dbname}?socket={info.host}"

    def dbmate(*words: str) -> str:
        options = ("--url", url, "--migrations-dir", ".", "--no-dump-schema")
        return run(tmp_path, tool("dbmate"), *options, *words)

    dbmate("migrate")
    assert state(connection) == ([1], [1, 2], False)
    runs_to_its_end(connection)
    dbmate("migrate")
    assert "Pending: 0" in dbmate("status")
    dbmate("rollback")
    assert state(connection) == ([1, 2], [1], True)
    for _ in range(3):
        dbmate("rollback")
    assert state(connection) == ([], [], False)


def test_supabase(bench: Workbench, connection: Connection, tmp_path: Path) -> None:
    folder = tmp_path / "supabase" / "migrations"
    laid_out(bench, "supabase", folder)
    program, info = tool("supabase"), connection.info

    with port_of(connection) as port:
        url = f"postgres://{info.user}:x@127.0.0.1:{port}/{info.dbname}?sslmode=disable"

        def push() -> str:
            words = ("--yes", "db", "push", "--db-url", url)
            return run(tmp_path, program, *words, SUPABASE_TELEMETRY_DISABLED="1")

        push()
        assert state(connection) == ([1], [1, 2], False)
        runs_to_its_end(connection)
        assert "up to date" in push()
    for way_back in sorted((folder / "rollback").glob("*.sql"), reverse=True):
        with connection.transaction():
            connection.execute(way_back.read_bytes())
    assert state(connection) == ([], [], False)


def test_atlas(bench: Workbench, connection: Connection, tmp_path: Path) -> None:
    project = Project("atlas")
    project.write(candidate(bench, HOSTILE))
    write(tmp_path, project)
    info = connection.info
    url = f"postgres://{info.user}@/{info.dbname}?host={info.host}&sslmode=disable"

    def atlas(*words: str, code: int = 0) -> str:
        options = ("--dir", f"file://{tmp_path}")
        return run(tmp_path, tool("atlas"), "migrate", *words, *options, code=code)

    def apply() -> str:
        return atlas("apply", "--url", url, "--allow-dirty")

    atlas("validate")
    apply()
    runs_to_its_end(connection)
    project.write(second(bench))
    write(tmp_path, project)
    atlas("validate")
    apply()
    assert state(connection) == ([1, 2], [], True)
    assert "No migration files to execute" in apply()
    (last,) = tmp_path.glob("*_demo_v2.sql")
    last.write_text(last.read_text() + "\nselect 1;\n")
    assert "checksum" in atlas("validate", code=1)
