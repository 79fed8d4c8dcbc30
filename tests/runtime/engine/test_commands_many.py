"""Start of many runs at once."""

from __future__ import annotations

import psycopg
import pytest

from tests.runtime.engine.db import Db
from tests.runtime.engine.sessions import (
    as_role,
    meanwhile,
    session,
    wait_until,
    waits_for_lock,
)

GRAPH = "'insert into log (what) values ($input.n)'"


def start_many(db: Db, inputs: str, options: str = "", graph: str = GRAPH) -> list[str]:
    rows = db.run(f"select df.start_many({graph}, {inputs}{options})")
    return [row[0] for row in rows]


def numbered(count: int) -> str:
    return (
        "(select array_agg(jsonb_build_object('n', i) order by i)"
        f" from generate_series(1, {count}) i)"
    )


def test_the_ids_are_in_the_order_of_the_inputs(db: Db) -> None:
    runs = start_many(db, numbered(1000), ", label => 'many'")
    assert len(set(runs)) == 1000
    found = db.run("select id, (input ->> 'n')::int, label, status from df.instances")
    assert {run: n for run, n, _, _ in found} == {
        run: n for n, run in enumerate(runs, 1)
    }
    assert {row[2:] for row in found} == {("many", "pending")}
    db.work()
    assert sorted(map(int, db.log())) == list(range(1, 1001))
    assert db.run("select distinct status from df.instances") == [("completed",)]


def test_none_at_all(db: Db) -> None:
    assert start_many(db, "'{}'") == []


def test_one_notification(db: Db) -> None:
    with psycopg.connect(db.url, autocommit=True) as listener:
        listener.execute("listen df_work")
        start_many(db, numbered(100))
        assert len(list(listener.notifies(timeout=2, stop_after=2))) == 1


def test_keys(db: Db) -> None:
    old = db.start(GRAPH, {"n": 0}, key="b")
    runs = start_many(db, numbered(5), ", keys => array['a', 'b', 'a', null, null]")
    assert runs[1] == old
    assert runs[0] == runs[2]
    assert len(set(runs)) == 4
    assert start_many(db, numbered(2), ", keys => array['b', 'a']") == [old, runs[0]]
    db.work()
    assert sorted(db.log()) == ["0", "1", "4", "5"]


def test_a_key_that_another_session_takes(db: Db) -> None:
    found: list[str] = []
    with session(db) as first:
        row = first.execute(
            f"select df.start({GRAPH}, input => '{{\"n\": 1}}', key => 'b')"
        ).fetchone()
        assert row is not None
        with meanwhile(
            lambda: found.extend(
                start_many(db, numbered(3), ", keys => array['a', 'b', 'c']")
            )
        ):
            with session(db) as watcher:
                wait_until(lambda: waits_for_lock(Db(db.url, watcher)))
            first.commit()
    assert found[1] == row[0]
    assert len(set(found)) == 3


def test_ids_that_are_taken_are_drawn_again(db: Db) -> None:
    """The draw is made to give a few ids only, so that most are taken."""
    text = db.value("select pg_get_functiondef('df_engine.insert_runs'::regproc)")
    rigged = text.replace("(random() * 4294967295)::bigint", "(random() * 7)::bigint")
    assert rigged != text
    db.run(rigged)
    try:
        runs = start_many(db, numbered(6))
    finally:
        db.run(text)
    assert len(set(runs)) == 6
    assert db.value("select count(*) from df.instances") == 6
    assert db.run(
        "select (input ->> 'n')::int from df.instances i"
        " order by array_position(%s, i.id)",
        runs,
    ) == [(n,) for n in range(1, 7)]


def test_a_concurrency_limit(db: Db) -> None:
    runs = start_many(
        db,
        numbered(5),
        ", concurrency_key => 'k', concurrency_limit => 2",
        f"df.seq({GRAPH}, df.wait_for_signal('go'))",
    )
    db.work()
    assert sorted(db.log()) == ["1", "2"]
    for run in runs:
        db.run("select df.signal(%s, 'go')", run)
        db.work()
    assert sorted(db.log()) == ["1", "2", "3", "4", "5"]


def test_a_concurrency_limit_and_runs_that_were_there(db: Db) -> None:
    old = db.finish(GRAPH, {"n": 0}, key="old")
    runs = start_many(
        db, numbered(2), ", keys => array['new', 'old'], concurrency_key => 'k'"
    )
    assert runs[1] == old
    assert start_many(db, numbered(1), ", keys => array['old'], concurrency_key => 'k'")
    db.work()
    assert db.log() == ["0", "1"]
    assert db.value("select count(*) from df_engine.turns") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("array['{\"n\": 1}', '{}']::jsonb[]", "input number 2: the input lacks n"),
        ("array['{\"n\": 1}', '[]']::jsonb[]", "input number 2: .* JSON object"),
        ("array['{\"n\": 1}', null]::jsonb[]", "input number 2: .* JSON object"),
        ("null", "inputs is an array"),
        (
            "array['{\"n\": 1}']::jsonb[], keys => array['a', 'b']",
            "2 keys for 1 inputs",
        ),
        ("array['{\"n\": 1}']::jsonb[], concurrency_limit => 1", "concurrency_key"),
        (
            "array['{\"n\": 1}']::jsonb[], concurrency_key => 'k',"
            " concurrency_limit => 0",
            "1 or more",
        ),
    ],
)
def test_what_is_wrong_starts_nothing(db: Db, arguments: str, message: str) -> None:
    with pytest.raises(psycopg.Error, match=message) as error:
        db.run(f"select df.start_many({GRAPH}, {arguments})")
    assert error.value.sqlstate == "PD003"
    assert db.value("select count(*) from df.instances") == 0


def test_a_role_without_http(db: Db, roles: tuple[str, str]) -> None:
    with as_role(db, roles[0]) as other:
        with pytest.raises(psycopg.Error) as error:
            start_many(other, numbered(2), graph="df.http('http://x.test/')")
        assert error.value.sqlstate == "PD005"
        runs = start_many(other, numbered(2))
        assert [
            row[0] for row in other.run("select submitted_by::text from df.instances")
        ] == [roles[0]] * len(runs)


def test_the_runs_see_what_the_caller_sees(db: Db) -> None:
    db.run("set search_path = pg_catalog, public; set timezone = 'Asia/Tokyo'")
    db.run("select df.setvar('v', '7')")
    runs = start_many(
        db,
        numbered(1),
        graph="'select current_setting(''TimeZone'') as z, {v} as v, $input.n as n'",
    )
    db.run("reset all")
    db.work()
    assert db.rows(runs[0]) == [{"z": "Asia/Tokyo", "v": 7, "n": 1}]


def test_rolled_back(db: Db) -> None:
    with session(db) as other:
        other.execute(f"select df.start_many({GRAPH}, {numbered(3)})")
        other.rollback()
    db.work()
    assert db.log() == []
