"""df.foreach: items, their bound, their results, and how they end."""

from __future__ import annotations

import psycopg
import pytest

from tests.runtime.engine.db import Db, logged
from tests.runtime.engine.sessions import (
    sleeps,
    terminate_sleepers,
    wait_until,
    worker_thread,
)

LOG_ITEM = "'insert into log (what) values ($item.i)'"


def rows(count: int) -> str:
    return f"'select i, ''n'' || i as name from generate_series(1, {count}) i'"


def test_each_row_is_an_item_in_order(db: Db) -> None:
    db.finish(
        f"df.foreach({rows(3)}, 'insert into log (what) values ($item.name || $item)')"
    )
    assert db.log() == ["n11", "n22", "n33"]


def test_collect_gives_a_row_of_each_item_in_the_order_of_items(db: Db) -> None:
    body = """df.seq(df.sleep_for('select make_interval(secs => 10 - $item.i)'),
                     df."as"('select $item.i * 2 as d', 'double'))"""
    run = db.start(
        f"df.foreach({rows(4)}, {body}, max_parallel => 4,"
        " collect => 'select $item.name as name, $double.d as d')"
    )
    db.run("select df.set_time('2030-01-01')")
    db.work()
    for _ in range(4):
        db.run("select df.advance_time('10 s')")
        db.work()
    assert db.result(run) == {
        "rows": [{"name": f"n{i}", "d": 2 * i} for i in range(1, 5)],
        "row_count": 4,
    }


def test_the_result_is_a_row_set_for_others(db: Db) -> None:
    run = db.finish(
        f"""df.seq(df."as"(df.foreach({rows(3)}, 'select 1', collect =>
              'select $item.i as i, $item.name as name'), 'all'),
            'select sum(i) as s, max(name) as m from $all.*')"""
    )
    assert db.rows(run) == [{"s": 6, "m": "n3"}]


def test_without_collect_the_result_counts(db: Db) -> None:
    run = db.finish(f"df.foreach({rows(3)}, {LOG_ITEM})")
    assert db.result(run) == {"rows": [], "row_count": 3}


def test_no_rows_no_items(db: Db) -> None:
    run = db.finish(f"df.seq(df.foreach({rows(0)}, 'select 1/0'), 'select 1 as v')")
    assert db.rows(run) == [{"v": 1}]
    assert db.log() == []


def test_an_item_may_give_no_row(db: Db) -> None:
    run = db.finish(
        f"df.foreach({rows(4)}, 'select 1',"
        " collect => 'select $item.i as i where $item.i % 2 = 0')"
    )
    assert db.rows(run) == [{"i": 2}, {"i": 4}]


def test_rows_are_read_once(db: Db) -> None:
    db.run("insert into log (what) values ('1'), ('2')")
    db.finish(
        "df.foreach('select what from log',"
        " 'insert into log (what) values (''again '' || $item.what)')"
    )
    assert db.log() == ["1", "2", "again 1", "again 2"]


@pytest.mark.parametrize("parallel", [1, 3])
def test_so_many_run_at_once_and_no_more(db: Db, parallel: int) -> None:
    run = db.start(
        f"df.foreach({rows(7)}, df.seq({LOG_ITEM}, df.wait_for_signal('go')),"
        f" max_parallel => {parallel})"
    )
    db.work()
    for done in range(7):
        assert db.log() == [str(i) for i in range(1, min(done + parallel, 7) + 1)]
        assert db.value("select count(*) from df_engine.tasks where frame > 1") == min(
            parallel, 7 - done
        )
        db.run("select df.signal(%s, 'go')", run)
        db.work()
    assert db.status(run) == "completed"


def test_a_signal_goes_to_the_item_that_has_waited_longest(db: Db) -> None:
    body = """df.seq(df."as"(df.wait_for_signal('go'), 's'),
                     'insert into log (what) values ($item.i || $s.data)')"""
    run = db.start(f"df.foreach({rows(4)}, {body}, max_parallel => 2)")
    for n in range(4):
        db.work()
        db.run("select df.signal(%s, 'go', %s)", run, f'"{"abcd"[n]}"')
    db.work()
    assert db.log() == ["1a", "2b", "3c", "4d"]
    assert db.status(run) == "completed"


def test_signals_that_are_there_already_are_taken_in_order(db: Db) -> None:
    body = """df.seq(df."as"(df.wait_for_signal('go'), 's'),
                     'insert into log (what) values ($item.i || $s.data)')"""
    run = db.start(f"df.foreach({rows(3)}, {body})")
    for data in "abc":
        db.run("select df.signal(%s, 'go', %s)", run, f'"{data}"')
    db.work()
    assert db.log() == ["1a", "2b", "3c"]


def test_names_of_an_item_are_its_own(db: Db) -> None:
    body = """df.seq(df."if"('select $item.i = 2', df."as"('select 2 as v', 'x')),
                     'insert into log (what) values
                        ($item.i || coalesce($x?::text, ''''))')"""
    run = db.finish(
        f"df.seq(df.foreach({rows(3)}, {body}), 'select $x? is null as v')",
    )
    assert db.log() == ["1", "22", "3"]
    assert db.rows(run) == [{"v": True}]


def test_names_from_outside_are_readable_inside(db: Db) -> None:
    run = db.finish(
        f"""df.seq(df."as"('select 100 as v', 'base'), df.foreach({rows(2)},
              df."join"('select 1', df.foreach('select $base + $item.i as j',
                'insert into log (what) values ($base || '' '' || $item.i || '' ''
                   || $inner.j)', 'inner'))))"""
    )
    assert db.status(run) == "completed"
    assert db.log() == ["100 1 101", "100 2 102"]


def test_foreach_in_foreach(db: Db) -> None:
    run = db.finish(
        """df.foreach('select i from generate_series(1, 3) i',
             df.seq(df."as"(df.foreach('select j from generate_series(1, $item.i) j',
                'insert into log (what) values ($item.i || ''.'' || $item2.j)',
                'item2', 2, 'select $item.i * $item2.j as p'), 'inner')),
             max_parallel => 2, collect => 'select sum(p) as s from $inner.*')"""
    )
    assert db.rows(run) == [{"s": 1}, {"s": 6}, {"s": 18}]
    assert sorted(db.log()) == ["1.1", "2.1", "2.2", "3.1", "3.2", "3.3"]
    assert db.nodes(run)["4"]["executions"] == 6


def test_an_inner_item_hides_the_outer_one_of_the_same_name(db: Db) -> None:
    db.finish(
        """df.foreach('select 1 as i', df.seq(
             df.foreach('select 2 as i', 'insert into log (what) values ($item.i)'),
             'insert into log (what) values ($item.i)'))"""
    )
    assert db.log() == ["2", "1"]


def test_a_failing_item_begins_no_others(db: Db) -> None:
    body = f"""df.seq({LOG_ITEM}, df."if"('select $item.i = 2', 'select 1/0',
                 df.wait_for_signal('go')), {logged("end")})"""
    run = db.start(f"df.foreach({rows(9)}, {body}, max_parallel => 3)")
    db.work()
    assert db.log() == ["1", "2", "3"]
    assert db.status(run) == "running"
    db.run("select df.signal(%s, 'go')", run)
    db.run("select df.signal(%s, 'go')", run)
    db.work()
    assert db.log() == ["1", "2", "3", "end", "end"]
    row = db.instance(run)
    assert (row["status"], row["sqlstate"]) == ("failed", "22012")
    nodes = db.nodes(run)
    assert (nodes["1"]["status"], nodes["6"]["status"]) == ("failed", "failed")


def test_of_several_failures_the_first_item_s_counts(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.start(
        f"""df.foreach({rows(3)}, df.seq(df.sleep_for(
              'select make_interval(secs => 40 - $item.i * 10)'),
              'select perdure.fail(''item '' || $item.i)'), max_parallel => 3)"""
    )
    for _ in range(4):
        db.work()
        db.run("select df.advance_time('10 s')")
    assert db.instance(run)["error"] == "item 1"


@pytest.mark.parametrize(
    ("jump", "log", "count"),
    [
        ("df.break()", ["1", "2", "after"], 1),
        ("df.continue()", ["1", "2", "3", "after"], 3),
    ],
)
def test_break_and_continue(db: Db, jump: str, log: list[str], count: int) -> None:
    run = db.finish(
        f"""df.seq(df."as"(df.foreach({rows(3)}, df.seq({LOG_ITEM},
              df."if"('select $item.i = 2', {jump}))), 'all'), {logged("after")})"""
    )
    assert db.log() == log
    assert db.nodes(run)["2"]["result"]["row_count"] == count


def test_what_was_skipped_gives_no_row(db: Db) -> None:
    run = db.finish(
        f"""df.foreach({rows(4)}, df."if"('select $item.i = 2', df.continue()),
              collect => 'select $item.i as i')"""
    )
    assert db.rows(run) == [{"i": 1}, {"i": 3}, {"i": 4}]


def test_return_in_an_item_ends_the_run_after_the_others(db: Db) -> None:
    body = f"""df."if"('select $item.i = 1', df."return"('select 42 as v'),
                 df.seq(df.wait_for_signal('go'), {LOG_ITEM}))"""
    run = db.start(
        f"df.seq(df.foreach({rows(5)}, {body}, max_parallel => 2), {logged('never')})"
    )
    db.work()
    assert db.status(run) == "running"
    db.run("select df.signal(%s, 'go')", run)
    db.work()
    assert db.rows(run) == [{"v": 42}]
    assert db.log() == ["2"]


def test_a_race_in_an_item_touches_no_other_item(db: Db) -> None:
    body = """df.seq(df.race(df.seq(df.wait_for_signal('go'),
                        df."as"('select $item.i as w', 'won')), df.sleep(100000)),
                      df.sleep(1000), 'insert into log (what) values ($won)')"""
    db.run("select df.set_time('2030-01-01')")
    run = db.start(f"df.foreach({rows(3)}, {body}, max_parallel => 3)")
    db.work()
    assert db.value("select count(*) from df_engine.tasks where state = 'd'") == 3
    db.run("select df.signal(%s, 'go')", run)
    db.work()
    waiting = "select count(*) from df_engine.tasks where state = {}"
    assert db.value(waiting.format("'s'")) == 2
    assert db.value(waiting.format("'d'")) == 3
    statuses = db.run("select item, status from df_engine.node_runs where node = 6")
    assert sorted(status for _, status in statuses) == ["completed"]
    for _ in range(2):
        db.run("select df.signal(%s, 'go')", run)
    db.work()
    db.run("select df.advance_time('1000 s')")
    db.work()
    assert sorted(db.log()) == ["1", "2", "3"]
    assert db.status(run) == "completed"


@pytest.mark.parametrize("end", ["race", "timeout", "cancel"])
def test_items_end_with_what_is_around_them(db: Db, end: str) -> None:
    db.run("select df.set_time('2030-01-01')")
    inner = f"df.foreach({rows(3)}, df.sleep(100000), 'in', 2)"
    each = f"df.foreach({rows(4)}, df.seq({LOG_ITEM}, {inner}), max_parallel => 3)"
    around = {
        "race": f"df.race({each}, df.sleep(60))",
        "timeout": f"df.try(df.timeout({each}, '1 minute'), 'select 1')",
        "cancel": each,
    }
    run = db.finish(around[end])
    assert db.log() == ["1", "2", "3"]
    assert db.value("select count(*) from df_engine.tasks where state = 'd'") >= 6
    if end == "cancel":
        db.run("select df.cancel(%s)", run)
    db.run("select df.advance_time('1 minute')")
    db.work()
    assert db.status(run) == ("cancelled" if end == "cancel" else "completed")
    assert db.value("select count(*) from df_engine.tasks") == 0
    assert db.log() == ["1", "2", "3"]


def test_a_race_around_a_foreach_inside_an_item_ends_that_item_s_only(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    inner = f"df.foreach({rows(2)}, df.seq(df.sleep(50), {logged('in')}), 'in', 2)"
    run = db.finish(
        f"df.foreach({rows(2)}, df.race({inner},"
        " df.sleep_for('select make_interval(secs => $item.i * 30)')),"
        " max_parallel => 2)"
    )
    for _ in range(3):
        db.run("select df.advance_time('30 s')")
        db.work()
    assert db.status(run) == "completed"
    assert db.log() == ["in"] * 2


def test_a_loop_in_an_item_and_a_foreach_in_a_loop(db: Db) -> None:
    looped = """df.repeat(df.seq('insert into log (what) values ($item.i)'),
        until_condition => 'select count(*) >= 3 from log
           where what = $item.i::text')"""
    run = db.finish(
        f"""df.repeat(df.foreach({rows(2)}, {looped}, max_parallel => 2,
              collect => 'select $item.i as i'),
            until_condition => 'select count(*) >= 8 from log')"""
    )
    assert db.status(run) == "completed"
    assert sorted(db.log()) == ["1"] * 4 + ["2"] * 4
    assert db.value("select count(*) from df_engine.items") == 2
    assert db.rows(run) == [{"i": 1}, {"i": 2}]


def test_retries_are_counted_per_item(db: Db) -> None:
    db.run("create sequence if not exists tries; select setval('tries', 1, false)")
    body = (
        "df.retry(df.seq('insert into log (what) values ($item.i)',"
        " 'select 1 / (select ((count(*) >= 3)::int) from log"
        " where what = $item.i::text)'), 3, '0', retry_on => '{22012}')"
    )
    run = db.finish(f"df.foreach({rows(2)}, {body}, max_parallel => 2)")
    assert db.status(run) == "completed"
    assert sorted(db.log()) == ["1"] * 3 + ["2"] * 3


def test_a_retry_around_reads_the_rows_again(db: Db) -> None:
    run = db.finish(
        """df.retry(df.foreach('select count(*) as n from log', df.seq(
             'insert into log (what) values ($item.n)', 'select 1 / $item.n')), 3, '0',
             retry_on => '{22012}')"""
    )
    assert db.status(run) == "completed"
    assert db.log() == ["0", "1"]
    assert db.value("select count(*) from df_engine.items") == 1


def test_a_failing_query_for_items_fails_the_node(db: Db) -> None:
    run = db.finish("df.foreach('select 1/0 as i', 'select 1')")
    assert db.nodes(run)["1"]["sqlstate"] == "22012"
    assert db.status(run) == "failed"


def test_a_failing_collect_fails_the_item(db: Db) -> None:
    run = db.finish(f"df.foreach({rows(2)}, {LOG_ITEM}, collect => 'select 1/0')")
    assert db.status(run) == "failed"
    assert db.log() == ["1"]


def test_http_requests_of_items_have_keys_of_their_own(db: Db) -> None:
    db.finish(
        f"df.foreach({rows(3)}, df.http('http://localhost/$item.i'), max_parallel => 3)"
    )
    claimed = db.run("select url, idempotency_key from df.claim_http('w', 10)")
    assert sorted(url for url, _ in claimed) == [
        f"http://localhost/{i}" for i in (1, 2, 3)
    ]
    assert len({key for _, key in claimed}) == 3


def test_sessions_share_the_items(db: Db) -> None:
    run = db.start(f"df.foreach({rows(200)}, {LOG_ITEM}, max_parallel => 20)")
    with worker_thread(db), worker_thread(db), worker_thread(db):
        pass
    wait_until(lambda: db.work() >= 0 and db.status(run) == "completed")
    assert sorted(map(int, db.log())) == list(range(1, 201))
    assert db.value("select count(*) from df_engine.tasks") == 0


def test_a_session_that_dies_in_an_item_repeats_only_its_step(db: Db) -> None:
    slow = (
        "$$with x as (insert into log (what) values ('slow ' || $item.i)) select"
        " pg_sleep(case when $input.first and $item.i = 2 then 60 else 0 end)$$"
    )
    run = db.start(
        f"df.foreach({rows(3)}, df.seq({LOG_ITEM}, {slow}), max_parallel => 2)",
        {"first": True},
    )
    with worker_thread(db):
        wait_until(lambda: sleeps(db))
        db.run("update df_engine.instances set input = '{\"first\": false}'")
        terminate_sleepers(db)
    db.work()
    assert db.status(run) == "completed"
    assert sorted(db.log()) == ["1", "2", "3", "slow 1", "slow 2", "slow 3"]


def test_another_run_is_not_starved(db: Db) -> None:
    """A run that begins in the middle ends long before the items do."""
    db.start(f"df.foreach({rows(1000)}, {LOG_ITEM}, max_parallel => 50)")
    db.run("call df.work(100, 10000)")
    other = db.start(f"df.seq({', '.join([logged('other')] * 5)})")
    db.run("call df.work(600, 30000)")
    assert db.status(other) == "completed"
    assert db.value("select count(*) from df_engine.tasks") > 0


@pytest.mark.slow
def test_thousands_of_items_need_few_tasks(db: Db) -> None:
    run = db.start(
        f"df.foreach({rows(2500)}, df.race('select $item.i', df.sleep(1000)),"
        " max_parallel => 10, collect => 'select $item.i as i')"
    )
    db.run("call df.work(1000, 60000)")
    assert db.value("select count(*) from df_engine.tasks") <= 31
    wait_until(lambda: db.work() >= 0 and db.status(run) != "running", 240)
    assert [row["i"] for row in db.rows(run)] == list(range(1, 2501))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("'select 1', 'select 1', max_parallel => 0", "must be 1 or more"),
        ("'select 1', 'select 1', max_parallel => null", "must be 1 or more"),
        ("'select 1', 'select 1', 'a b'", "is not a name"),
        ("null, 'select 1'", "null"),
        ("'select 1', null", "null"),
        ("df.sleep(1), 'select 1'", "a query is needed here"),
        ("'select 1', 'select 1', collect => df.sleep(1)", "a query is needed here"),
    ],
)
def test_what_is_refused(db: Db, arguments: str, message: str) -> None:
    with pytest.raises(psycopg.errors.Error, match=message):
        db.run(f"select df.foreach({arguments})")
