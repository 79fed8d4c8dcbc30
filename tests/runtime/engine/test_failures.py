"""Errors, retries, and what is recorded of them."""

from __future__ import annotations

import pytest

from tests.runtime.engine.db import Db, logged


def flaky(db: Db, failures: int, sqlstate: str = "40001") -> str:
    """Return a statement that fails the first times; its count survives rollback."""
    db.run("drop sequence if exists tries")
    db.run("create sequence tries")
    db.run(
        f"""create or replace function flaky() returns bigint language plpgsql as $$
        begin
          if nextval('public.tries') <= {failures} then
            raise exception 'not yet' using errcode = '{sqlstate}',
              detail = 'some detail';
          end if;
          return currval('public.tries');
        end $$"""
    )
    return "'select public.flaky() as tries'"


def test_an_error_is_recorded(db: Db) -> None:
    flaky(db, 1, "P0001")
    run = db.finish("'select public.flaky(), $input.n as n'", {"n": 5})
    node = db.nodes(run)["1"]
    assert node["status"] == "failed"
    assert (node["error"], node["sqlstate"]) == ("not yet", "P0001")
    assert node["detail"] == "some detail"
    assert "flaky" in node["context"]
    assert node["rendered_sql"] == "select public.flaky(), 5 as n"
    assert node["attempts"] == 1
    assert node["started_at"] <= node["finished_at"]
    assert db.instance(run)["error"] == "not yet"


def test_a_failed_step_leaves_nothing(db: Db) -> None:
    flaky(db, 9, "P0001")
    db.finish(
        "$$with x as (insert into log (what) values ('x')) select public.flaky()$$"
    )
    assert db.log() == []


def test_retry_until_it_works(db: Db) -> None:
    run = db.finish(f"df.retry({flaky(db, 2)}, 5, '0')")
    assert db.rows(run) == [{"tries": 3}]
    node = db.nodes(run)["2"]
    assert (node["attempts"], node["executions"]) == (3, 1)
    assert node["error"] == "not yet"


def test_retry_gives_up(db: Db) -> None:
    run = db.finish(f"df.retry({flaky(db, 9)}, 3, '0')")
    assert db.instance(run)["sqlstate"] == "40001"
    assert db.nodes(run)["2"]["attempts"] == 3


def test_backoff(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.finish(
        f"""df.retry({flaky(db, 9)}, 5, '10 s', factor => 3, max_backoff => '80 s',
                     jitter => false)"""
    )
    waits = []
    for _ in range(4):
        node = db.nodes(run)["2"]
        assert (node["status"], node["error"]) == ("running", "not yet")
        now = db.value("select df.now()")
        waits.append((node["wake_at"] - now).total_seconds())
        db.run("select df.set_time(%s)", node["wake_at"])
        db.work()
    assert waits == [10, 30, 80, 80]
    assert db.status(run) == "failed"


def test_jitter_is_between_a_half_and_the_whole(db: Db) -> None:
    values = db.run(
        "select extract(epoch from df_engine.backoff("
        ' \'{"backoff": 10, "factor": 2, "jitter": true}\', 2))'
        " from generate_series(1, 100)"
    )
    assert all(10 <= value <= 20 for (value,) in values)
    assert len(set(values)) > 1


@pytest.mark.parametrize(
    ("sqlstate", "retry_on", "again"),
    [
        ("40001", "null", True),
        ("40P01", "null", True),
        ("55P03", "null", True),
        ("08006", "null", True),
        ("53300", "null", True),
        ("57P01", "null", True),
        ("22012", "null", False),
        ("23505", "null", False),
        ("23505", "array['23505']", True),
        ("23505", "array['23']", True),
        ("40001", "array['23']", False),
    ],
)
def test_what_is_retried(db: Db, sqlstate: str, retry_on: str, again: bool) -> None:
    run = db.finish(
        f"df.retry({flaky(db, 1, sqlstate)}, 2, '0', retry_on => {retry_on})"
    )
    assert db.status(run) == ("completed" if again else "failed")


def test_retry_around_a_sequence_begins_it_again(db: Db) -> None:
    run = db.finish(
        f"df.retry(df.seq({logged('a')}, {flaky(db, 1)}, {logged('b')}), 3, '0')"
    )
    assert db.status(run) == "completed"
    assert db.log() == ["a", "a", "b"]


def test_retry_around_a_join(db: Db) -> None:
    run = db.finish(f"""df.retry(df."join"({flaky(db, 2)}, {logged("x")}), 3, '0')""")
    assert db.status(run) == "completed"
    assert db.log() == ["x"] * 3


def test_retry_counts_anew_in_each_round(db: Db) -> None:
    db.run("create sequence if not exists odd")
    db.run(
        """create or replace function every_other() returns void language plpgsql as $$
        begin
          if nextval('public.odd') % 2 = 1 then
            raise exception 'odd' using errcode = '40001';
          end if;
        end $$"""
    )
    run = db.finish(
        f"""df.repeat(df.seq(df.retry('select public.every_other()', 2, '0'),
                               {logged("x")}),
                      until_condition => 'select count(*) >= 4 from log')"""
    )
    assert db.status(run) == "completed"
    assert db.nodes(run)["4"]["executions"] == 4


def test_nested_retries(db: Db) -> None:
    run = db.finish(f"df.retry(df.retry({flaky(db, 5)}, 2, '0'), 3, '0')")
    assert db.rows(run) == [{"tries": 6}]


def test_references_fail_at_the_node_that_reads_them(db: Db) -> None:
    run = db.finish("""df.seq(df."as"('select 1 where false', 'e'), 'select $e')""")
    node = db.nodes(run)["3"]
    assert (node["status"], node["sqlstate"]) == ("failed", "PD004")
    assert node["error"] == "$e has no rows"


def test_transaction_commands_are_refused(db: Db) -> None:
    assert db.instance(db.finish("'commit'"))["sqlstate"] == "0A000"


def test_statements_outside_of_a_transaction_wait_for_a_worker(db: Db) -> None:
    run = db.finish("'vacuum log'")
    assert db.status(run) == "running"
    assert "waits for a worker process" in db.nodes(run)["1"]["detail"]


def test_a_deferred_constraint_fails_the_step(db: Db) -> None:
    db.run("drop table if exists child, parent")
    db.run("create table parent (id int primary key)")
    db.run(
        "create table child (id int references parent deferrable initially deferred)"
    )
    run = db.finish(
        f"df.seq({logged('a')}, 'insert into child values (1)', {logged('b')})"
    )
    assert db.instance(run)["sqlstate"] == "23503"
    assert db.log() == ["a"]
