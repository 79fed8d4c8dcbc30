"""What a stretch of time cost: CPU of server and client, WAL, transactions.

CPU comes from /proc (Linux): that of all processes of the server, ended ones included,
and that of the driver with its children. WAL is the server's, and the server has one
subject at a time.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

TICK = os.sysconf("SC_CLK_TCK")
# A backend reports its transactions at most once a second.
STATISTICS_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters at one moment; seconds and bytes."""

    at: float
    server_cpu: float
    client_cpu: float
    wal: int
    xids: int
    transactions: int

    def since(self, earlier: Reading) -> dict[str, float]:
        return {
            "seconds": self.at - earlier.at,
            "server_cpu_seconds": self.server_cpu - earlier.server_cpu,
            "client_cpu_seconds": self.client_cpu - earlier.client_cpu,
            "wal_bytes": self.wal - earlier.wal,
            "xids": self.xids - earlier.xids,
            "transactions": self.transactions - earlier.transactions,
        }


class Meter:
    """Reads the counters of a server, and of the driver that works on it."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._postmaster = _parent(self._value("select pg_backend_pid()"))

    def read(self, client_pid: int, *, settle: bool = False) -> Reading:
        """Read; `settle` waits for the statistics, outside of what is measured."""
        at = time.perf_counter()
        server, client = cpu_seconds(self._postmaster), cpu_seconds(client_pid)
        wal = self._value("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        xids = self._value("select pg_snapshot_xmax(pg_current_snapshot())::text")
        if settle:
            time.sleep(STATISTICS_SECONDS)
        transactions = self._value(
            "select sum(xact_commit + xact_rollback) from pg_stat_database"
            " where datname like 'bench_%'"
        )
        return Reading(at, server, client, int(wal), int(xids), int(transactions or 0))

    def close(self) -> None:
        self._connection.close()

    def _value(self, query: str) -> Any:
        row = self._connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def cpu_seconds(root: int) -> float:
    """Return the CPU time of a process and its descendants, of ended ones too."""
    children: dict[int, list[int]] = defaultdict(list)
    ticks: dict[int, tuple[int, int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it ended just now
            continue
        pid = int(entry.parent.name)
        children[int(fields[1])].append(pid)
        own, waited = (sum(map(int, fields[i : i + 2])) for i in (11, 13))
        ticks[pid] = (own, waited)
    total, todo = 0, [root]
    while todo:
        pid = todo.pop()
        total += sum(ticks.get(pid, (0, 0)))
        todo += children[pid]
    return total / TICK


def _parent(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rsplit(")", 1)[1].split()[1])
