"""Measure steps per second of the runtime beside a bare PL/pgSQL loop.

Both do the same statements with one commit for each: 1,000 runs of ten one-row
inserts. The loop knows nothing of graphs, claims or checkpoints; it is what the server
can do at most. Absolute figures depend on the machine and its neighbours, the ratio
much less.

    python bench/runtime/throughput.py [--runs 1000] [--connections 1,4,8]
        [--database-url URL]

Without a URL, an embedded PostgreSQL with default durability is used.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from perdure.engine.postgres import start_embedded

ROOT = Path(__file__).resolve().parents[2]
STEPS = 10
GRAPH = "df.seq({})".format(
    ", ".join(
        f"'insert into bench.work values ($input.run, {n})'" for n in range(STEPS)
    )
)
BARE_LOOP = """
create procedure bench.bare(first integer, last integer) language plpgsql as $$
begin
  for run in first .. last loop
    for step in 0 .. 9 loop
      execute 'insert into bench.work values (' || run || ', ' || step || ')';
      commit;
    end loop;
  end loop;
end $$
"""


@contextmanager
def server(url: str | None) -> Iterator[str]:
    """Yield the URL of a scratch database with the runtime in it."""
    if url is not None:
        yield url
        return
    with (
        tempfile.TemporaryDirectory(prefix="perdure-bench-") as folder,
        start_embedded(Path(folder) / "postgres") as postgres,
    ):
        yield postgres.url()


@contextmanager
def scratch(admin_url: str) -> Iterator[str]:
    """Yield the URL of a database that exists for the duration only."""
    name = "perdure_bench"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"drop database if exists {name} with (force)")
        admin.execute(f"create database {name}")
        info = psycopg.conninfo.conninfo_to_dict(admin_url)
        info["dbname"] = name
        url = psycopg.conninfo.make_conninfo("", **info)
        with psycopg.connect(url) as connection:
            for path in sorted((ROOT / "runtime_sql").glob("*.sql")):
                connection.execute(path.read_bytes())
            connection.execute("create schema bench")
            connection.execute("create table bench.work (run integer, step integer)")
            connection.execute(BARE_LOOP.encode())
        try:
            yield url
        finally:
            admin.execute(f"drop database {name} with (force)")


def in_parallel(
    url: str, count: int, work: Callable[[psycopg.Connection, int], None]
) -> float:
    """Run `work` on `count` connections that start together; return the seconds."""
    barrier = threading.Barrier(count + 1)

    def body(index: int) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            barrier.wait()
            work(connection, index)

    threads = [threading.Thread(target=body, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    barrier.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def measure_bare(url: str, runs: int, connections: int) -> float:
    share = runs // connections

    def work(connection: psycopg.Connection, index: int) -> None:
        first = index * share
        connection.execute("call bench.bare(%s, %s)", (first, first + share - 1))

    return share * connections * STEPS / in_parallel(url, connections, work)


def start_runs(url: str, runs: int) -> float:
    """Start the runs in transactions of 100; return starts per second."""
    with psycopg.connect(url) as connection:
        started = time.perf_counter()
        for first in range(0, runs, 100):
            connection.execute(
                f"select df.start({GRAPH}, 'bench', input =>"
                " jsonb_build_object('run', n)) from generate_series(%s::integer,"
                " %s) n",
                (first, min(first + 100, runs) - 1),
            )
            connection.commit()
        return runs / (time.perf_counter() - started)


def measure_runtime(url: str, runs: int, connections: int) -> tuple[float, float]:
    """Return starts and steps per second."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("truncate bench.work")
    starts = start_runs(url, runs)

    def work(connection: psycopg.Connection, _: int) -> None:
        connection.execute("call df.work(10000000, 600000)")

    seconds = in_parallel(url, connections, work)
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select count(*), count(distinct (run, step)),"
            " (select count(*) from df.instances where status <> 'completed')"
            " from bench.work"
        ).fetchone()
    assert row == (runs * STEPS, runs * STEPS, 0), row
    return starts, runs * STEPS / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--connections", default="1,4,8")
    parser.add_argument("--database-url")
    options = parser.parse_args()
    counts = [int(count) for count in options.connections.split(",")]
    print(f"{options.runs} runs of {STEPS} one-row inserts, one commit per step")
    print("connections   bare loop/s   runtime/s   ratio   starts/s")
    with server(options.database_url) as admin_url, scratch(admin_url) as url:
        for count in counts:
            bare = measure_bare(url, options.runs, count)
            starts, steps = measure_runtime(url, options.runs, count)
            print(
                f"{count:11} {bare:13.0f} {steps:11.0f} {steps / bare:7.2f}"
                f" {starts:10.0f}"
            )


if __name__ == "__main__":
    main()
