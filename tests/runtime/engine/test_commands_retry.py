"""A failed run goes on from where it failed."""

from __future__ import annotations

import psycopg
import pytest

from tests.runtime.engine.db import Db, logged
from tests.runtime.engine.sessions import as_role, sleeps, wait_until, working

FAILING = "'select broken()'"


@pytest.fixture(autouse=True)
def broken(db: Db) -> None:
    """Make a function that fails until it is repaired."""
    db.run(
        "create or replace function public.broken() returns text language plpgsql"
        " as $$ begin raise exception 'broken' using errcode = 'P0001'; end $$"
    )


def repair(db: Db) -> None:
    """Mend what the failing step calls; it logs `mended` from now on."""
    db.run(
        "create or replace function public.broken() returns text language sql"
        " as $$ insert into public.log (what) values ('mended') returning what $$"
    )


def retry(db: Db, run: str) -> None:
    assert db.value("select df.retry_failed(%s)", run) == run
    db.work()


def retried(db: Db, graph: str) -> str:
    """Fail, repair, retry and complete a run of a graph; return its id."""
    run = db.finish(graph)
    assert db.instance(run)["error"] == "broken"
    repair(db)
    retry(db, run)
    row = db.instance(run)
    assert (row["status"], row["error"], row["sqlstate"]) == ("completed", None, None)
    for table in ("tasks", "failed_tasks", "failed_names"):
        rows = f"select count(*) from df_engine.{table} join df_engine.instances i"
        assert db.value(f"{rows} on i.id = instance where i.run_id = %s", run) == 0
    return run


def test_in_a_sequence(db: Db) -> None:
    run = retried(db, f"df.seq({logged('a')}, {FAILING}, {logged('b')})")
    assert db.log() == ["a", "mended", "b"]
    node = db.nodes(run)["3"]
    assert (node["status"], node["attempts"], node["executions"]) == ("completed", 2, 1)
    assert db.nodes(run)["2"]["executions"] == 1


def test_at_the_root(db: Db) -> None:
    run = retried(db, FAILING)
    assert db.rows(run) == [{"broken": "mended"}]


def test_results_before_it_are_read_after_it(db: Db) -> None:
    retried(
        db,
        f"""df.seq(df."as"('select 7 as n', 'x'), {FAILING},
          'insert into log (what) values ($x.n)')""",
    )
    assert db.log() == ["mended", "7"]


def test_again_and_again(db: Db) -> None:
    run = db.finish(f"df.seq({logged('a')}, {FAILING})")
    for attempts in (2, 3):
        retry(db, run)
        assert db.status(run) == "failed"
        assert db.nodes(run)["3"]["attempts"] == attempts
    repair(db)
    retry(db, run)
    assert db.nodes(run)["3"]["attempts"] == 4
    assert db.log() == ["a", "mended"]


def test_a_repaired_row(db: Db) -> None:
    db.run("drop table if exists balance")
    db.run("create table balance (n int check (n >= 0))")
    db.run("insert into balance values (1)")
    run = db.finish(f"df.seq({logged('a')}, 'update balance set n = n - 2')")
    assert db.instance(run)["sqlstate"] == "23514"
    db.run("update balance set n = 5")
    retry(db, run)
    assert db.status(run) == "completed"
    assert db.value("select n from balance") == 3


def test_in_a_join(db: Db) -> None:
    run = retried(
        db,
        f"""df."join"(df.seq({logged("a")}, {FAILING}, {logged("b")}),
          df.seq({logged("c")}, 'select 3 as c'), 'select 4 as d')""",
    )
    assert sorted(db.log()) == ["a", "b", "c", "mended"]
    assert [row["rows"] for row in db.result(run)][1:] == [[{"c": 3}], [{"d": 4}]]


def test_two_branches_failed(db: Db) -> None:
    retried(db, f"""df."join"({FAILING}, {logged("x")}, {FAILING})""")
    assert sorted(db.log()) == ["mended", "mended", "x"]


def test_in_nested_joins(db: Db) -> None:
    retried(
        db,
        f"""df.seq(df."join"({logged("a")},
            df.seq({logged("b")}, df."join"({logged("c")}, df.seq({logged("d")},
              {FAILING}), df."join"({logged("e")}, {logged("f")})), {logged("g")}),
            {FAILING}), {logged("h")})""",
    )
    assert sorted(db.log()) == [*"abcdefgh", "mended", "mended"]


def test_names_in_a_failed_join(db: Db) -> None:
    """A branch does not see its sibling's name, also when it goes on."""
    run = retried(
        db,
        f"""df.seq(df."as"('select 1', 'x'), df."join"(
            df."as"('select 2', 'x'),
            df.seq({FAILING}, 'insert into log (what) values (''x='' || $x)'),
            df.seq(df."as"('select 3', 'y'), {FAILING},
              'insert into log (what) values (''y='' || $y)')),
          'insert into log (what) values (''then '' || $x || $y)')""",
    )
    assert sorted(db.log()) == ["mended", "mended", "then 23", "x=1", "y=3"]
    assert db.status(run) == "completed"


def test_in_a_loop(db: Db) -> None:
    retried(
        db,
        """df.repeat(df.seq('insert into log (what) values (''x'')',
             'select broken() where (select count(*) from log) = 3'),
           until_condition => 'select count(*) >= 6 from log')""",
    )
    assert db.log() == ["x", "x", "x", "mended", "x", "x"]


def test_in_a_condition(db: Db) -> None:
    retried(
        db,
        f"""df.seq({logged("a")}, df."if"('select broken() is not null',
          {logged("b")}, {logged("c")}))""",
    )
    assert db.log() == ["a", "mended", "b"]


def test_in_a_race(db: Db) -> None:
    """The loser goes on too: it stands where it stood."""
    db.run("select df.set_time('2030-01-01')")
    run = db.finish(
        f"""df.seq(df.race(df.seq({logged("a")}, df.sleep(10), {FAILING},
              df.sleep(1000)), df.seq({logged("b")}, df.sleep(20), {logged("c")},
              df.sleep(30), {logged("d")})), {logged("e")})"""
    )
    db.run("select df.advance_time('10 s')")
    db.work()
    assert db.status(run) == "failed"
    repair(db)
    retry(db, run)
    assert sorted(db.log()) == ["a", "b", "mended"]
    assert db.nodes(run)["10"]["status"] == "running"
    for _ in range(2):
        db.run("select df.advance_time('30 s')")
        db.work()
    assert db.log()[-4:] == ["mended", "c", "d", "e"]
    assert db.status(run) == "completed"


def test_a_loser_that_was_in_progress(db: Db) -> None:
    """Its statement is undone with the failure, and done by the retry."""
    run = db.start(
        f"""df.race(df.seq(df.wait_for_signal('go'), {FAILING},
              df.wait_for_signal('never')),
            $$with x as (insert into log (what) values ('loser'))
              select pg_sleep(1)$$)"""
    )
    with working(db):
        wait_until(lambda: sleeps(db))
        db.run("select df.signal(%s, 'go')", run)
        db.work()
        assert db.status(run) == "failed"
    db.work()
    assert db.log() == []
    repair(db)
    retry(db, run)
    assert db.status(run) == "completed"
    assert sorted(db.log()) == ["loser", "mended"]


def test_branches_that_wait_for_signals(db: Db) -> None:
    run = db.finish(
        f"""df.seq(df.race(df.seq(df.wait_for_signal('go'), {FAILING},
              df.wait_for_signal('go')), df.wait_for_signal('other')),
            {logged("end")})"""
    )
    for name in ("go", "go"):
        db.run("select df.signal(%s, %s)", run, name)
    db.work()
    assert db.status(run) == "failed"
    repair(db)
    retry(db, run)
    assert db.log() == ["mended", "end"]


def test_after_all_attempts(db: Db) -> None:
    """A retry node has all of its attempts again."""
    run = db.finish(
        f"df.seq({logged('a')},"
        f" df.retry({FAILING}, 3, '0', retry_on => array['P0001']))"
    )
    assert db.nodes(run)["4"]["attempts"] == 3
    retry(db, run)
    assert db.nodes(run)["4"]["attempts"] == 6
    repair(db)
    retry(db, run)
    assert db.nodes(run)["4"]["attempts"] == 7
    assert db.log() == ["a", "mended"]


def test_a_failure_that_a_loop_goes_on_after(db: Db) -> None:
    """It is not gone back to when a later failure ends the run."""
    run = db.finish(
        f"""df.seq(df.loop(df.seq('insert into log (what) values (''x'')',
              'select 1/0'), 'select count(*) < 2 from log', true),
            {logged("a")}, {FAILING}, {logged("b")})"""
    )
    assert db.instance(run)["error"] == "broken"
    repair(db)
    retry(db, run)
    assert db.log() == ["x", "x", "a", "mended", "b"]


def test_http(db: Db) -> None:
    run = db.finish(f"df.seq({logged('a')}, df.http('http://x.test/'), {logged('b')})")
    keys = []
    for status in (503, 503, 200):
        request, attempt, key = db.run(
            "select request_id, attempt, idempotency_key from df.claim_http('w', 9)"
        )[0]
        keys.append(key)
        db.run(
            "select df.finish_http(%s, %s, jsonb_build_object('status', %s::int))",
            request,
            attempt,
            status,
        )
        db.work()
        if status == 503:
            assert db.instance(run)["sqlstate"] == "PD020"
            retry(db, run)
    assert len(set(keys)) == 1
    assert db.nodes(run)["3"]["attempts"] == 3
    assert db.log() == ["a", "b"]


def test_a_reference_that_fails_on_entry(db: Db) -> None:
    run = db.finish(
        f"""df.seq({logged("a")},
          df."as"('select what from log where what = ''z''', 'z'),
          df.http('http://x.test/$z'), {logged("b")})"""
    )
    assert db.nodes(run)["4"]["status"] == "failed"
    assert db.run("select * from df.claim_http('w', 9)") == []
    retry(db, run)
    assert db.nodes(run)["4"]["attempts"] == 2
    assert db.log() == ["a"]


def test_in_a_try_without_catch(db: Db) -> None:
    retried(
        db,
        f"""df.seq(df.try(df.seq({logged("a")}, {FAILING}, {logged("b")}),
          finally => {logged("finally")}), {logged("c")})""",
    )
    assert db.log() == ["a", "finally", "mended", "b", "finally", "c"]


def test_in_a_catch(db: Db) -> None:
    run = retried(
        db,
        f"""df.seq(df.try(df.seq({logged("a")}, 'select 1/0'),
          df.seq({logged("catch")}, {FAILING},
            'insert into log (what) values ($err.sqlstate)')), {logged("c")})""",
    )
    assert db.log() == ["a", "catch", "mended", "22012", "c"]
    assert db.status(run) == "completed"


def test_in_a_finally(db: Db) -> None:
    retried(
        db,
        f"""df.seq(df.try({logged("a")}, finally => df.seq({logged("f")}, {FAILING},
          {logged("g")})), {logged("b")})""",
    )
    assert db.log() == ["a", "f", "mended", "g", "b"]


def test_a_failure_that_was_caught_is_not_gone_back_to(db: Db) -> None:
    retried(
        db,
        f"""df.seq(df.try('select 1/0', {logged("caught")}),
          df."join"(df.try('select 1/0', {logged("caught")}), {FAILING}),
          {logged("b")})""",
    )
    assert sorted(db.log()) == ["b", "caught", "caught", "mended"]


def test_a_failure_that_was_raised_again(db: Db) -> None:
    run = db.finish(
        f"""df.seq({logged("a")}, df.try({FAILING},
          df.seq({logged("undo a")}, df.raise('err'))))"""
    )
    assert db.instance(run)["error"] == "broken"
    with pytest.raises(psycopg.Error, match="raised the failure again") as error:
        retry(db, run)
    assert error.value.sqlstate == "PD003"
    assert "df.fork" in (error.value.diag.message_hint or "")
    assert db.status(run) == "failed"


@pytest.mark.parametrize("parallel", [1, 2, 10])
def test_in_a_foreach(db: Db, parallel: int) -> None:
    run = retried(
        db,
        f"""df.seq(df."as"(df.foreach('select i from generate_series(1, 6) i',
          df.seq('insert into log (what) values ($item.i)',
            'select case when $item.i = 3 then broken() end'),
          max_parallel => {parallel}, collect => 'select $item.i as i'), 'f'),
          'insert into log (what) values ((select string_agg(i::text, '','')
            from $f.*))')""",
    )
    assert sorted(db.log()) == sorted([*"123456", "1,2,3,4,5,6", "mended"])
    assert db.status(run) == "completed"


def test_several_items_failed(db: Db) -> None:
    retried(
        db,
        f"""df.foreach('select i from generate_series(1, 9) i',
          df."join"(df.seq('insert into log (what) values ($item.i)', {FAILING}),
            'insert into log (what) values ($item.i || ''!'')'), max_parallel => 3)""",
    )
    assert sorted(word for word in db.log() if word != "mended") == sorted(
        f"{n}{mark}" for n in range(1, 10) for mark in ("", "!")
    )
    assert db.log().count("mended") == 9


def test_items_whose_failure_was_caught(db: Db) -> None:
    retried(
        db,
        """df.foreach('select i from generate_series(1, 4) i',
          df.seq(df.try('select 1/(($item.i + 1) % 2)',
              'insert into log (what) values (''caught '' || $item.i)'),
            'select case when $item.i = 4 then broken() end'), max_parallel => 4)""",
    )
    assert sorted(db.log()) == ["caught 1", "caught 3", "mended"]


def test_in_a_transaction(db: Db) -> None:
    retried(
        db,
        f"df.seq({logged('a')}, df.transaction({logged('b')}, {FAILING}),"
        f" {logged('c')})",
    )
    assert db.log() == ["a", "b", "mended", "c"]


def test_in_a_timeout(db: Db) -> None:
    retried(
        db,
        f"df.seq(df.timeout(df.seq({logged('a')}, {FAILING}), '1 hour'),"
        f" {logged('b')})",
    )
    assert db.log() == ["a", "mended", "b"]


def test_after_a_timeout(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.finish(
        f"""df.seq(df.timeout(df.seq({logged("a")}, df.wait_for_signal('go'),
          {logged("b")}), '10 s'), {logged("c")})"""
    )
    for _ in range(2):
        db.run("select df.advance_time('10 s')")
        db.work()
        assert db.instance(run)["sqlstate"] == "PD031"
        retry(db, run)
        assert db.status(run) == "running"
    db.run("select df.signal(%s, 'go')", run)
    db.work()
    assert db.status(run) == "completed"
    assert db.log() == ["a", "b", "c"]


def test_after_the_runs_own_timeout(db: Db) -> None:
    """Everything goes on as it stood, and the time begins anew."""
    db.run("select df.set_time('2030-01-01')")
    run = db.finish(
        f"""df.seq(df."join"(df.seq({logged("a")}, df.sleep(30), {logged("b")}),
          df.seq(df.wait_for_signal('go'), {logged("c")}), {logged("d")},
          df.http('http://x.test/')), {logged("e")})""",
        timeout="20 s",
    )
    db.run("select df.advance_time('20 s')")
    db.work()
    assert db.instance(run)["sqlstate"] == "PD031"
    assert db.run("select * from df.claim_http('w', 9)") == []
    retry(db, run)
    db.run("select df.advance_time('10 s')")
    db.run("select df.signal(%s, 'go')", run)
    db.work()
    assert sorted(db.log()) == ["a", "b", "c", "d"]
    request = db.run("select request_id, attempt from df.claim_http('w', 9)")[0]
    db.run("select df.finish_http(%s, %s, '{\"status\": 200}')", *request)
    db.work()
    assert db.status(run) == "completed"
    assert db.log()[-1] == "e"
    assert db.value("select count(*) from df_engine.tasks") == 0


def test_a_call(db: Db) -> None:
    retried(
        db,
        f"""df.seq({logged("a")}, df."call"($$select df.start('select broken()')$$),
          {logged("b")})""",
    )
    assert db.log() == ["a", "mended", "b"]


def test_a_concurrency_limit(db: Db) -> None:
    run = db.finish(f"df.seq({FAILING}, {logged('a')})", concurrency_key="k")
    other = db.finish("df.wait_for_signal('go')", concurrency_key="k")
    repair(db)
    retry(db, run)
    assert db.instance(run)["queued"]
    assert db.status(run) == "pending"
    db.run("select df.signal(%s, 'go')", other)
    db.work()
    assert db.status(run) == "completed"
    assert db.log() == ["mended", "a"]


def test_a_run_that_failed_while_it_was_paused(db: Db) -> None:
    run = db.start(f"df.seq('select pg_sleep(0.5)', {logged('a')}, {FAILING})")
    db.run("select df.pause(%s)", run)
    db.run("select df.resume(%s)", run)
    db.work()
    repair(db)
    retry(db, run)
    assert db.log() == ["a", "mended"]


@pytest.mark.parametrize("status", ["pending", "completed", "cancelled"])
def test_only_failed_runs(db: Db, status: str) -> None:
    run = db.start(logged("a"))
    if status == "completed":
        db.work()
    elif status == "cancelled":
        db.run("select df.cancel(%s)", run)
    with pytest.raises(psycopg.Error, match="; only a failed run") as error:
        retry(db, run)
    assert error.value.sqlstate == "PD003"


def test_a_stray_break(db: Db) -> None:
    run = db.finish(f"df.seq({logged('a')}, df.break())")
    with pytest.raises(psycopg.Error, match="cannot go on"):
        retry(db, run)


def test_another_roles_run(db: Db, roles: tuple[str, str]) -> None:
    with as_role(db, roles[0]) as owner, as_role(db, roles[1]) as other:
        run = owner.start("'select 1/0'")
        db.work()
        with pytest.raises(psycopg.Error) as error:
            other.run("select df.retry_failed(%s)", run)
        assert error.value.sqlstate == "PD002"
        assert owner.value("select df.retry_failed(%s)", run) == run
