"""`perdure run` of a workflow with `role`: what is missing is said before anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner

from perdure.cli.main import app
from perdure.engine.database import Database
from perdure.engine.postgres import Server
from tests.runtime.worker.runs import Connection

WORKFLOW = """\
workflow: by_clerk
role: test clerk
steps:
  - name: u
    sql: select current_user::text as who
    expect: one
  - return: ${u.who}
"""
WHAT = 'error: workflow "by_clerk" runs as role "test clerk"'


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shop")
    (root / "perdure.toml").write_text('schema = "schema.sql"\n')
    (root / "schema.sql").write_text("")
    (root / "workflows").mkdir()
    (root / "workflows" / "by_clerk.yaml").write_text(WORKFLOW)
    return root


@pytest.fixture
def roles(connection: Connection) -> Iterator[None]:
    name = connection.info.dbname
    connection.execute("create role test_app login")
    connection.execute(f"grant create on database {name} to test_app".encode())
    connection.execute("select df.grant_usage('test_app')")
    connection.execute("grant insert, select on perdure.workflow_versions to test_app")
    yield
    for role in ("test_app", '"test clerk"'):
        connection.execute(f"drop owned by {role} cascade".encode())
        connection.execute(f"drop role {role}".encode())


def run(folder: Path, *words: str) -> str:
    """Return what the command says."""
    called = ["run", "by_clerk", "-C", str(folder), *words]
    return CliRunner(env={"NO_COLOR": "1"}).invoke(app, called).output


@pytest.mark.usefixtures("roles")
def test_what_a_role_lacks_is_said(
    connection: Connection, database: Database, folder: Path, server: Server
) -> None:
    # the schema is read on the tests' own server: none is started for each command
    (folder / "perdure.toml").write_text(
        f'schema = "schema.sql"\n[postgres]\nurl = {server.url("postgres")!r}\n'
    )
    at = ("--database-url", make_conninfo(database.url, user="test_app"), "--yes")
    said = run(folder, *at)
    assert f'{WHAT}, which does not exist here\n  = help: create role "test' in said
    connection.execute('create role "test clerk"')
    said = run(folder, *at)
    assert f'{WHAT}, and "test_app" may not become it' in said
    assert '= help: grant "test clerk" to test_app' in said
    connection.execute('grant "test clerk" to test_app')
    said = run(folder, *at)
    assert f"{WHAT}, which may not start runs" in said
    assert "select df.grant_usage('test clerk')" in said
    connection.execute("select df.grant_usage('test clerk')")
    told = run(folder, *at, "--detach")
    assert connection.execute("select id from df.instances").fetchone() == (
        told.split()[-1],
    )


def test_the_embedded_database_gives_a_role_what_it_lacks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PERDURE_DATABASE_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    said = run(folder)
    assert '= help: create role "test clerk" in a file of the schema' in said
    (folder / "schema.sql").write_text('create role "test clerk";\n')
    said = run(folder, "--fresh")
    assert 'result "test clerk"' in said
