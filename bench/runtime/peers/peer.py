"""What the drivers of peers share: the operations, given how a peer starts a workflow.

A peer is used as its own documentation shows: workflows and steps are Python functions
in one process with a pool of connections, and each step inserts one row and commits.
Runs are started while the workers are there, because two of the three peers cannot do
otherwise, so their throughput includes the starts; ours is measured that way as well.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from typing import Any, LiteralString, Protocol

from bench.runtime.drivers import work
from bench.runtime.drivers.protocol import Answer, percentiles, serve, window

URL = sys.argv[1] if len(sys.argv) > 1 else ""
# Of connections for the steps' statements: a thread for each of 1,000 sleepers must not
# have one of its own.
AT_ONCE = 32

_room = threading.BoundedSemaphore(AT_ONCE)
_idle: queue.LifoQueue[work.Connection] = queue.LifoQueue()


def insert(run: int, step: int) -> None:
    """Do a step."""
    _execute(work.INSERT, (run, step))


def insert_late(run: int, due: float) -> None:
    """Do a step that notes when it was done, and when it should have been."""
    _execute(work.INSERT_LATE, (run, due))


def _execute(statement: LiteralString, values: tuple[float, ...]) -> None:
    """Execute a statement on a connection that nobody else has meanwhile."""
    with _room:
        try:
            connection = _idle.get_nowait()
        except queue.Empty:
            connection = work.connect(URL)
        connection.execute(statement, values)
        _idle.put(connection)


class Peer(Protocol):
    """How a peer starts workflows, and signals to one."""

    def steps(self, run: int, count: int, last_due: float | None = None) -> object:
        """Start `count` inserts; the last one is a late one if it has a due time."""

    def sleep(self, run: int, due: float) -> object:
        """Start a timer until `due`, then a late insert."""

    def wait(self, run: int) -> Any:
        """Start a wait for a signal, whose payload is the due time of a late insert."""

    def signal(self, handle: Any, sent: float) -> None:
        """Send the signal."""

    def fan(self, run: int, width: int) -> object:
        """Start `width` inserts side by side, joined, then a late insert."""


class Operations:
    """The operations of the benchmark in terms of a peer's workflows."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._connection = work.connect(URL)

    def with_starts(self, runs: int, steps: int) -> Answer:
        work.empty(self._connection)
        with window() as clock:
            for run in range(runs):
                self._peer.steps(run, steps)
            work.await_rows(self._connection, runs * steps)
        work.require_rows(self._connection, runs * steps)
        return {"steps": runs * steps, "steps_per_second": runs * steps / clock.seconds}

    def alone(self, steps: int) -> Answer:
        work.empty(self._connection)
        with window() as clock:
            self._peer.steps(0, steps)
            work.await_rows(self._connection, steps)
        return {"steps": steps, "ms_per_step": clock.seconds / steps * 1000}

    def latency(self, count: int, steps: int) -> Answer:
        """From before the start to the last step, one run at a time."""
        work.empty(self._connection)
        with window():
            for run in range(count):
                self._peer.steps(run, steps, time.time())
                work.await_rows(self._connection, run + 1, "late")
        return {"steps": count * steps, **work.lateness(self._connection)}

    def starts(self, count: int) -> Answer:
        with window() as clock:
            for run in range(count):
                self._peer.steps(run, 1)
        return {"starts_per_second": count / clock.seconds}

    def fanout(self, width: int) -> Answer:
        work.empty(self._connection)
        self._peer.fan(0, 2)
        work.await_rows(self._connection, 1, "late")
        work.empty(self._connection)
        with window():
            started = time.time()
            self._peer.fan(1, width)
            work.await_rows(self._connection, 1, "late")
        found = self._connection.execute("select max(at) from bench.late").fetchone()
        return {"ms": (found[0] - started) * 1000 if found else None}

    def sleepers(self, count: int, seconds: float, spread: float) -> Answer:
        work.empty(self._connection)
        for run in range(work.WARM_SLEEPERS):
            self._peer.sleep(run, time.time())
        work.await_rows(self._connection, work.WARM_SLEEPERS, "late")
        work.empty(self._connection)
        with window() as clock:
            for run in range(count):
                self._peer.sleep(run, time.time() + seconds + spread * run / count)
            work.await_rows(self._connection, count, "late")
        return {"seconds": clock.seconds, **work.lateness(self._connection)}

    def signal(self, count: int) -> Answer:
        work.empty(self._connection)
        handles = [self._peer.wait(run) for run in range(work.WARM_SIGNALS + count)]
        time.sleep(3)
        for number, handle in enumerate(handles[: work.WARM_SIGNALS], 1):
            self._signal(handle, number)
        work.empty(self._connection)
        with window():
            for number, handle in enumerate(handles[work.WARM_SIGNALS :], 1):
                self._signal(handle, number)
        return percentiles(self._lateness())

    def _signal(self, handle: Any, number: int) -> None:
        """Send a signal and wait for the step after it, the `number`th."""
        self._peer.signal(handle, time.time())
        work.await_rows(self._connection, number, "late")

    def idle(self, waiting: int, seconds: float) -> Answer:
        for run in range(waiting):
            self._peer.wait(run)
        time.sleep(3)
        self._connection.execute("vacuum analyze")
        with window() as clock:
            time.sleep(seconds)
        return {"idle_seconds": clock.seconds}

    def _lateness(self) -> list[float]:
        found = self._connection.execute("select at - due from bench.late").fetchall()
        return [float(row[0]) for row in found]


def run(peer: Peer) -> None:
    """Answer the benchmark's questions with a peer."""
    operations = Operations(peer)
    names = "with_starts alone latency starts fanout sleepers signal idle"
    serve({name: getattr(operations, name) for name in names.split()})
