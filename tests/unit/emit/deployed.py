"""A database with the runtime and the golden schema, and runs of compiled versions."""

from __future__ import annotations

import time
from typing import Any

import psycopg

from perdure.assets import assets
from perdure.emit import VersionSql
from perdure.engine.install import shipped
from tests.unit.lower.workbench import SCHEMA

Connection = psycopg.Connection[Any]


def prepared(url: str, *, support: bool = False) -> Connection:
    """Return a connection to a database that compiled versions run in."""
    connection = psycopg.connect(url, autocommit=True)
    folder = assets("runtime_sql")
    files = [*sorted(folder.glob("[0-9][0-9]_*.sql")), SCHEMA]
    texts = [file.read_text() for file in files]
    if support:
        beside = shipped((0, 2, 5)).parts()
        texts += [text for name, text in beside if "_perdure_" not in name]
    with connection.transaction():
        for text in texts:
            connection.execute(text.encode())
    connection.execute("insert into shop.customers (name, email) values ('a', 'a@x')")
    connection.execute(
        "insert into shop.orders (customer_id, total, email, tags)"
        " select 1, n * 100.25, 'o' || n || '@x', array['x', 'y,\"z']"
        " from generate_series(1, 5) as n"
    )
    return connection


def deploy(connection: Connection, version: VersionSql) -> None:
    """Run the up part of a migration."""
    with connection.transaction():
        connection.execute(version.up.encode())


def run(
    connection: Connection,
    version: VersionSql,
    *arguments: object,
    signals: dict[str, str] | None = None,
    send: str = "df.signal",
) -> tuple[str, Any]:
    """Start a run, send it signals at once, and work until it ends."""
    places = ", ".join(["%s"] * len(arguments))
    call = f"select workflows.{version.name}({places})"
    row = connection.execute(call.encode(), arguments).fetchone()
    assert row is not None
    run_id = str(row[0])
    for name, data in (signals or {}).items():
        connection.execute(f"select {send}(%s, %s, %s)".encode(), (run_id, name, data))
    return run_id, finished(connection, run_id)


def finished(connection: Connection, run_id: str) -> Any:
    """Work until a run ends, and return the value that it returned."""
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        connection.execute("call df.work(1000, 1000)")
        status = connection.execute("select df.status(%s)", (run_id,)).fetchone()
        if status is not None and status[0] not in ("pending", "running"):
            break
        time.sleep(0.02)
    failed = connection.execute(
        "select id, error, rendered_sql from df.nodes"
        " where instance_id = %s and error is not null",
        (run_id,),
    ).fetchall()
    assert status is not None
    assert status[0] == "completed", failed
    shown = connection.execute(
        "select (df.result(%s))::jsonb -> 'rows' -> 0 -> 'result'", (run_id,)
    ).fetchone()
    return shown[0] if shown else None
