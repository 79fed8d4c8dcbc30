"""A PostgreSQL that crashes on demand, and what sessions on it wait for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from perdure.engine.database import Database, connect
from perdure.engine.errors import NoDatabase
from perdure.engine.install import install
from perdure.engine.postgres import Server, start_embedded
from tests.programs import BIN_DIR
from tests.runtime.worker.processes import wait_until

Connection = psycopg.Connection[Any]

# The crashes are those of processes: what was written is safe with the kernel.
SETTINGS = {"fsync": "off", "max_connections": "100"}


class Crashable:
    """A server of its own, with the runtime in its database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Server = start_embedded(folder, BIN_DIR, settings=SETTINGS)
        self.database = Database(self._server.url("postgres"), "the test")
        install(self.database)

    def connect(self) -> Connection:
        return connect(self.database.url, autocommit=True)

    def ended(self, run: str) -> bool:
        """Say whether a run has ended; not while the server recovers."""
        try:
            with self.connect() as connection:
                status = value(connection, "select df.status(%s)", run)
        except (NoDatabase, psycopg.OperationalError):
            return False
        return status in ("completed", "failed", "cancelled")

    def crash(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it as `pg_ctl stop -m immediate` does: no checkpoint, no goodbye.

        With SIGKILL it dies as a machine does, the postmaster first.
        """
        pid = self._postmaster()
        if how == signal.SIGKILL:  # no session begins after its processes were listed
            os.kill(pid, signal.SIGSTOP)
        children = _children(pid)
        os.kill(pid, how)
        wait_until(lambda: not _alive(pid))
        for child in children:
            if how == signal.SIGKILL:
                with suppress(ProcessLookupError):
                    os.kill(child, how)
        wait_until(lambda: not any(map(_alive, children)))

    def start(self) -> None:
        before = self._server
        self._server = start_embedded(self._folder, BIN_DIR, settings=SETTINGS)
        before.stop()

    def stop(self) -> None:
        self._server.stop()

    def _postmaster(self) -> int:
        with self.connect() as connection:
            folder = value(connection, "show data_directory")
        return int((Path(folder) / "postmaster.pid").read_text().splitlines()[0])


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def _children(pid: int) -> list[int]:
    """Return the server's processes, those of its sessions among them."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def value(connection: Connection, query: str, *values: object) -> Any:
    """Return the first column of the first row."""
    row = connection.execute(query.encode(), values or None).fetchone()
    assert row is not None
    return row[0]


def waiting(connection: Connection, event: str = "") -> int:
    """Return how many of the workers' sessions wait for a lock (of a kind)."""
    return int(
        value(
            connection,
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            " and application_name = 'perdure worker' and wait_event ~ %s",
            event,
        )
    )


@contextmanager
def holding(url: str, *statements: str) -> Iterator[Connection]:
    """Hold the locks that statements take, until the end or a crash."""
    with connect(url) as holder:
        try:
            for statement in statements:
                holder.execute(statement.encode())
            yield holder
        finally:
            if not holder.closed:
                holder.rollback()
