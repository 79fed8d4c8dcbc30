"""What commands say about a runtime that is missing, older, newer or another build."""

from __future__ import annotations

import pytest
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner

from perdure.cli.runtime import app
from perdure.engine.database import Database, connect
from tests.databases import made

SQL = (
    "create or replace function df.runtime_version() returns text language sql"
    " immutable as $$ select '99.0.0' $$"
)


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_missing(database: str) -> None:
    code, said = invoke("status", "--database-url", database)
    assert code == 1
    assert '"perdure runtime install" installs it' in said
    code, said = invoke("upgrade", "--database-url", database)
    assert code == 2
    assert '"perdure runtime install" installs it' in said


@pytest.mark.parametrize("target", ["perdure", "pg_durable>=0.2.5"])
def test_an_encoding_that_is_none(postgres: str, target: str) -> None:
    with made(postgres, "template0", "encoding 'SQL_ASCII' locale 'C'") as name:
        url = make_conninfo(postgres, dbname=name)
        code, said = invoke("install", "--database-url", url, "--target", target)
    assert code == 2
    assert "has the encoding SQL_ASCII, and the runtime needs UTF8" in said


def test_older(released: Database) -> None:
    for command, expected in (("status", 1), ("install", 2)):
        code, said = invoke(command, "--database-url", released.url)
        assert code == expected
        assert "has the runtime 0.1.0" in said
        assert '"perdure runtime upgrade" upgrades it' in said
    code, said = invoke("upgrade", "--database-url", released.url)
    assert (code, said) == (0, "upgraded the runtime from 0.1.0 to 0.2.0\n")
    code, said = invoke("upgrade", "--database-url", released.url)
    assert (code, said) == (0, "the runtime is current (0.2.0)\n")


@pytest.mark.parametrize("command", ["install", "upgrade", "status"])
def test_newer(fresh: Database, command: str) -> None:
    with connect(fresh.url, autocommit=True) as connection:
        connection.execute(SQL)
    code, said = invoke(command, "--database-url", fresh.url)
    assert code == (1 if command == "status" else 2)
    assert "has the runtime 99.0.0, which is newer than" in said
    assert "upgrade Perdure" in said


@pytest.mark.parametrize("command", ["install", "upgrade", "status"])
def test_another_build(fresh: Database, command: str) -> None:
    with connect(fresh.url, autocommit=True) as connection:
        connection.execute("comment on schema df is 'Perdure runtime 0.2.0 0123'")
    code, said = invoke(command, "--database-url", fresh.url)
    assert code == (1 if command == "status" else 2)
    assert "from another build" in said
