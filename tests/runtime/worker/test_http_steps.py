"""HTTP steps of real runs, against a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.runtime.worker.processes import WorkerProcess, wait_until
from tests.runtime.worker.runs import Connection, await_end, node, start
from tests.unit.engine.http_server import Server, serving

Spawn = Callable[..., WorkerProcess]


def result(connection: Connection, run: str) -> dict[str, Any]:
    row = connection.execute("select df.result(%s)::jsonb", [run]).fetchone()
    assert row is not None
    found: dict[str, Any] = row[0]
    return found


def error(connection: Connection, run: str) -> tuple[str, str]:
    row = connection.execute(
        "select error, sqlstate from df.instances where id = %s", [run]
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_request_and_answer(connection: Connection, spawn: Spawn, http: Server) -> None:
    spawn()
    call = node(
        connection,
        "df.http(%s, 'POST', %s, %s::jsonb)",
        http.url("/echo"),
        '{"a": 1}',
        '{"Content-Type": "application/json"}',
    )
    run = start(connection, [call])
    assert await_end(connection, run) == {"completed"}
    answer = result(connection, run)
    assert (answer["status"], answer["ok"], answer["encoding"]) == (200, True, "text")
    seen = json.loads(answer["body"])
    assert (seen["method"], seen["body"]) == ("POST", '{"a": 1}')
    assert seen["headers"]["content-type"] == "application/json"
    assert seen["headers"]["idempotency-key"]


def test_a_binary_answer_is_uploaded(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    """What one step gets as base64, another one sends as a file."""
    spawn()
    fetch = node(
        connection,
        """df."as"(df.http(%s, 'GET'), 'image')""",
        http.url("/bytes?hex=00ff0d0a27&kind=image/png"),
    )
    send = node(
        connection,
        """df.http_multipart(%s, parts => '[{"name": "file", "filename": "i.png",
            "content_type": "image/png", "data_b64": "$image.body"},
            {"name": "kind", "data_b64": "aGk="}]')""",
        http.url("/echo"),
    )
    run = start(connection, [fetch, send])
    assert await_end(connection, run) == {"completed"}
    seen = json.loads(result(connection, run)["body"])
    assert seen["method"] == "POST"
    assert seen["headers"]["content-type"].startswith("multipart/form-data; boundary=")
    assert seen["headers"]["idempotency-key"]
    body = seen["body"].encode(errors="surrogateescape")
    assert b'name="file"; filename="i.png"\r\n' in body
    assert b"\r\n\r\n\x00\xff\r\n\x27\r\n--" in body


def test_content_that_is_not_base64_fails_the_node(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    spawn()
    bound = node(connection, """df."as"(df.sql(%s), 'x')""", "select 'a b$c' as v")
    send = node(
        connection,
        """df.http_multipart(%s, parts => '[{"name": "f", "data_b64": "$x"}]')""",
        http.url("/echo"),
    )
    run = start(connection, [bound, send])
    assert await_end(connection, run) == {"failed"}
    message, sqlstate = error(connection, run)
    assert (sqlstate, "base64" in message) == ("PD021", True)
    assert http.seen == []


def test_server_errors_are_retried_with_the_same_key(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    worker = spawn()
    call = node(
        connection,
        "df.retry(df.http(%s), 5, interval '50 milliseconds')",
        http.url("/flaky/a?fail=2"),
    )
    run = start(connection, [call])
    assert await_end(connection, run) == {"completed"}
    assert result(connection, run)["body"] == "ok"
    keys = {each["headers"]["idempotency-key"] for each in http.seen}
    assert (len(http.seen), len(keys)) == (3, 1)
    wait_until(lambda: worker.names().count("http.answered") == 3)


def test_two_requests_have_two_keys(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    spawn()
    call = node(connection, "df.http(%s)", http.url("/echo"))
    assert await_end(connection, start(connection, [call, call])) == {"completed"}
    assert len({each["headers"]["idempotency-key"] for each in http.seen}) == 2


def test_server_error_fails_the_run(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    spawn()
    call = node(connection, "df.http(%s)", http.url("/status?code=500"))
    run = start(connection, [call])
    assert await_end(connection, run) == {"failed"}
    assert "500" in error(connection, run)[0]


def test_client_error_is_a_result(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    spawn()
    call = node(connection, "df.http(%s)", http.url("/status?code=404"))
    run = start(connection, [call])
    assert await_end(connection, run) == {"completed"}
    assert result(connection, run)["ok"] is False


def test_redirect_to_an_address_that_is_not_allowed(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    spawn()
    with serving() as other:
        url = http.url(f"/redirect?to={other.url('/echo')}")
        run = start(connection, [node(connection, "df.http(%s)", url)])
        assert await_end(connection, run) == {"failed"}
    assert other.seen == []
    message, sqlstate = error(connection, run)
    assert "refused to connect" in message
    assert sqlstate == "PD022"


def test_body_that_is_too_large(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    spawn("--max-response", "1")
    url = http.url(f"/big?bytes={1024 * 1024 + 1}")
    run = start(connection, [node(connection, "df.http(%s)", url)])
    assert await_end(connection, run) == {"failed"}
    assert error(connection, run)[1] == "PD023"


def test_slow_body_ends_with_the_timeout(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    spawn()
    call = node(connection, "df.http(%s, timeout_seconds => 1)", http.url("/trickle"))
    run = start(connection, [call])
    assert await_end(connection, run) == {"failed"}
    message, sqlstate = error(connection, run)
    assert "no answer within 1 s" in message
    assert sqlstate == "PD021"


def test_requests_run_side_by_side_and_no_more_than_allowed(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    spawn("--http-requests", "4", "--connections", "2")
    calls = [
        node(connection, "df.http(%s)", http.url("/slow?seconds=0.2"))
        for _ in range(12)
    ]
    branches = node(connection, "df.join(variadic %s::text[])", calls)
    assert await_end(connection, start(connection, [branches])) == {"completed"}
    assert len(http.seen) == 12
    assert 2 < http.most_open <= 4


def test_steps_go_on_while_a_request_is_slow(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    spawn("--connections", "1")
    slow = node(connection, "df.http(%s)", http.url("/slow?seconds=2"))
    waiting = start(connection, [slow])
    wait_until(lambda: http.open == 1)
    quick = start(connection, ["select 1", "select 2"])
    assert await_end(connection, quick, seconds=1.5) == {"completed"}
    assert await_end(connection, waiting) == {"completed"}


def test_sigterm_waits_for_the_answer_and_records_it(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    worker = spawn()
    slow = node(connection, "df.http(%s)", http.url("/slow?seconds=1"))
    run = start(connection, [slow])
    wait_until(lambda: http.open == 1)
    worker.process.terminate()
    assert worker.end() == 0
    assert worker.names()[-2:] == ["http.answered", "worker.stopped"]
    assert len(http.seen) == 1
    spawn()
    assert await_end(connection, run) == {"completed"}
    assert len(http.seen) == 1


def test_request_of_a_killed_worker_is_sent_again_with_the_same_key(
    connection: Connection, spawn: Spawn, http: Server
) -> None:
    worker = spawn()
    call = node(connection, "df.http(%s)", http.url("/slow?seconds=1"))
    run = start(connection, [call])
    wait_until(lambda: http.open == 1)
    worker.kill()
    # What time would do: the lease is half a minute longer than the timeout.
    connection.execute("update df_engine.requests set leased_until = now()")
    spawn()
    assert await_end(connection, run) == {"completed"}
    assert len(http.seen) == 2
    assert len({each["headers"]["idempotency-key"] for each in http.seen}) == 1
