"""A project, a database, and the command line between them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from typer.main import get_command
from typer.testing import CliRunner

from perdure.cli.main import app
from perdure.engine.database import Database
from perdure.engine.install import install
from perdure.engine.postgres import embedded_bin_dir
from tests.databases import made, made_url

WORKFLOW = """\
workflow: hello
input:
  who: text
steps:
  - return: {greeting: "Hello, ${who}!"}
"""
VERSIONS = (
    WORKFLOW,
    WORKFLOW.replace("Hello", "Good morning"),
    WORKFLOW.replace("text\n", "text\n  mark: text = '!'\n").replace("}!", "}${mark}"),
)
Perdure = Callable[..., Any]


def make_project(
    folder: Path, postgres: str, workflow: str = WORKFLOW, schema: str | None = None
) -> Path:
    """Make a project of one workflow whose schema is read on the tests' own server."""
    where = f"[postgres]\nurl = {postgres!r}\n"
    if schema is not None:
        (folder / "schema.sql").write_text(schema)
        where = f'schema = "schema.sql"\n{where}'
    (folder / "perdure.toml").write_text(where)
    (folder / "workflows").mkdir()
    (folder / "workflows" / f"{workflow.split()[1]}.yaml").write_text(workflow)
    return folder


@pytest.fixture
def project(tmp_path: Path, postgres: str) -> Path:
    return make_project(tmp_path, postgres)


def caller(project: Path) -> Perdure:
    """Return what calls the command line on a project."""

    def call(*words: str, code: int = 0) -> Any:
        result = CliRunner().invoke(app, [*words, "-C", str(project)])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return call


@pytest.fixture
def perdure(project: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Perdure:
    monkeypatch.setenv("PERDURE_DATABASE_URL", database)
    monkeypatch.setenv("NO_COLOR", "1")
    return caller(project)


# --- made once ------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _commands() -> Iterator[None]:
    """Let typer make the commands of the application once, and not for each call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", cache(get_command))
        yield


@pytest.fixture(scope="session")
def runtime_template(postgres: str) -> Iterator[str]:
    """Return the name of a database with the runtime."""
    with made(postgres) as name:
        install(Database(make_conninfo(postgres, dbname=name), "the test"))
        yield name


@pytest.fixture
def database(request: pytest.FixtureRequest, postgres: str) -> Iterator[str]:
    """Return the URL of a database, with the runtime where a test asks for it."""
    template = None
    if "runtime" in request.fixturenames:
        template = request.getfixturevalue("runtime_template")
    with made_url(postgres, template) as url:
        yield url


@pytest.fixture
def runtime() -> None:
    """Ask for a database with the runtime."""


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Path:
    """Return a project with three versions; the third takes another input."""
    folder = make_project(tmp_path_factory.mktemp("compiled"), postgres)
    for text in VERSIONS:
        (folder / "workflows" / "hello.yaml").write_text(text)
        caller(folder)("compile")
    return folder


@pytest.fixture
def released(perdure: Perdure, project: Path, compiled: Path) -> Perdure:
    """Three versions, deployed."""
    shutil.copytree(compiled, project, dirs_exist_ok=True)
    perdure("deploy", "--yes")
    return perdure


def waiting(database: str) -> str:
    """Start a run of order_v1 and work until it waits; return its id."""
    with psycopg.connect(database, autocommit=True) as connection:
        row = connection.execute("select workflows.order_v1(4)").fetchone()
        connection.execute("call df.work(100, 10000)")
    assert row is not None
    return str(row[0])


@pytest.fixture
def moved(
    perdure: Perdure, project: Path, database: str
) -> Callable[[str, str, int], str]:
    """Start a run, move it, let it end; return what was said and the result."""
    schema = "create table things (id bigint primary key, n int, m int);"
    (project / "schema.sql").write_text(schema)
    toml = (project / "perdure.toml").read_text()
    (project / "perdure.toml").write_text(f'schema = "schema.sql"\n{toml}')
    (project / "workflows" / "hello.yaml").unlink()
    execute(database, f"{schema} insert into things values (4, 1, 7)")

    def move(old: str, new: str, code: int = 0) -> str:
        for text in (old, new):
            (project / "workflows" / "order.yaml").write_text(text)
            perdure("compile")
        perdure("deploy", "--yes")
        run = waiting(database)
        done = perdure("move", run, "--to", "2", code=code)
        if code:
            return str(done.stderr)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("select df.signal(%s, 'approval')", [run])
            connection.execute("call df.work(100, 10000)")
            row = connection.execute("select df.result(%s)", [run]).fetchone()
        assert row is not None
        return str(json.loads(row[0])["rows"][0]["result"])

    return move


def dump(database: str) -> str:
    """Return schema and register as pg_dump writes them, without what is random."""
    command = [
        str(embedded_bin_dir() / "pg_dump"),
        "--schema=workflows",
        "--schema-only",
    ]
    done = subprocess.run(
        [*command, database], capture_output=True, text=True, check=True
    )
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "select to_jsonb(w) from perdure.workflow_versions w order by name, version"
        ).fetchall()
        rows += connection.execute(
            "select to_jsonb(c) from perdure.workflow_changes c order by 1"
        ).fetchall()
    lines = [line for line in done.stdout.splitlines() if "restrict" not in line]
    return "\n".join([*lines, *map(str, rows)])


def execute(database: str, text: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(text.encode())
