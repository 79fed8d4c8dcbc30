"""Steps that do what no step should, among runs that want nothing but to end."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.runtime.faults.server import Connection, Crashable, value
from tests.runtime.worker.processes import WorkerProcess
from tests.runtime.worker.runs import await_end, start

Spawn = Callable[..., WorkerProcess]

DO = "do $x$ begin {} end $x$"

# A statement, and the SQLSTATE that it fails with; None where it does no harm.
HOSTILE: dict[str, tuple[str, str | None]] = {
    "syntax error": ("selct 1", "42601"),
    "nothing": ("", None),
    "division by zero": ("select 1/0", "22012"),
    "unknown table": ("select * from nowhere", "42P01"),
    "assertion": (DO.format("assert false;"), "P0004"),
    "endless recursion": ("select deep(1)", "54001"),
    "too long a text": ("select repeat('x', 1073741824)", "54000"),
    "much memory": ("select length(repeat('x', 200000000))", None),
    "reset role": ("reset role", "42501"),
    "set role": ("set role postgres", "42501"),
    "session authorization": ("set session authorization default", "42501"),
    "search_path": ("set search_path = nowhere", None),
    "search_path by set_config": (
        "select set_config('search_path', 'nowhere', false)",
        None,
    ),
    "statement_timeout": ("set statement_timeout = 1", None),
    "lock_timeout": ("set lock_timeout = 1", None),
    "exit_on_error": ("set exit_on_error = on", None),
    "read only": ("set transaction read only", None),
    "read only ever after": ("set default_transaction_read_only = on", None),
    "isolation": ("set default_transaction_isolation = serializable", None),
    "no row security": ("set row_security = off", None),
    "listen": ("listen df_work", None),
    "notify": ("notify df_work, 'http'", None),
    "unlisten": ("unlisten *", None),
    "temporary table": ("create temp table tasks (id int)", None),
    "temporary table like the effects": ("create temp table effects (x int)", None),
    "open cursor": ("declare c cursor for select 1", None),
    "held cursor": ("declare h cursor with hold for select 1", None),
    "advisory lock": ("select pg_advisory_lock(1)", None),
    "prepared statement": ("prepare p as select 1", None),
    "commit": ("commit", "0A000"),
    "rollback": ("rollback", "0A000"),
    # Handed over, see test_handed_over.py; there is nothing wrong with it.
    "commit in a block": (DO.format("commit;"), None),
    "savepoint": ("savepoint s", "0A000"),
    "discard all": ("discard all", "25001"),
    "vacuum": ("vacuum effects", None),
    "abort": ("abort", "0A000"),
    "release": ("release savepoint s", "0A000"),
    "prepare transaction": ("prepare transaction 'x'", "0A000"),
    "isolation too late": (
        "set transaction isolation level serializable",
        "25001",
    ),
    "local role": ("set local role postgres", "42501"),
    "role by set_config": ("select set_config('role', 'postgres', true)", "42501"),
    "local search_path": ("set local search_path = nowhere", None),
    "reset all": ("reset all", None),
    "replica": ("set session_replication_role = replica", None),
    "time zone": ("set time zone 'Asia/Kolkata'", None),
    "local timeout": (
        DO.format("set local statement_timeout = 1; perform pg_sleep(0.02);"),
        None,
    ),
    "text of 2 GB": (
        "select string_agg(repeat('x', 100000000), '') from generate_series(1, 20)",
        "54000",
    ),
    "array of 2 GB": ("select array_fill(1, array[500000000])", "54000"),
    "temporary files": (
        DO.format(
            "set local work_mem = '64kB'; set local temp_file_limit = '64kB';"
            " perform g from generate_series(1, 100000) g order by -g;"
        ),
        "53400",
    ),
    "character 0": ("select chr(0)", "54000"),
    "bytes that are no text": (r"select E'\xff'", "22021"),
    "long message": (
        DO.format("raise exception '%', repeat('x', 5000000);"),
        "P0001",
    ),
    "long notice": (DO.format("raise notice '%', repeat('x', 1000000);"), None),
    "message with everything": (
        DO.format(
            "raise exception E'a\n''\"$1 {b} %% \u00e4' using detail = 'd',"
            " hint = 'h', errcode = '22023', column = 'c', schema = 's';"
        ),
        "22023",
    ),
    "condition without error": (DO.format("raise sqlstate '00000';"), "P0001"),
    "suspect": (DO.format("raise sqlstate 'PD030';"), "PD030"),
    "timed out": (DO.format("raise sqlstate 'PD031';"), "PD031"),
    "conflict of the engine": (
        DO.format("raise exception 'x' using errcode = '40002';"),
        "40002",
    ),
    "too long a notification": (
        "select pg_notify('df_work', repeat('x', 8000))",
        "22023",
    ),
    "many locks": (
        "select pg_advisory_lock_shared(g) from generate_series(1, 500) g",
        None,
    ),
    "temporary function": (
        "create function pg_temp.now() returns int language sql as 'select 1'",
        None,
    ),
    "temporary table for a transaction": (
        "create temp table t on commit drop as select 1",
        None,
    ),
    "lock of a table": ("lock table effects in share row exclusive mode", None),
    "no such library": ("load 'nowhere'", "58P01"),
    "another run": ("select df.start('select 1')", None),
    "a failing run": ("select df.start('select 1/0')", None),
    "copy to stdout": ("copy effects to stdout", "0A000"),
    "many rows": ("select g, md5(g::text) from generate_series(1, 200000) g", None),
    "its own conflict": (DO.format("raise sqlstate '40001';"), "40001"),
    "deadlock": (DO.format("raise sqlstate '40P01';"), "40P01"),
    "timeout": (
        DO.format("raise exception 'a timeout' using errcode = '57014';"),
        "57014",
    ),
    "error of the engine": (DO.format("raise sqlstate 'PD099';"), "PD099"),
    "null error": (DO.format("raise exception using message = '';"), "P0001"),
    "cancels itself": ("select df.cancel('{sys_instance_id}')", "cancelled"),
    "signals itself": ("select df.signal('{sys_instance_id}', 'x')", None),
}
# What PostgreSQL 14 says otherwise.
ON_14 = {"too long a text": "XX000"}
COPIES = 4


@pytest.fixture
def connection(server: Crashable) -> Iterator[Connection]:
    with server.connect() as connection:
        connection.execute(
            "create or replace function deep(n int) returns int language plpgsql as"
            " $$ begin return deep(n + 1); end $$"
        )
        yield connection


def harmless(connection: Connection, name: str) -> str:
    steps = [f"insert into effects values ('{name}', '{step}')" for step in range(5)]
    return start(connection, steps)


def test_hostile_steps_hurt_themselves_alone(
    connection: Connection, spawn: Spawn
) -> None:
    worker = spawn("--connections", "2")
    hostile: dict[str, list[str]] = {name: [] for name in HOSTILE}
    good = []
    for copy in range(COPIES):
        for name, (statement, _) in HOSTILE.items():
            after = f"insert into effects values ('{name}', '{copy}')"
            hostile[name].append(start(connection, [statement, after]))
            good.append(harmless(connection, f"good {name} {copy}"))
    assert await_end(connection, *good, seconds=120) == {"completed"}
    assert value(connection, "select count(*) from effects where run ~ '^good'") == (
        5 * len(good)
    )
    await_end(connection, *itertools.chain(*hostile.values()), seconds=60)
    seen = {name: outcome(connection, name, runs) for name, runs in hostile.items()}
    states = {name: sqlstate for name, (_, sqlstate) in HOSTILE.items()}
    if connection.info.server_version < 150000:
        states |= ON_14
    assert seen == {name: expected(sqlstate) for name, sqlstate in states.items()}
    assert value(connection, "select count(*) from df_engine.tasks") == 0
    assert "worker.stopped" not in worker.names()
    # Nothing above ended a session: what a step can do to one is undone or refused.
    assert "connection.lost" not in worker.names()


def expected(sqlstate: str | None) -> tuple[set[tuple[str, str | None]], bool, int]:
    if sqlstate is None:
        return {("completed", None)}, True, COPIES
    if sqlstate == "cancelled":
        return {("cancelled", None)}, True, 0
    return {("failed", sqlstate)}, True, 0


def outcome(
    connection: Connection, name: str, runs: list[str]
) -> tuple[set[tuple[str, str | None]], bool, int]:
    """Return how all copies ended, whether errors are recorded, and what came after."""
    rows = connection.execute(
        "select i.status, i.sqlstate, i.status <> 'failed' or n.error is not null"
        " from df.instances i left join df.nodes n on n.instance_id = i.id"
        " and n.status = 'failed' and n.node_type = 'SQL' where i.id = any(%s)",
        [runs],
    ).fetchall()
    after = value(connection, "select count(*) from effects where run = %s", name)
    return {row[:2] for row in rows}, all(row[2] for row in rows), after


def test_real_deadlocks_and_conflicts_pass_with_a_retry(
    connection: Connection, spawn: Spawn
) -> None:
    """Pairs of steps that lock two rows in opposite order, again and again."""
    connection.execute("drop table if exists rivals")
    connection.execute(
        "create table rivals as select i, 0 as n from generate_series(1, 2) i"
    )
    connection.execute("set deadlock_timeout = '20ms'")
    connection.execute("alter database postgres set deadlock_timeout = '20ms'")
    spawn("--connections", "4")
    update = "update rivals set n = n + 1 where i = {}; perform pg_sleep(0.01);"
    runs = []
    for n in range(20):
        order = (1, 2) if n % 2 else (2, 1)
        step = DO.format("".join(update.format(i) for i in order)).replace("'", "''")
        query = f"select df.start(df.retry('{step}', 50, '10 ms'))"
        runs.append(value(connection, query))
    assert await_end(connection, *runs, seconds=60) == {"completed"}
    assert connection.execute("select n from rivals").fetchall() == [(20,), (20,)]
    assert value(connection, "select max(attempts) from df.nodes") > 1


def test_statement_timeout_of_the_workers_role(
    server: Crashable, connection: Connection, spawn: Spawn
) -> None:
    """It ends the statement that is too slow; the quick ones after it are done."""
    connection.execute("alter role postgres set statement_timeout = '1s'")
    try:
        spawn("--connections", "1")
        slow = start(connection, ["select pg_sleep(20)"])
        good = [harmless(connection, str(n)) for n in range(50)]
        assert await_end(connection, *good, seconds=60) == {"completed"}
        assert await_end(connection, slow, seconds=30) == {"failed"}
        error = value(connection, "select error from df.instances where id = %s", slow)
        assert "statement timeout" in error
    finally:
        connection.execute("alter role postgres reset statement_timeout")
