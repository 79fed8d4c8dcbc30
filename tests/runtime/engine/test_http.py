"""HTTP requests as the worker process sees them."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.runtime.engine.db import Db

OK = {"status": 200, "body": "hi", "encoding": "text", "headers": {}, "ok": True}


def claim(db: Db, worker: str = "w") -> list[dict[str, Any]]:
    names = "request_id, run_id, node_id, attempt, idempotency_key, timeout_seconds"
    rows = db.run(f"select {names} from df.claim_http(%s, 10)", worker)
    return [dict(zip(names.split(", "), row, strict=True)) for row in rows]


def answer(db: Db, request: dict[str, Any], status: int = 200) -> bool:
    response = Jsonb({**OK, "status": status, "ok": status < 400})
    done = db.value(
        "select df.finish_http(%s, %s, %s)",
        request["request_id"],
        request["attempt"],
        response,
    )
    db.work()
    return bool(done)


def test_a_response_is_the_result(db: Db) -> None:
    run = db.finish(
        """df.seq(df."as"(df.http('http://x', timeout_seconds => 7), 'r'),
                  'select $r.status as s, ($r)::jsonb ->> ''body'' as b')"""
    )
    (request,) = claim(db)
    assert (request["run_id"], request["node_id"]) == (run, "2")
    assert request["timeout_seconds"] == 7
    assert db.nodes(run)["2"]["status"] == "running"
    assert answer(db, request)
    assert db.rows(run) == [{"s": 200, "b": "hi"}]


def test_a_request_is_leased_once(db: Db) -> None:
    db.finish("df.http('http://x')")
    assert len(claim(db)) == 1
    assert claim(db) == []


def test_an_answer_after_the_lease_went_elsewhere_is_not_wanted(db: Db) -> None:
    run = db.finish("df.http('http://x')")
    (first,) = claim(db)
    db.run("update df_engine.requests set leased_until = now() - interval '1 s'")
    (second,) = claim(db)
    assert second["attempt"] == first["attempt"] + 1
    assert second["idempotency_key"] == first["idempotency_key"]
    assert not answer(db, first, 201)
    assert answer(db, second)
    assert not answer(db, second)
    assert db.result(run)["status"] == 200


def test_5xx_fails_and_4xx_does_not(db: Db) -> None:
    run = db.finish("df.http('http://x')")
    answer(db, claim(db)[0], 500)
    row = db.instance(run)
    assert (row["status"], row["sqlstate"], row["error"]) == (
        "failed",
        "PD020",
        "HTTP status 500",
    )
    run = db.finish("df.http('http://x')")
    answer(db, claim(db)[0], 404)
    assert db.result(run)["ok"] is False


@pytest.mark.parametrize("status", [503, 429])
def test_retry_keeps_the_key(db: Db, status: int) -> None:
    run = db.finish("df.retry(df.http('http://x'), 3, '0')")
    keys = []
    for code in (status, status, 200):
        (request,) = claim(db)
        keys.append(request["idempotency_key"])
        answer(db, request, code)
    assert db.result(run)["status"] == 200
    assert len(set(keys)) == 1
    assert db.nodes(run)["2"]["attempts"] == 3


def test_the_last_429_is_the_result_and_the_last_503_a_failure(db: Db) -> None:
    for status, outcome in ((429, "completed"), (503, "failed")):
        run = db.finish("df.retry(df.http('http://x'), 2, '0')")
        answer(db, claim(db)[0], status)
        answer(db, claim(db)[0], status)
        assert db.status(run) == outcome


@pytest.mark.parametrize(
    ("kind", "sqlstate", "again"),
    [
        ("transport", "PD021", True),
        ("refused", "PD022", False),
        ("too_large", "PD023", False),
    ],
)
def test_requests_without_a_response(
    db: Db, kind: str, sqlstate: str, again: bool
) -> None:
    run = db.finish("df.retry(df.http('http://x'), 2, '0')")
    (request,) = claim(db)
    assert db.value(
        "select df.fail_http(%s, %s, 'no way', %s)",
        request["request_id"],
        request["attempt"],
        kind,
    )
    db.work()
    node = db.nodes(run)["2"]
    assert (node["error"], node["sqlstate"]) == ("no way", sqlstate)
    assert len(claim(db)) == (1 if again else 0)


def test_each_round_of_a_loop_has_its_own_key(db: Db) -> None:
    run = db.finish(
        """df.seq(df."as"('select 0 as n', 'n'), df.repeat(df.seq(df.http('http://x'),
             df."as"('select $n + 1 as n', 'n')), until_condition => 'select $n >=
               2'))"""
    )
    keys = []
    for _ in range(2):
        (request,) = claim(db)
        keys.append(request["idempotency_key"])
        answer(db, request)
    assert db.status(run) == "completed"
    assert len(set(keys)) == 2


def test_a_race_and_a_cancel_take_requests_back(db: Db) -> None:
    raced = db.finish("df.race(df.http('http://x'), df.wait_for_signal('stop'))")
    cancelled = db.finish("df.http('http://x')")
    requests = claim(db)
    db.run("select df.signal(%s, 'stop')", raced)
    db.run("select df.cancel(%s)", cancelled)
    db.work()
    assert db.status(raced) == "completed"
    assert [answer(db, request) for request in requests] == [False, False]
    assert db.value("select count(*) from df_engine.requests") == 0
    assert db.nodes(raced)["2"]["status"] == "cancelled"


def test_a_request_that_cannot_be_written_fails_its_node_only(db: Db) -> None:
    run = db.finish(
        """df.seq(df."as"('select null::text as u', 'r'),
                  'insert into log (what) values (1)',
                  df.http('http://x/$r.u'))"""
    )
    assert db.log() == ["1"]
    assert db.nodes(run)["4"]["error"] == "$r.u is NULL"
    assert db.nodes(run)["3"]["status"] == "completed"


def test_the_worker_is_told_about_requests(db: Db) -> None:
    import psycopg

    with psycopg.connect(db.url, autocommit=True) as listener:
        listener.execute("listen df_work")
        db.finish("df.http('http://x')")
        payloads = {note.payload for note in listener.notifies(timeout=1, stop_after=2)}
    assert "http" in payloads
