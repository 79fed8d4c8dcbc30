"""`perdure run` of a workflow with `role`: what is missing is said before anything."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from perdure.engine.database import Database
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


def run(folder: Path, url: str) -> str:
    """Return what the command says."""
    done = subprocess.run(
        [sys.executable, "-m", "perdure", "run", "by_clerk", "--database-url", url],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "NO_COLOR": "1"},
        cwd=folder,
    )
    return done.stdout + done.stderr


@pytest.mark.usefixtures("roles")
def test_what_a_role_lacks_is_said(
    connection: Connection, database: Database, folder: Path
) -> None:
    url = make_conninfo(database.url, user="test_app")
    said = run(folder, url)
    assert f'{WHAT}, which does not exist here\n  = help: create role "test' in said
    connection.execute('create role "test clerk"')
    said = run(folder, url)
    assert f'{WHAT}, and "test_app" may not become it' in said
    assert '= help: grant "test clerk" to test_app' in said
    connection.execute('grant "test clerk" to test_app')
    said = run(folder, url)
    assert f"{WHAT}, which may not start runs" in said
    assert "select df.grant_usage('test clerk')" in said
    connection.execute("select df.grant_usage('test clerk')")
    assert "is started: perdure show" in run(folder, url)


def test_the_embedded_database_gives_a_role_what_it_lacks(folder: Path) -> None:
    said = run(folder, "embedded")
    assert '= help: create role "test clerk" in a file of the schema' in said
    (folder / "schema.sql").write_text('create role "test clerk";\n')
    done = subprocess.run(
        [sys.executable, "-m", "perdure", "run", "by_clerk", "--fresh"],
        capture_output=True,
        text=True,
        timeout=60,
        env={k: v for k, v in os.environ.items() if not k.endswith("DATABASE_URL")},
        cwd=folder,
    )
    assert 'result "test clerk"' in done.stdout, done.stderr
