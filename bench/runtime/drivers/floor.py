"""The floor: the same statements by a PL/pgSQL queue, or sent by a Python client.

Neither is an engine. They say what the server can do at most with one commit per step.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

from bench.runtime.drivers import work
from bench.runtime.drivers.protocol import Answer, percentiles, serve, window

QUEUE = "insert into floor.queue (run, step, last, ready_at) values (%s, 1, %s, now())"


class Floor:
    """The operations of the floor; `url` is a database of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        work.make_tables(url)
        self._connection = work.connect(url)
        self._connection.execute(Path(__file__).with_name("floor.sql").read_bytes())

    def throughput(
        self, runs: int, steps: int, connections: int, how: str = "state"
    ) -> Answer:
        """Drain a queue; `how` is state, queue (no row per step) or client."""
        self._connection.execute("truncate floor.queue, floor.states")
        drain = self._by_client if how == "client" else self._by_procedure(how)
        with work.Crew(self._url, connections) as crew:
            self._enqueue(work.WARM_RUNS, steps)
            crew.run(drain)
            work.empty(self._connection)
            self._connection.execute("truncate floor.states")
            self._enqueue(runs, steps)
            with window() as clock:
                crew.run(drain)
        work.require_rows(self._connection, runs * steps)
        return {"steps": runs * steps, "steps_per_second": runs * steps / clock.seconds}

    def _by_procedure(self, how: str) -> Any:
        def drain(connection: work.Connection, _: int) -> None:
            connection.execute("call floor.drain(%s)", (how == "state",))

        return drain

    def _by_client(self, connection: work.Connection, _: int) -> None:
        while True:
            with connection.transaction():
                row = connection.execute(
                    "select id, run, step, last from floor.queue where ready_at is not"
                    " null order by ready_at limit 1 for update skip locked"
                ).fetchone()
                if row is None:
                    return
                connection.execute(work.INSERT, row[1:3])
                if row[2] < row[3]:
                    connection.execute(
                        "update floor.queue set step = step + 1 where id = %s", row[:1]
                    )
                else:
                    connection.execute("delete from floor.queue where id = %s", row[:1])

    def alone(self, steps: int) -> Answer:
        work.empty(self._connection)
        self._connection.execute("call floor.bare(0, 20)")
        with window() as clock:
            self._connection.execute("call floor.bare(1, %s)", (steps,))
        return {"steps": steps, "ms_per_step": clock.seconds / steps * 1000}

    def latency(self, count: int, steps: int) -> Answer:
        """Ten committed statements by one call, and the client hears of it."""
        times = []
        with window():
            for run in range(count):
                started = time.perf_counter()
                self._connection.execute("call floor.bare(%s, %s)", (run, steps))
                times.append(time.perf_counter() - started)
        return {"steps": count * steps, **percentiles(times)}

    def starts(self, count: int) -> Answer:
        with window() as clock:
            for run in range(count):
                self._connection.execute(QUEUE, (run, 10))
        self._connection.execute("truncate floor.queue")
        return {"starts_per_second": count / clock.seconds}

    def start_many(self, count: int) -> Answer:
        with window() as clock:
            self._connection.execute(
                "insert into floor.queue (run, step, last, ready_at)"
                " select n, 1, 10, now() from generate_series(1, %s::integer) n",
                (count,),
            )
        self._connection.execute("truncate floor.queue")
        return {"starts_per_second": count / clock.seconds}

    def fanout(self, width: int) -> Answer:
        """One insert per branch, drained by four connections."""
        with work.Crew(self._url, 4) as crew:
            self._enqueue(40)
            crew.run(self._by_procedure("state"))
            self._connection.execute("truncate floor.states")
            self._enqueue(width)
            with window() as clock:
                crew.run(self._by_procedure("state"))
        return {"ms": clock.seconds * 1000}

    def _enqueue(self, runs: int, steps: int = 1) -> None:
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(QUEUE, [(run, steps) for run in range(runs)])

    def sleepers(self, count: int, seconds: float, spread: float) -> Answer:
        self._sleepers(work.WARM_SLEEPERS, 0, 0)
        return self._sleepers(count, seconds, spread)

    def _sleepers(self, count: int, seconds: float, spread: float) -> Answer:
        work.empty(self._connection)
        self._connection.execute("truncate floor.queue")
        ended = threading.Event()
        sleeper = threading.Thread(target=self._wake, args=(ended, count))
        with window() as clock:
            sleeper.start()
            for run in range(count):
                due = time.time() + seconds + spread * run / count
                self._connection.execute(
                    "insert into floor.queue (run, step, last, wake_at, due)"
                    " values (%s, 1, 1, to_timestamp(%s), %s)",
                    (run, due, due),
                )
            sleeper.join()
        return {"seconds": clock.seconds, **work.lateness(self._connection)}

    def _wake(self, ended: threading.Event, count: int) -> None:
        with work.connect(self._url) as connection:
            while work.rows(connection, "late") < count:
                row = connection.execute("call floor.wake(null)").fetchone()
                time.sleep(min(0.01, max(0.0, (row and row[0]) or 0.01)))

    def signal(self, count: int) -> Answer:
        """A notification to a client, which writes a row and notifies back."""
        times = []
        echo = threading.Thread(target=self._echo, args=(count,))
        echo.start()
        with work.connect(self._url) as listener:
            listener.execute("listen answer")
            time.sleep(0.3)
            with window():
                for run in range(count):
                    started = time.perf_counter()
                    self._connection.execute("select pg_notify('ask', %s)", (str(run),))
                    next(iter(listener.notifies(stop_after=1)))
                    times.append(time.perf_counter() - started)
        echo.join()
        return percentiles(times)

    def _echo(self, count: int) -> None:
        with work.connect(self._url) as listener, work.connect(self._url) as writer:
            listener.execute("listen ask")
            for note in listener.notifies(stop_after=count):
                with writer.transaction():
                    writer.execute(work.INSERT, (int(note.payload), 0))
                    writer.execute("notify answer")


def main() -> None:
    floor = Floor(sys.argv[1])
    names = [
        "throughput",
        "alone",
        "latency",
        "starts",
        "start_many",
        "fanout",
        "sleepers",
        "signal",
    ]
    serve({name: getattr(floor, name) for name in names})


if __name__ == "__main__":
    main()
