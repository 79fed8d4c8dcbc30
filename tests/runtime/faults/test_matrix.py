"""The crash matrix: what dies, at every boundary, with a thousand runs in flight.

One matrix kills workers, another kills PostgreSQL: a backend, the postmaster, the whole
server. Each round makes all runs go on, waits until sessions stand at the boundary (see
traps), kills, and lets them go on. At the end every run has ended, every effect of a
step is there exactly once, that of a statement outside of a transaction at least
once, every request went out under a key of its own, and the engine's tables are empty.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from perdure.engine.errors import NoDatabase
from tests.runtime.faults import traps
from tests.runtime.faults.server import Connection, Crashable, value
from tests.runtime.worker.processes import WorkerProcess, wait_until
from tests.unit.engine.http_server import Server as HttpServer

# One run of so many is of the kind, the first that fits; the rest are a plain sequence.
KINDS = {"outside": 100, "http": 50, "retry": 13, "race": 11, "timer": 7, "join": 5}


@dataclass(frozen=True, slots=True)
class World:
    """A server, the workers on it, and runs that go from phase to phase together."""

    server: Crashable
    http: HttpServer
    folder: Path
    workers: list[WorkerProcess]
    runs: int
    phases: int
    leases: bool

    def connect(self) -> Connection:
        return self.server.connect()

    def spawn(self) -> None:
        options = ["--connections", "3"]
        self.workers.append(WorkerProcess(self.server.database, self.folder, options))

    def often(self) -> Iterator[tuple[str, int]]:
        """Give the kinds; without `leases` those alone that nobody has to wait for."""
        for kind, often in KINDS.items():
            if self.leases or kind not in ("http", "outside"):
                yield kind, often

    def kinds(self) -> Iterator[tuple[int, str]]:
        for n in range(self.runs):
            kinds = (kind for kind, often in self.often() if n % often == often - 1)
            yield n, next(kinds, "plain")


Kill = Callable[[World], None]


def insert(phase: int, step: str, trap: int = traps.STATEMENT) -> str:
    text = f"insert into effects select $input.n, '{phase}.{step}' from trap({trap})"
    return psycopg.sql.Literal(text).as_string()


def phase_of(kind: str, phase: int, url: str) -> tuple[str, list[str]]:
    """Return what a run does when it is told to go on, and the effects of that."""
    a, b = insert(phase, "a"), insert(phase, "b")
    match kind:
        case "join":
            c = insert(phase, "c", traps.BRANCH)
            return f"df.join({a}, {c}), {b}", ["a", "b", "c"]
        case "timer":
            return f"{a}, df.sleep_for($$select interval '300 ms'$$), {b}", ["a", "b"]
        case "race":
            return f"df.race({a}, df.sleep(600)), {b}", ["a", "b"]
        case "retry":
            return f"df.retry({a}, 3), {b}", ["a", "b"]
        case "http":
            there = f"'{url}&phase={phase}&run=$input.n'"
            request = f"df.http({there}, 'GET', timeout_seconds => 2)"
            retry = f"df.retry({request}, 20, '100 ms', factor => 1)"
            return f"{a}, {retry}, {b}", ["a", "b"]
        case "outside":
            return f"'call outside($input.n, {phase})', {b}", ["b"]
    return f"{a}, {b}", ["a", "b"]


def graph(kind: str, phases: int, url: str) -> str:
    parts = []
    for phase in range(phases):
        parts += ["df.wait_for_signal('go')", phase_of(kind, phase, url)[0]]
    return f"df.seq({', '.join(parts)})"


def start_runs(world: World) -> None:
    assert {kind for _, kind in world.kinds()} == {
        "plain",
        *(kind for kind, _ in world.often()),
    }
    url = world.http.url("/slow?seconds=0.3")
    of_kind: dict[str, list[int]] = {}
    for n, kind in world.kinds():
        of_kind.setdefault(kind, []).append(n)
    with world.connect() as connection:
        for kind, numbers in of_kind.items():
            query = (
                (
                    f"select df.start({graph(kind, world.phases, url)}, '{kind}',"
                    " input => jsonb_build_object('n', n)) from unnest(%s::int[]) n"
                )
                .replace("%", "%%")
                .replace("%%s", "%s")
            )
            connection.execute(query.encode(), [numbers])


def expected(world: World) -> Counter[tuple[str, str]]:
    return Counter(
        (str(n), f"{phase}.{step}")
        for n, kind in world.kinds()
        for phase in range(world.phases)
        for step in phase_of(kind, phase, "")[1]
    )


# Boundaries: what holds sessions there, and how it is seen that they are.


@dataclass(frozen=True, slots=True)
class Boundary:
    """A place where something can die."""

    locks: tuple[str, ...]
    event: str = ""
    application: str = "worker"
    reached: str = ""

    def held(self, world: World) -> AbstractContextManager[None]:
        if not self.locks:
            return nullcontext()
        return traps.holding(world.server.database.url, *self.locks)

    def arrived(self, world: World, connection: Connection) -> bool:
        if self.event and not traps.stopped(connection, self.event, self.application):
            return False
        return not self.reached or bool(value(connection, self.reached))


# On a busy machine no step is short, and no time is left for another one.
MAKE_BATCHES = (
    "select df.configure(batch_ms => 1000); update df_engine.nodes n set short_runs = 3"
    " where n.op = 'sql' and df_engine.may_share(n.parts)"
)
ALONE_OR_NOT = "select df.configure(batch_ms => %s)"
WAITS = "select exists (select from df_engine.tasks where {})"
BOUNDARIES = {
    "before the claim": Boundary(
        ("lock table df_engine.tasks in access exclusive mode",), "relation"
    ),
    "during the statement": Boundary((traps.trap(traps.STATEMENT),), "advisory"),
    "after the statement": Boundary(
        ("lock table df_engine.node_runs in share mode",), "relation"
    ),
    "before the commit": Boundary((traps.trap(traps.COMMIT),), "advisory"),
    "after the commit": Boundary((), "SyncRep"),
    "during the timer": Boundary(
        (), reached=WAITS.format("wake_at > clock_timestamp() and state = 'd'")
    ),
    "during http": Boundary(
        (),
        reached="select exists (select from df_engine.requests"
        " where method = 'GET' and leased_until is not null)",
    ),
    "between branches": Boundary(
        (traps.trap(traps.BRANCH),), "advisory", reached=WAITS.format("state = 'f'")
    ),
    "during a batch": Boundary((traps.trap(traps.BATCH),), "advisory"),
    "outside of a transaction": Boundary(
        (traps.trap(traps.OUTSIDE),), "advisory", "statement"
    ),
}


@contextmanager
def held(world: World, name: str) -> Iterator[Boundary]:
    boundary = BOUNDARIES[name]
    if boundary.event == "SyncRep":
        with no_commit_returns(world):
            yield boundary
        return
    with boundary.held(world):
        yield boundary


@contextmanager
def no_commit_returns(world: World) -> Iterator[None]:
    """Let commits be durable, and not return: they wait for a standby without end."""
    with world.connect() as connection:
        connection.execute("set synchronous_commit = local")
        connection.execute("alter system set synchronous_standby_names = 'nobody'")
        connection.execute("select pg_reload_conf()")
    yield
    with world.connect() as connection:
        connection.execute("set synchronous_commit = local")
        connection.execute("alter system reset synchronous_standby_names")
        connection.execute("select pg_reload_conf()")


# What is killed.


def kill_a_worker(world: World) -> None:
    world.workers.pop(0).kill()
    world.spawn()


def kill_all_workers(world: World) -> None:
    while world.workers:
        world.workers.pop().kill()
    for _ in range(2):
        world.spawn()


def kill_a_backend(world: World) -> None:
    """The server ends all sessions and recovers, as when memory runs out."""
    with world.connect() as connection:
        connection.execute("set synchronous_commit = local")
        query = (
            "select pid from pg_stat_activity where application_name in"
            " ('perdure worker', 'perdure statement')"
            " order by state = 'active' desc, wait_event is null limit 1"
        )
        os.kill(value(connection, query), signal.SIGKILL)
        wait_until(lambda: _broken(connection))
    wait_until(lambda: _answers(world))


def kill_the_server(world: World) -> None:
    world.server.crash()
    world.server.start()


def kill_the_postmaster(world: World) -> None:
    world.server.crash(signal.SIGKILL)
    world.server.start()


def _broken(connection: Connection) -> bool:
    try:
        connection.execute("select 1")
    except psycopg.OperationalError:
        return True
    return False


def _answers(world: World) -> bool:
    try:
        world.connect().close()
    except NoDatabase:
        return False
    return True


def play(world: World, rounds: list[tuple[str, Kill]]) -> None:
    """Let everything die, once a round, and check that nothing was lost or doubled."""
    start_runs(world)
    for _ in range(2):
        world.spawn()
    for number, (name, kill) in enumerate(rounds):
        with world.connect() as connection:
            connection.execute(ALONE_OR_NOT, (5 * (number % 2),))
            # Nobody can go on under the lock of the first.
            told = name == "before the claim" and go_on(connection)
            with held(world, name) as boundary:
                if name == "during a batch":
                    connection.execute(MAKE_BATCHES)
                told = told or go_on(connection)
                await_arrival(world, connection, boundary)
                kill(world)
        if not told:
            with world.connect() as connection:
                assert go_on(connection)
        print(f"round {number}: {kill.__name__} {name}")
    for _ in range(world.phases - len(rounds)):
        with world.connect() as connection:
            assert go_on(connection)
    check(world)


def await_arrival(world: World, connection: Connection, boundary: Boundary) -> None:
    """Wait until something stands at a boundary."""
    wait_until(
        lambda: boundary.arrived(world, connection),
        120,
        lambda: f"{boundary}: {activity(world)}",
    )


def go_on(connection: Connection) -> bool:
    """Tell all runs to go on; what a killed server forgets of it never happened.

    Returns false when nobody could be told: a commit that notifies, and does not
    return, keeps all others from it.
    """
    connection.execute("set synchronous_commit = local")
    connection.execute("set lock_timeout = '20s'")
    with suppress(psycopg.errors.LockNotAvailable):
        connection.execute(
            "select df.signal(id, 'go') from df.instances where status <> 'completed'"
        )
        return True
    return False


def activity(world: World) -> str:
    with world.connect() as connection:
        rows = connection.execute(
            "select application_name, state, wait_event_type, wait_event,"
            " left(query, 60) from pg_stat_activity"
            " where backend_type = 'client backend'"
        ).fetchall()
    return "\n".join(map(str, rows))


def check(world: World) -> None:
    with world.connect() as connection:
        wait_until(
            lambda: not value(connection, ACTIVE), 180, lambda: stuck(connection)
        )
        ended = connection.execute(
            "select status, error, count(*) from df.instances group by 1, 2"
        ).fetchall()
        assert ended == [("completed", None, world.runs)]
        effects = Counter(
            (str(run), str(step))
            for run, step in connection.execute("select run, step from effects")
        )
        check_effects(world, effects)
        check_requests(world)
        for table in ("tasks", "requests", "signals", "suspects"):
            rows = value(connection, f"select count(*) from df_engine.{table}")
            assert (table, rows) == (table, 0)


ACTIVE = "select count(*) from df_engine.instances where status = 'active'"


def stuck(connection: Connection) -> str:
    """Return what is left of runs that do not end."""
    tasks = connection.execute(
        "select i.label, t.state, t.node, t.ready_at, t.wake_at, t.pending"
        " from df_engine.tasks t join df_engine.instances i on i.id = t.instance"
        " limit 20"
    ).fetchall()
    return "\n".join(map(str, tasks))


def check_effects(world: World, effects: Counter[tuple[str, str]]) -> None:
    outside = {
        (str(n), f"{phase}.{part}")
        for n, kind in world.kinds()
        if kind == "outside"
        for phase in range(world.phases)
        for part in ("begun", "ended")
    }
    assert {each for each in effects if each in outside} == outside
    once = Counter({key: n for key, n in effects.items() if key not in outside})
    assert once == expected(world)


def check_requests(world: World) -> None:
    """One key for each request of each run and phase, however often it went out."""
    keys: dict[tuple[str, str], set[str]] = {}
    for seen in world.http.seen:
        query = parse_qs(urlsplit(seen["path"]).query)
        place = (query["run"][0], query["phase"][0])
        keys.setdefault(place, set()).add(seen["headers"]["idempotency-key"])
    places = {
        (str(n), str(phase))
        for n, kind in world.kinds()
        if kind == "http"
        for phase in range(world.phases)
    }
    assert set(keys) == places
    assert all(len(found) == 1 for found in keys.values())
    assert len(set().union(*keys.values())) == len(places)


@pytest.fixture
def make_world(
    own_server: Crashable, http: HttpServer, tmp_path: Path
) -> Iterator[Callable[[int, int], World]]:
    (tmp_path / "perdure.toml").write_text(f'[http]\nallow = ["{http.place}"]\n')
    workers: list[WorkerProcess] = []
    with own_server.connect() as connection:
        connection.execute(traps.SETUP.encode())

    def make(runs: int, phases: int) -> World:
        # The small ones are quick.
        return World(own_server, http, tmp_path, workers, runs, phases, runs >= 1000)

    yield make
    for worker in workers:
        worker.kill()


WORKER_ROUNDS: list[tuple[str, Kill]] = [
    (name, (kill_a_worker, kill_all_workers)[number % 2])
    for number, name in enumerate(BOUNDARIES)
]
# The batch comes first: workers that have lost a session make none for a while.
SERVER_ROUNDS: list[tuple[str, Kill]] = [
    (name, (kill_a_backend, kill_the_server, kill_the_postmaster)[number % 3])
    for number, name in enumerate(sorted(BOUNDARIES, key="during a batch".__ne__))
]


@pytest.mark.slow
def test_workers_die(make_world: Callable[[int, int], World]) -> None:
    play(make_world(1000, len(WORKER_ROUNDS)), WORKER_ROUNDS)


@pytest.mark.slow
def test_the_server_dies(make_world: Callable[[int, int], World]) -> None:
    play(make_world(1000, len(SERVER_ROUNDS)), SERVER_ROUNDS)


def test_a_worker_dies_at_each_of_some_boundaries(
    make_world: Callable[[int, int], World],
) -> None:
    names = ("during the statement", "before the commit", "between branches")
    rounds = [(name, kill) for name, kill in WORKER_ROUNDS if name in names]
    play(make_world(100, len(rounds)), rounds)


def test_the_server_dies_at_each_of_some_boundaries(
    make_world: Callable[[int, int], World],
) -> None:
    play(
        make_world(100, 3),
        [
            ("after the statement", kill_a_backend),
            ("after the commit", kill_the_server),
            ("during the timer", kill_the_postmaster),
        ],
    )
