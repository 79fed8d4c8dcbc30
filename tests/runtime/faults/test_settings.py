"""Settings of roles and databases, under which the engine stays sound."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.runtime.faults.server import Connection, Crashable, value
from tests.runtime.worker.processes import WorkerProcess
from tests.runtime.worker.runs import await_end, start

Spawn = Callable[..., WorkerProcess]

SETTINGS = {
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "statement_timeout": "700ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1s",
    "idle_session_timeout": "1s",
    "exit_on_error": "on",
    "search_path": "nowhere",
    "DateStyle": "German",
    "session_replication_role": "origin",
    "row_security": "off",
    "standard_conforming_strings": "on",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "client_min_messages": "error",
    "enable_indexscan": "off",
    "plan_cache_mode": "force_custom_plan",
}


@pytest.fixture
def connection(server: Crashable) -> Iterator[Connection]:
    with server.connect() as connection:
        yield connection


@pytest.fixture
def configure(
    server: Crashable, connection: Connection
) -> Iterator[Callable[[str, str, str], None]]:
    """Alter a role or a database, and undo that at the end."""
    objects = set()

    def alter(what: str, name: str, setting: str) -> None:
        objects.add(what)
        connection.execute(f"alter {what} set {name} = {setting!r}".encode())

    yield alter
    # The session of the test may have begun under what it is to undo.
    connection.execute("set default_transaction_read_only = off")
    for what in objects:
        connection.execute(f"alter {what} reset all".encode())


def harmless(connection: Connection, name: str) -> str:
    steps = [f"insert into effects values ('{name}', '{step}')" for step in range(5)]
    return start(connection, steps)


@pytest.mark.parametrize("what", ["role postgres", "database postgres"])
def test_the_engine_has_its_own_settings(
    connection: Connection,
    spawn: Spawn,
    configure: Callable[[str, str, str], None],
    what: str,
) -> None:
    names = [row[0] for row in connection.execute("select name from pg_settings")]
    for name, setting in SETTINGS.items():
        configure(what, name, setting)
    if "transaction_timeout" in names:
        configure(what, "transaction_timeout", "1s")
    worker = spawn("--connections", "2")
    runs = [harmless(connection, str(n)) for n in range(20)]
    graph = (
        "df.join(df.race(df.sleep(1), df.sleep(100)), df.wait_for_signal('x', 1),"
        " df.retry('select 1/0', 3, '10 ms', retry_on => array['22012']))"
    )
    failing = value(connection, f"select df.start({graph})")
    slow = start(connection, ["select pg_sleep(30)"])
    assert await_end(connection, *runs) == {"completed"}
    assert value(connection, "select count(*) from effects") == 100
    assert await_end(connection, failing, slow) == {"failed"}
    assert error(connection, failing) == ("22012", "division by zero")
    assert error(connection, slow)[0] == "57014"
    exact = start(connection, [r"select 0.1::float8 + 0.2 as f, '\x00ff'::bytea as b"])
    assert await_end(connection, exact) == {"completed"}
    row = json.loads(value(connection, "select df.result(%s)", exact))["rows"][0]
    assert row == {"f": 0.1 + 0.2, "b": r"\x00ff"}
    assert "connection.lost" not in worker.names()


def error(connection: Connection, run: str) -> tuple[str, str]:
    row = connection.execute(
        "select sqlstate, error from df.instances where id = %s", [run]
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_statement_timeout_bounds_the_step(
    connection: Connection, spawn: Spawn, configure: Callable[[str, str, str], None]
) -> None:
    """Each step has the whole time, and what is too slow fails alone."""
    configure("database postgres", "statement_timeout", "1h")
    configure("role postgres", "statement_timeout", "1s")
    worker = spawn("--connections", "1")
    # Longer than the timeout all together, in one call of df.work and in several.
    run = start(connection, ["select pg_sleep(0.4)"] * 5)
    assert await_end(connection, run) == {"completed"}
    slow = start(connection, ["select pg_sleep(60)", "select 1"])
    good = [harmless(connection, str(n)) for n in range(50)]
    assert await_end(connection, slow) == {"failed"}
    assert await_end(connection, *good) == {"completed"}
    row = connection.execute(
        "select error, sqlstate, detail from df.nodes"
        " where instance_id = %s and id = '2'",
        [slow],
    ).fetchone()
    assert row == (
        "canceling statement due to statement timeout",
        "57014",
        "The statement_timeout of role postgres is 1000 ms.",
    )
    assert "connection.lost" not in worker.names()
    assert value(connection, "select count(*) from df_engine.interrupts") == 0


def test_statement_timeout_and_retry(
    connection: Connection, spawn: Spawn, configure: Callable[[str, str, str], None]
) -> None:
    configure("role postgres", "statement_timeout", "500ms")
    spawn("--connections", "1")
    query = "df.retry('select pg_sleep(60)', 2, '0', retry_on => array['57014'])"
    run = value(connection, f"select df.start({query})")
    assert await_end(connection, run) == {"failed"}
    seen = "select attempts from df.nodes where instance_id = %s and id = '2'"
    assert value(connection, seen, run) == 2


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0", 0),
        ("1500", 1500),
        ("10s", 10_000),
        ("2min", 120_000),
        ("1.5h", 5_400_000),
        ("1 d", 86_400_000),
        ("500us", 1),
    ],
)
def test_times_of_settings(connection: Connection, text: str, ms: int) -> None:
    assert value(connection, "select df_engine.setting_ms(%s)", text) == ms


def test_a_timeout_ends_the_only_connection_s_statement(
    connection: Connection, spawn: Spawn
) -> None:
    """df.timeout needs a watcher: the worker's one session is in the statement."""
    spawn("--connections", "1")
    node = "df.timeout('insert into effects select ''x'', ''late'' from pg_sleep(60)'"
    run = value(connection, f"select df.start({node}, '700 ms'))")
    assert await_end(connection, run) == {"failed"}
    assert error(connection, run)[0] == "PD031"
    assert value(connection, "select count(*) from effects") == 0
