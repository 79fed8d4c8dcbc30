"""Runs in every kind of wait go on after an upgrade as if there had been none."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from perdure.engine.database import Database, connect
from perdure.engine.upgrade import upgrade
from tests.runtime.engine.db import Db, logged

NOON = "2030-01-01 12:00+00"

# What waits, and what it has logged when an hour has passed and signals have come.
GRAPHS = {
    "timer": (
        f"df.seq({logged('timer 1')}, df.seq(df.sleep(600), {logged('timer 2')}))"
    ),
    "computed timer": (
        "df.seq(df.as('select 7 as n', 'x'), df.seq("
        "df.sleep_until('select df.now() + interval ''10 minutes'''),"
        " 'insert into log (what) select ''computed '' || $x.n + $input.n'))"
    ),
    "signal": (
        "df.seq(df.as(df.wait_for_signal('go'), 's'),"
        " 'insert into log (what)"
        " select ''signal '' || (($s)::jsonb #>> ''{data,a}'')')"
    ),
    "signal in time": (
        f"df.seq(df.wait_for_signal('never', 600), {logged('timed out')})"
    ),
    "schedule": f"df.seq(df.wait_for_schedule('30 12 * * *'), {logged('scheduled')})",
    "retry": (
        "df.retry('insert into log (what) select ''retried '' || 1 / n from flag',"
        " 5, interval '10 minutes', retry_on => array['22'])"
    ),
    "join": (
        f"df.join(df.as({logged('join 1')}, 'a'),"
        f" df.seq(df.sleep(600), {logged('join 2')}))"
    ),
    "race": (
        f"df.seq(df.race(df.seq(df.sleep(600), {logged('won')}),"
        f" df.seq(df.sleep(1200), {logged('lost')})), {logged('after')})"
    ),
    "loop": (
        "df.seq(df.loop(df.seq('insert into log (what) values (''round'')',"
        " df.sleep(600)), 'select count(*) < 3 from log where what = ''round'''),"
        f" {logged('looped')})"
    ),
    "repeat": (
        f"df.repeat({logged('paced')}, until_condition =>"
        " 'select count(*) >= 2 from log where what = ''paced''',"
        " every => interval '10 minutes')"
    ),
    "http": (
        "df.seq(df.as(df.http('https://example.com/'), 'r'),"
        " 'insert into log (what) select ''http '' || $r.status')"
    ),
}
LOGGED = sorted(
    [
        *("timer 1", "timer 2", "computed 12", "signal 5", "timed out", "scheduled"),
        *("retried 1", "join 1", "join 2", "won", "after", "round", "round", "round"),
        *("looped", "paced", "paced", "http 200", "http 200", "ready", "noted"),
    ]
)


@pytest.fixture
def db(released: Database) -> Iterator[Db]:
    with connect(released.url, autocommit=True) as connection:
        yield Db(released.url, connection)


def answer(db: Db, requests: list[tuple[int, int]]) -> None:
    for number, attempt in requests:
        response = {"status": 200, "body": "", "ok": True, "duration_ms": 1}
        response |= {"encoding": "utf8", "headers": {}}
        db.run(
            "select df.finish_http(%s, %s, %s)", number, attempt, json.dumps(response)
        )


def test_runs_go_on(db: Db, released: Database) -> None:
    db.run("select df.set_time(%s::timestamptz)", NOON)
    db.run("create table flag (n integer)")
    db.run("insert into flag values (0)")
    runs = {name: db.start(graph, {"n": 5}) for name, graph in GRAPHS.items()}
    db.work()
    leased = db.run("select request_id, attempt from df.claim_http('w', 1)")
    runs["more http"] = db.start(GRAPHS["http"])
    db.work()
    noted = runs["noted"] = db.start(logged("noted"))
    db.run("call df.work_carefully(1, 1000)")
    assert db.value("select count(*) from df_engine.tasks where state = 'k'") == 1
    runs["ready"] = db.start(logged("ready"), key="once")
    db.run("select df.signal(%s, 'go', '{\"a\": 5}')", runs["signal"])
    assert {db.status(run) for run in runs.values()} <= {"running", "pending"}

    upgrade(released)

    assert db.start(logged("not again"), key="once") == runs["ready"]
    db.run("update flag set n = 1")
    answer(db, leased)
    db.work()
    answer(db, db.run("select request_id, attempt from df.claim_http('w', 10)"))
    for _ in range(6):
        db.work()
        db.run("select df.advance_time('10 minutes')")
    db.work()
    ended = {name: db.instance(run)["status"] for name, run in runs.items()}
    assert ended == dict.fromkeys(runs, "completed"), [
        (name, db.instance(run)["error"]) for name, run in runs.items()
    ]
    assert sorted(db.log()) == LOGGED
    assert db.nodes(noted)["1"]["status"] == "completed"
    assert db.value("select count(*) from df_engine.tasks") == 0


def test_graphs_are_prepared_again_and_stay_the_same_graph(
    db: Db, released: Database
) -> None:
    run = db.start(GRAPHS["join"])
    before = db.run("select id, digest, created_at from df_engine.graphs")
    upgrade(released)
    assert db.run("select id, digest, created_at from df_engine.graphs") == before
    again = db.start(GRAPHS["join"])
    assert db.run("select id, digest, created_at from df_engine.graphs") == before
    db.run("select df.set_time(now())")
    db.work()
    db.run("select df.advance_time('1 hour')")
    db.work()
    assert db.result(run) == db.result(again)
