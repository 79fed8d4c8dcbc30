"""Our runtime: df.work on connections, or the worker for what has to be heard."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.runtime.drivers import work
from bench.runtime.drivers.protocol import Answer, percentiles, serve, wait_for, window
from bench.runtime.server import install_runtime

ROOT = Path(__file__).resolve().parents[3]
STEP = "'insert into bench.work values ($input.run, {})'"
LATE = "'insert into bench.late (run, due) values ($input.run, $input.due)'"
WORKER_CONNECTIONS = 4
# A statement shares commits once it was short three times.
WARM_RUNS = 4
# An idle session reports its last transactions, those of the start here, ten seconds
# later; and a worker first looks for runs to remove within half a minute.
SETTLE_SECONDS = 32.0


def seq(steps: int) -> str:
    """Return the expression of a run of one-row inserts."""
    if steps == 1:
        return f"df.sql({STEP.format(1)})"
    texts = ", ".join(STEP.format(step) for step in range(1, steps + 1))
    return f"df.seq(variadic array[{texts}])"


class Perdure:
    """The operations of our runtime; `url` is a database of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        install_runtime(url, ROOT / "runtime_sql")
        work.make_tables(url)
        self._connection = work.connect(url)

    def throughput(
        self,
        runs: int,
        steps: int,
        connections: int,
        how: str = "batches",
        keep: bool = False,
    ) -> Answer:
        """Do runs that were started before; `how` is batches or single (commits).

        The tables are empty before, as the floor's are, unless they are to be kept.
        """
        if not keep:
            self._forget()
        self._configure(how)
        waiting = self._unfinished()
        with work.Crew(self._url, connections) as crew:
            self._start(seq(steps), work.WARM_RUNS)
            crew.run(self._work_off)
            work.empty(self._connection)
            self._start(seq(steps), runs)
            with window() as clock:
                crew.run(self._work_off)
        self._configure("batches")
        work.require_rows(self._connection, runs * steps)
        self._require_ended(waiting)
        return {"steps": runs * steps, "steps_per_second": runs * steps / clock.seconds}

    def with_starts(self, runs: int, steps: int) -> Answer:
        """Start and do runs while the worker is there, as the peers are measured."""
        work.empty(self._connection)
        with self._worker(), window() as clock:
            self._start(seq(steps), runs)
            work.await_rows(self._connection, runs * steps)
        self._require_ended()
        return {"steps": runs * steps, "steps_per_second": runs * steps / clock.seconds}

    def alone(self, steps: int) -> Answer:
        work.empty(self._connection)
        self._start(seq(20), 1)
        self._work(self._connection, 0)
        self._start(seq(steps), 1)
        with window() as clock:
            self._work(self._connection, 0)
        self._require_ended()
        return {"steps": steps, "ms_per_step": clock.seconds / steps * 1000}

    def latency(self, count: int, steps: int) -> Answer:
        """From before df.start to the run's end, one run at a time."""
        times = []
        with self._worker():
            self._one(seq(steps), 0)
            with window():
                for run in range(count):
                    started = time.time()
                    times.append(self._one(seq(steps), run) - started)
        return {"steps": count * steps, **percentiles(times)}

    def starts(self, count: int) -> Answer:
        self._start(seq(10), 1)
        given = "jsonb_build_object('run', %s::integer)"
        statement = f"select df.start({seq(10)}, input => {given})".encode()
        with window() as clock:
            for run in range(count):
                self._connection.execute(statement, (run,))
        self._forget()
        return {"starts_per_second": count / clock.seconds}

    def start_many(self, count: int) -> Answer:
        query = (
            f"select count(*) from df.start_many({seq(10)}, (select"
            " array_agg(jsonb_build_object('run', n)) from generate_series(1, %s) n))"
        )
        with window() as clock:
            self._connection.execute(query.encode(), (count,))
        self._forget()
        return {"starts_per_second": count / clock.seconds}

    def fanout(self, width: int) -> Answer:
        texts = ", ".join(STEP.format(branch) for branch in range(width))
        graph = f'df."join"(variadic array[{texts}])' if width > 1 else seq(1)
        with self._worker():
            for _ in range(WARM_RUNS):
                self._one(graph, 0)
            with window():
                started = time.time()
                ended = self._one(graph, 1)
        return {"ms": (ended - started) * 1000}

    def sleepers(self, count: int, seconds: float, spread: float) -> Answer:
        graph = f"df.seq(df.sleep_until('select to_timestamp($input.due)'), {LATE})"
        work.empty(self._connection)
        query = (
            f"select df.start({graph}, input =>"
            " jsonb_build_object('run', %s::integer, 'due', %s::float8))"
        )
        with self._worker():
            for run in range(work.WARM_SLEEPERS):
                self._connection.execute(query.encode(), (run, time.time()))
            work.await_rows(self._connection, work.WARM_SLEEPERS, "late")
            work.empty(self._connection)
            with window() as clock:
                for run in range(count):
                    due = time.time() + seconds + spread * run / count
                    self._connection.execute(query.encode(), (run, due))
                work.await_rows(self._connection, count, "late")
        return {"seconds": clock.seconds, **work.lateness(self._connection)}

    def signal(self, count: int) -> Answer:
        graph = f"df.seq(df.wait_for_signal('go'), {STEP.format(1)})"
        runs = self._start(graph, work.WARM_SIGNALS + count)
        with self._worker():
            self._await_waiting(len(runs))
            for run in runs[: work.WARM_SIGNALS]:
                self._signalled(run)
            with window():
                times = [self._signalled(run) for run in runs[work.WARM_SIGNALS :]]
        return percentiles(times)

    def _signalled(self, run: str) -> float:
        """Send a signal; return the seconds until the run had ended."""
        started = time.time()
        self._connection.execute("select df.signal(%s, 'go')", (run,))
        return self._ended(run) - started

    def idle(self, waiting: int, seconds: float) -> Answer:
        """Let a worker be with runs that wait, half of them for a signal."""
        graphs = (
            f"df.seq(df.wait_for_signal('go'), {STEP.format(1)})",
            f"df.seq(df.sleep(864000), {STEP.format(1)})",
        )
        for graph in graphs:
            self._start(graph, waiting // 2)
        self._drain()
        self._connection.execute("call df.prune()")  # or its first count, and
        self._connection.execute(
            "vacuum analyze"
        )  # autovacuum's work, would be counted
        with self._worker():
            time.sleep(SETTLE_SECONDS)
            with window() as clock:
                time.sleep(seconds)
        return {"idle_seconds": clock.seconds}

    def fill(self, finished: int, waiting: int) -> Answer:
        """Do runs of one step until so many have ended, and park others."""
        self._start("df.wait_for_signal('go')", waiting)
        for first in range(0, finished, 100_000):
            self._start(seq(1), min(100_000, finished - first))
            self._drain()
        self._drain()
        self._connection.execute("vacuum analyze")
        return {"filled": finished + waiting}

    def horizon(self, runs: int, rounds: int) -> Answer:
        """Measure rounds, then more of them while an old snapshot is held.

        Statistics are made between them, when the queue is empty: the worst moment.
        """
        free = [self._round(runs) for _ in range(3)]
        with work.connect(self._url) as holder:
            holder.execute("begin isolation level repeatable read")
            holder.execute("select 1")
            rates = []
            for _ in range(rounds):
                self._connection.execute("analyze")
                rates.append(self._round(runs))
            holder.execute("rollback")
        return {"free": free, "rates": rates}

    def _round(self, runs: int) -> float:
        self._start(seq(10), runs)
        started = time.perf_counter()
        self._drain()
        return runs * 10 / (time.perf_counter() - started)

    def _configure(self, how: str) -> None:
        self._connection.execute(
            "select df.configure(batch_ms => %s)", (0 if how == "single" else 5,)
        )

    def _start(self, graph: str, count: int) -> list[str]:
        """Start runs in transactions of 1,000; return their ids."""
        query = (
            f"select df.start({graph}, 'bench', input => jsonb_build_object('run', n))"
            " from generate_series(%s::integer, %s) n"
        ).encode()
        found: list[str] = []
        for first in range(0, count, 1000):
            last = min(first + 1000, count) - 1
            rows = self._connection.execute(query, (first, last)).fetchall()
            found += [row[0] for row in rows]
        return found

    def _work_off(self, connection: work.Connection, _: int) -> None:
        """Do what can be claimed; what others hold at the end, they do."""
        while self._call(connection) == 0:
            pass

    def _work(self, connection: work.Connection, _: int) -> None:
        while (wait_ms := self._call(connection)) is not None and wait_ms <= 1000:
            time.sleep(wait_ms / 1000)

    def _call(self, connection: work.Connection) -> int | None:
        """Call df.work; return the milliseconds until there is more to do."""
        row = connection.execute("call df.work(10000000, 600000)").fetchone()
        assert row is not None
        return None if row[1] is None else int(row[1])

    def _drain(self, connections: int = 2) -> None:
        with work.Crew(self._url, connections) as crew:
            crew.run(self._work)

    def _one(self, graph: str, run: int) -> float:
        """Do one run; return when it ended by the server's clock."""
        row = self._connection.execute(
            f"select df.start({graph}, input => jsonb_build_object('run',"
            f" {run}))".encode()
        ).fetchone()
        assert row is not None
        return self._ended(row[0])

    def _ended(self, run: str) -> float:
        row = self._connection.execute(
            "select df.await_instance(%s, 60)", (run,)
        ).fetchone()
        if row != ("completed",):
            raise RuntimeError(f"the run ended with {row}")
        return float(
            self._value(
                "extract(epoch from completed_at)::float8 from df_engine.instances"
                f" where run_id = '{run}'"
            )
        )

    def _await_waiting(self, count: int) -> None:
        query = "count(*) from df_engine.tasks where state = 's'"
        wait_for(lambda: int(self._value(query)) >= count)

    def _require_ended(self, waiting: int = 0) -> None:
        """Raise unless all runs but so many have completed."""
        wait_for(
            lambda: (
                not self._value(
                    "count(*) from df_engine.tasks where ready_at is not null"
                )
            )
        )
        left = self._unfinished() - waiting
        if left:
            raise RuntimeError(f"{left} runs have not completed")

    def _unfinished(self) -> int:
        return int(
            self._value("count(*) from df_engine.instances where status <> 'completed'")
        )

    def _value(self, expression: str) -> Any:
        row = self._connection.execute(f"select {expression}".encode()).fetchone()
        assert row is not None
        return row[0]

    def _forget(self) -> None:
        self._connection.execute(
            "truncate df_engine.instances, df_engine.tasks, df_engine.node_runs"
        )

    @contextmanager
    def _worker(self) -> Iterator[None]:
        program = Path(sys.executable).with_name("perdure")
        command = [str(program), "worker", "--database-url", self._url]
        command += ["--connections", str(WORKER_CONNECTIONS)]
        process = subprocess.Popen(command, stdout=sys.stderr)
        try:
            wait_for(
                lambda: (
                    self._value(
                        "count(*) from pg_stat_activity where query like 'listen%'"
                        " and datname = current_database()"
                    )
                    > 0
                )
            )
            time.sleep(0.3)
            yield
        finally:
            process.terminate()
            process.wait()


def main() -> None:
    perdure = Perdure(sys.argv[1])
    names = (
        "throughput with_starts alone latency starts start_many fanout sleepers"
        " signal idle fill horizon"
    )
    serve({name: getattr(perdure, name) for name in names.split()})


if __name__ == "__main__":
    main()
