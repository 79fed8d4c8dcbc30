"""`perdure doctor` on real databases: what is wrong, and what it says to do."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner

from perdure.cli.main import app
from perdure.engine.database import WORKER_APPLICATION
from perdure.engine.doctor import Finding, examine
from perdure.engine.install import shipped
from tests.databases import made
from tests.runtime.engine.db import Db

EXTENSION = (0, 2, 5)
Alter = Callable[[str], None]


def found(url: str, extension: tuple[int, ...] = ()) -> dict[str, list[Finding]]:
    """Return what was found in a database, by check."""
    with psycopg.connect(url, autocommit=True) as connection:
        listed = examine(connection, shipped(extension))
    return {
        check: [each for each in listed if each.check == check]
        for check in dict.fromkeys(each.check for each in listed)
    }


def doctor(url: str, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["doctor", "--database-url", url, *words])
    return done.exit_code, done.stdout


@pytest.fixture
def alter(postgres: str, url: str) -> Alter:
    """Return what changes a setting of the test's database."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]

    def change(setting: str) -> None:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"alter database {name} set {setting}".encode())

    return change


@pytest.fixture
def nobody(postgres: str, url: str) -> Iterator[str]:
    """Return the URL of a role without any privilege."""
    role = f"nobody_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"create role {role} login".encode())
        yield make_conninfo(url, user=role)
        connection.execute(f"drop role {role}".encode())


def test_a_good_database(url: str) -> None:
    with psycopg.connect(url, application_name=WORKER_APPLICATION):
        code, text = doctor(url)
        levels = {name: {f.level for f in each} for name, each in found(url).items()}
    assert code == 0
    assert "ok       worker: 1 connection of workers" in text
    del levels["settings"]  # the server of the tests does without fsync
    assert set.union(*levels.values()) == {"ok"}


def test_an_empty_database(postgres: str) -> None:
    name = f"doctor_{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
        code, text = doctor(make_conninfo(postgres, dbname=name))
        connection.execute(f"drop database {name} with (force)".encode())
    assert code == 1
    assert "error    runtime: the runtime is not installed in this database" in text
    assert '= help: "perdure runtime install" installs it' in text


def test_an_encoding_that_is_none(postgres: str) -> None:
    with made(postgres, "template0", "encoding 'SQL_ASCII' locale 'C'") as name:
        code, text = doctor(make_conninfo(postgres, dbname=name))
    assert code == 1
    assert "the encoding of this database is SQL_ASCII" in text
    assert "b'" not in text


def test_work_without_a_worker_is_an_error(db: Db, url: str) -> None:
    (finding,) = found(url)["worker"]
    assert finding.level == "warning"
    db.connection.execute("select df.start(df.sleep(60))")
    (finding,) = found(url)["worker"]
    assert finding.level == "error"
    assert finding.message == "no worker is connected, and 1 run has not ended"
    assert finding.help == "start one: perdure worker"


@pytest.mark.parametrize(
    ("setting", "level", "part"),
    [
        ("default_transaction_isolation = 'serializable'", "warning", "not batched"),
        ("synchronous_commit = off", "warning", "synchronous_commit is off"),
        ("default_transaction_read_only = on", "error", "read-only by default"),
    ],
)
def test_settings_that_hurt(
    url: str, alter: Alter, setting: str, level: str, part: str
) -> None:
    alter(setting)
    listed = [each for every in found(url).values() for each in every]
    (finding,) = [each for each in listed if part in each.message]
    assert finding.level == level
    assert finding.help


def test_a_role_that_may_not_start_runs(nobody: str) -> None:
    (finding,) = found(nobody)["role"]
    assert finding.level == "error"
    assert finding.help is not None
    assert finding.help.startswith("as the owner of the runtime: select df.grant_usage")


def test_json(url: str) -> None:
    code, text = doctor(url, "--json")
    data: dict[str, Any] = json.loads(text)
    assert code == 0
    assert data["good"] is True
    assert data["target"] == "perdure"
    assert set(data["findings"][0]) == {"check", "level", "message", "help"}


def test_a_server_without_the_extension(url: str) -> None:
    checks = found(url, EXTENSION)
    (extension,) = checks["extension"]
    assert extension.level == "error"
    assert "does not have the extension pg_durable" in extension.message
    (worker,) = checks["worker"]
    assert worker.help is not None
    assert "shared_preload_libraries" in worker.help
    assert {each.level for each in checks["runtime"]} == {"error"}


def test_a_target_that_does_not_exist(url: str) -> None:
    assert doctor(url, "--target", "pg_durable>=0.1")[0] == 2


def test_no_database() -> None:
    code, _ = doctor("postgresql://nobody@localhost:1/none")
    assert code == 3


@pytest.mark.parametrize(
    ("setting", "check", "part"),
    [
        ("pg_durable.database = 'other'", "worker", 'serves database "other"'),
        ("pg_durable.max_user_connections = 1000", "limits", "steps may take 1000 of"),
        ("pg_durable.retention_days = 0", "limits", "their results are lost"),
    ],
)
def test_settings_of_the_extension(
    url: str, alter: Alter, setting: str, check: str, part: str
) -> None:
    alter(setting)
    messages = [each.message for each in found(url, EXTENSION)[check]]
    assert any(part in each for each in messages), messages
