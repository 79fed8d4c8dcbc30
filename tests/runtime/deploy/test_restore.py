"""A base backup, restored to an earlier point in time: drift says what to do.

The server archives its log; the backup is taken while it works, and replayed up to a
named point, as a database administrator would.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from perdure.engine.postgres import Server, start_embedded
from tests.programs import BIN_DIR
from tests.runtime.deploy.conftest import VERSIONS, caller, make_project

SETTINGS = {"fsync": "off", "max_connections": "30"}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def value(url: str, query: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return str(row[0]) if row else ""


def wait_for(url: str, query: str) -> None:
    """Wait until a query gives true."""
    deadline = time.monotonic() + 60
    while value(url, query) != "True":
        assert time.monotonic() < deadline, query
        time.sleep(0.05)


def backup(server: Server, folder: Path) -> None:
    if not (server.bin_dir / "pg_basebackup").exists():
        pytest.skip("this PostgreSQL has no pg_basebackup, see PERDURE_TEST_BIN_DIR")
    host = str(conninfo_to_dict(server.url())["host"])
    command = [server.bin_dir / "pg_basebackup", "--wal-method=none", "--no-sync"]
    command += ["--checkpoint=fast", "--username=postgres", f"--pgdata={folder}"]
    words = [*map(str, command), f"--host={host}"]
    subprocess.run(words, check=True, capture_output=True)


def restore(copy: Path, home: Path, archive: Path, point: str) -> Server:
    """Start a server on a backup, replayed from the archive up to a point."""
    with start_embedded(home, BIN_DIR, settings=SETTINGS) as empty:
        data = Path(value(empty.url(), "show data_directory"))
    owner = data.stat()
    shutil.rmtree(data)
    shutil.copytree(copy, data, ignore=shutil.ignore_patterns(".s.PGSQL*"))
    (data / "recovery.signal").touch()
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write(f'restore_command = \'cp "{archive}/%f" "%p"\'\n')
        file.write(f"recovery_target_name = '{point}'\n")
        file.write("recovery_target_action = 'promote'\n")
    for path in (data, *data.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    data.chmod(0o700)
    server = start_embedded(home, BIN_DIR, settings=SETTINGS)
    wait_for(server.url(), "select not pg_is_in_recovery()")
    return server


def test_a_database_of_yesterday_is_brought_to_agreement(
    short_dir: Path, tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = short_dir / "archive"
    archive.mkdir()
    archive.chmod(0o777)
    settings = {
        **SETTINGS,
        "archive_mode": "on",
        "archive_command": f'cp "%p" "{archive}/%f"',
    }
    server = stack.enter_context(
        start_embedded(short_dir / "before", BIN_DIR, settings=settings)
    )
    monkeypatch.setenv("PERDURE_DATABASE_URL", server.url())
    monkeypatch.setenv("NO_COLOR", "1")
    project = make_project(tmp_path, server.url())
    perdure = caller(project)
    perdure("runtime", "install")

    def release(text: str) -> None:
        (project / "workflows" / "hello.yaml").write_text(text)
        perdure("compile")
        perdure("deploy", "--yes")

    release(VERSIONS[0])
    run = value(server.url(), "select workflows.hello('you')")
    backup(server, tmp_path / "copy")
    release(VERSIONS[1])
    value(server.url(), "select pg_create_restore_point('yesterday')")
    release(VERSIONS[2])
    perdure("rollback", "hello")
    perdure("deploy", "--yes")
    assert "no drift" in perdure("drift").stdout
    segment = value(server.url(), "select pg_walfile_name(pg_current_wal_lsn())")
    value(server.url(), "select pg_switch_wal()")
    wait_for(
        server.url(),
        f"select last_archived_wal >= '{segment}' from pg_stat_archiver",
    )
    restored = stack.enter_context(
        restore(tmp_path / "copy", short_dir / "after", archive, "yesterday")
    )
    monkeypatch.setenv("PERDURE_DATABASE_URL", restored.url())
    assert perdure("drift", code=1).stdout.splitlines() == [
        "hello@3 is in the lock, and not deployed",
        "hello, change 1 is in the lock, and not deployed",
        "  = help: perdure deploy; the repo is newer",
    ]
    perdure("deploy", "--yes")
    assert "no drift" in perdure("drift").stdout
    assert value(restored.url(), f"select label from df.instances where id = '{run}'")
    new = value(restored.url(), "select workflows.hello('you')")
    label = value(restored.url(), f"select label from df.instances where id = '{new}'")
    assert label == "hello@2"
