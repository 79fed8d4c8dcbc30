"""Secrets: where their values go, and that they stay nowhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from perdure.engine.http_client import Failure
from perdure.engine.secrets import hidden
from tests.runtime.worker.processes import WorkerProcess, wait_until
from tests.runtime.worker.runs import Connection, await_end, node, start
from tests.runtime.worker.test_http_steps import error, result
from tests.unit.engine.http_server import Server

Spawn = Callable[..., WorkerProcess]

TOKEN = 'tok"en+/ü&=7c1d9f'
"""A value that every place would spell otherwise."""


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_SECRET_TOKEN", TOKEN)
    monkeypatch.setenv("PERDURE_SECRET_PLAIN", "plain-5e0c2b")


def places_of(connection: Connection, value: str) -> list[tuple[str, str]]:
    """Return the columns, of all tables of all schemas, whose text has a value."""
    columns = connection.execute(
        """
        select n.nspname, c.relname, a.attname
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid
        where a.attnum > 0 and not a.attisdropped
          and (c.relkind in ('r', 'm') and n.nspname <> 'pg_toast'
            or c.relkind = 'v' and n.nspname in ('df', 'perdure'))
        """
    ).fetchall()
    found = []
    for schema, table, column in columns:
        query = psycopg.sql.SQL(
            "select 1 from {}.{} where strpos({}::text, %s) > 0 limit 1"
        ).format(*map(psycopg.sql.Identifier, (schema, table, column)))
        if connection.execute(query, [value]).fetchone():
            found.append((table, column))
    return found


def shapes(value: str) -> list[str]:
    return [
        value,
        json.dumps(value)[1:-1],
        base64.b64encode(value.encode()).decode(),
    ]


def test_the_search_finds_a_value_that_is_stored(connection: Connection) -> None:
    connection.execute("create table kept (note text)")
    connection.execute("insert into kept values ('a ' || %s)", [TOKEN])
    assert ("kept", "note") in places_of(connection, TOKEN)


def test_values_reach_the_server_and_nothing_else(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    worker = spawn()
    call = node(
        connection,
        """df."as"(df.http(%s, 'POST', %s, %s::jsonb), 'answer')""",
        http.url("/echo/$secrets.token?k=$secrets.plain"),
        '{"a": "$secrets.token", "b": "$secrets.plain"}',
        '{"Content-Type": "application/json", "X-Key": "Bearer $secrets.plain"}',
    )
    reader = "insert into effects select '$answer.body', 1"
    connection.execute("create table effects (run text, step integer)")
    run = start(connection, [call, reader])
    assert await_end(connection, run, seconds=60) == {"completed"}
    (seen,) = http.seen
    assert "tok%22en%2B%2F%C3%BC%26%3D7c1d9f" in seen["path"]
    assert seen["path"].endswith("k=plain-5e0c2b")
    assert json.loads(seen["body"]) == {"a": TOKEN, "b": "plain-5e0c2b"}
    assert seen["headers"]["x-key"] == "Bearer plain-5e0c2b"
    (body,) = connection.execute("select run from effects").fetchone() or ("",)
    assert "***" in body
    for value in (TOKEN, "plain-5e0c2b"):
        for shape in shapes(value):
            assert places_of(connection, shape) == []
            assert shape not in json.dumps(worker.events, ensure_ascii=False)


def test_a_value_of_a_result_is_not_taken_for_a_secret(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    spawn()
    text = """df."as"(df.sql('select ''$'' || ''secrets.plain'' as text'), 'given')"""
    run = start(
        connection,
        [
            node(connection, text),
            node(
                connection,
                "df.http(%s, 'POST', %s)",
                http.url("/echo"),
                "$given.text $secrets.plain",
            ),
        ],
    )
    assert await_end(connection, run, seconds=60) == {"completed"}
    assert http.seen[0]["body"] == "$secrets.plain plain-5e0c2b"


def test_a_missing_secret_fails_the_step_and_is_named(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    spawn()
    call = node(connection, "df.http(%s, 'GET')", http.url("/echo?k=$secrets.other"))
    run = start(connection, [call])
    assert await_end(connection, run, seconds=60) == {"failed"}
    message, sqlstate = error(connection, run)
    assert sqlstate == "PD026"
    assert message == (
        'secret "other" has no value: PERDURE_SECRET_OTHER is not set for the worker, '
        "and no function"
    )
    assert http.seen == []


def test_a_function_of_the_database_knows_values(
    connection: Connection,
    spawn: Spawn,
    http: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PERDURE_SECRETS_FUNCTION", "vault.secret")
    connection.execute("create schema vault")
    connection.execute(
        "create function vault.secret(name text) returns text language sql"
        " as $$ select 'from ' || name where name = 'known' $$"
    )
    spawn()
    calls = [
        node(connection, "df.http(%s, 'POST', %s)", http.url("/echo"), f"$secrets.{n}")
        for n in ("known", "unknown")
    ]
    runs = [start(connection, [call]) for call in calls]
    await_end(connection, *runs, seconds=60)
    assert result(connection, runs[0])["status"] == 200
    assert [each["body"] for each in http.seen] == ["from known"]
    assert "vault.secret('unknown') gave none" in error(connection, runs[1])[0]


def test_a_header_with_a_secret_does_not_follow_to_another_host(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    spawn()
    other = http.url("/echo").replace("127.0.0.1", "localhost")
    call = node(
        connection,
        "df.http(%s, 'GET', null, %s::jsonb)",
        http.url(f"/redirect?to={other}"),
        '{"X-Key": "$secrets.plain", "X-Other": "kept"}',
    )
    run = start(connection, [call])
    wait_until(lambda: await_end(connection, run, seconds=60))
    first: dict[str, Any] = http.seen[0]["headers"]
    assert first["x-key"] == "plain-5e0c2b"
    later = [each["headers"] for each in http.seen[1:]]
    assert all("x-key" not in headers for headers in later)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("slash", ["/", "\\/"])
def test_a_value_is_found_however_json_spells_it(
    times: int, ascii_only: bool, slash: str
) -> None:
    value = TOKEN + "\\n"
    spelled = value
    for _ in range(times):
        spelled = json.dumps(spelled, ensure_ascii=ascii_only)[1:-1]
        spelled = spelled.replace("/", slash)
    outcome = hidden(Failure("transport", f"<{spelled}>"), {"t": value})
    assert isinstance(outcome, Failure)
    assert outcome.message == "<***>"
