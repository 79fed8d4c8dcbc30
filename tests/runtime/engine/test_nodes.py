"""Each node function by itself."""

from __future__ import annotations

import psycopg
import pytest

from tests.runtime.engine.db import Db, logged


def test_a_plain_string_is_a_statement(db: Db) -> None:
    assert db.rows(db.finish("'select 1 as a'")) == [{"a": 1}]


def test_all_types_are_captured(db: Db) -> None:
    run = db.finish(
        "$$select true as b, 1.50::numeric as n, array[1,2] as a, interval '1 day'"
        " as i,"
        " '\\x00ff'::bytea as y, date '2026-01-02' as d, (1,'x') as r, null as z$$"
    )
    assert db.rows(run) == [
        {
            "b": True,
            "n": 1.5,
            "a": [1, 2],
            "i": "1 day",
            "y": "\\x00ff",
            "d": "2026-01-02",
            "r": {"f1": 1, "f2": "x"},
            "z": None,
        }
    ]


def test_columns_keep_their_order_and_numbers_their_digits(db: Db) -> None:
    run = db.finish("'select 1.10::numeric as zz, 2 as a, 9007199254740993 as m'")
    result = db.instance(run)["result"]
    assert '{"zz":1.10,"a":2,"m":9007199254740993}' in result


def test_statements_without_rows(db: Db) -> None:
    insert = db.finish("'insert into log (what) values (1), (2)'")
    assert db.result(insert) == {"rows": [], "row_count": 0}
    assert db.nodes(insert)["1"]["row_count"] == 2
    created = db.finish("'create table made (a int)'")
    assert db.result(created) == {"rows": [], "row_count": 0}
    guessed = db.finish(
        "$$with x as (insert into log (what) values ('x') returning id)"
        " insert into log (what) select 'y' from x$$"
    )
    assert db.result(guessed) == {"rows": [], "row_count": 0}
    assert db.log() == ["1", "2", "x", "y"]


def test_returning_is_captured(db: Db) -> None:
    run = db.finish("$$insert into log (what) values ('a'), ('b') returning what$$")
    assert db.rows(run) == [{"what": "a"}, {"what": "b"}]


def test_sequence_runs_in_order_and_gives_the_last_result(db: Db) -> None:
    run = db.finish(
        f"df.seq({logged('a')}, {logged('b')}, df.seq({logged('c')}), 'select 4 as d')"
    )
    assert db.rows(run) == [{"d": 4}]
    assert db.log() == ["a", "b", "c"]


def test_sequence_stops_at_a_failure(db: Db) -> None:
    run = db.finish(f"df.seq({logged('a')}, 'select 1/0', {logged('b')})")
    assert db.instance(run)["status"] == "failed"
    assert db.instance(run)["sqlstate"] == "22012"
    assert db.log() == ["a"]


def test_as_binds_first_column_column_and_row_set(db: Db) -> None:
    run = db.finish(
        """df.seq(df."as"($$select * from (values (1, 'x''y'), (2, null)) v (n, t)$$,
                          'v'),
                  'select $v as a, $v.t as b, (select sum(n) from $v.*) as c')"""
    )
    assert db.rows(run) == [{"a": 1, "b": "x'y", "c": 3}]


def test_as_again_renames(db: Db) -> None:
    graph = """df.seq(df."as"(df."as"('select 3 as x', 'old'), 'new'), 'select $new
      as y')"""
    assert db.rows(db.finish(graph)) == [{"y": 3}]


def test_as_binds_a_sequence_and_an_if(db: Db) -> None:
    run = db.finish(
        """df.seq(df."as"(df.seq('select 1 as a', 'select 2 as a'), 's'),
                  df."as"(df."if"('select false', 'select 8 as a', 'select 9 as
                    a'), 'i'),
                  'select $s as s, $i as i')"""
    )
    assert db.rows(run) == [{"s": 2, "i": 9}]


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ("select true", True),
        ("select false", False),
        ("select null::boolean", False),
        ("select true where false", False),
        ("select 2", True),
        ("select 0.0", False),
        ("select ''no''", False),
        ("select '' f ''", False),
        ("select ''off''", True),
        ("select ''0''", False),
        ("select array[]::int[]", False),
        ("select array[0]", True),
        ("select ''{}''::jsonb", False),
    ],
)
def test_if(db: Db, condition: str, truth: bool) -> None:
    db.finish(f"""df."if"('{condition}', {logged("then")}, {logged("else")})""")
    assert db.log() == ["then" if truth else "else"]


def test_if_without_else(db: Db) -> None:
    run = db.finish(
        f"""df.seq(df."if"('select false', {logged("then")}), {logged("after")})"""
    )
    assert db.status(run) == "completed"
    assert db.log() == ["after"]


def test_if_rows(db: Db) -> None:
    graph = f"""df.seq(df."as"('select 1 where $input.some', 'r'),
        df.if_rows('r', {logged("some")}, {logged("none")}))"""
    db.finish(graph, {"some": True})
    db.finish(graph, {"some": False})
    assert db.log() == ["some", "none"]


def test_join_gives_results_in_order_and_merges_names(db: Db) -> None:
    run = db.finish(
        """df.seq(df."as"(df."join"(df."as"('select 1 as a', 'x'), 'select 2 as b',
                                    df."as"('select 3 as c', 'z')), 'all'),
                  'select $x as x, $z as z, json_array_length(($all)::json) as n')"""
    )
    assert db.rows(run) == [{"x": 1, "z": 3, "n": 3}]
    run = db.finish("df.join3('select 1 as a', 'select 2 as a', 'select 3 as a')")
    assert [part["rows"][0]["a"] for part in db.result(run)] == [1, 2, 3]


def test_join_runs_every_branch_to_its_end_and_fails_with_any(db: Db) -> None:
    run = db.finish(
        f"""df.seq(df."join"('select 1/0', df.seq({logged("a")}, {logged("b")})),
                   {logged("after")})"""
    )
    assert db.instance(run)["error"] == "division by zero"
    assert db.log() == ["a", "b"]


def test_race_takes_the_first_and_cancels_the_rest(db: Db) -> None:
    run = db.finish(
        f"""df.seq(df."as"(df.race(df."as"('select 1 as a', 'w'),
                     df.seq(df.sleep(10), {logged("late")}),
                       df.wait_for_signal('go')), 'r'),
                   'select $w as w, $r as r')"""
    )
    assert db.rows(run) == [{"w": 1, "r": 1}]
    assert db.log() == []
    assert db.value("select count(*) from df_engine.tasks") == 0


def test_race_is_decided_by_a_failure_too(db: Db) -> None:
    run = db.finish("df.race('select 1/0', df.sleep(10))")
    assert db.instance(run)["sqlstate"] == "22012"


def test_loop_is_a_do_while(db: Db) -> None:
    run = db.finish(f"""df.loop({logged("x")}, 'select count(*) < 3 from log')""")
    assert db.status(run) == "completed"
    assert db.log() == ["x"] * 3
    once = db.finish("df.loop('select 5 as five', 'select false')")
    assert db.rows(once) == [{"five": 5}]


def test_loop_keeps_its_pace(db: Db) -> None:
    db.run("select df.configure(loop_pace => '1 minute')")
    db.run("select df.set_time('2030-01-01')")
    db.finish(f"df.loop({logged('x')})")
    assert db.log() == ["x"]
    db.run("select df.advance_time('1 minute')")
    db.work()
    assert db.log() == ["x", "x"]


def test_loop_goes_on_after_a_failure_if_told_to(db: Db) -> None:
    run = db.finish(
        f"""df.loop(df.seq({logged("x")}, 'select 1/(3 - count(*)) from log'),
                    'select count(*) < 5 from log', true)"""
    )
    assert db.status(run) == "completed"
    assert db.log() == ["x"] * 5


@pytest.mark.parametrize(
    ("value", "result"),
    [("''done''", "done"), ("'{\"a\": 1}'", {"a": 1}), ("'7'", 7), ("", None)],
)
def test_break_gives_the_loop_its_value(db: Db, value: str, result: object) -> None:
    value = value.replace("''", "'")
    run = db.finish(f"df.loop(df.seq({logged('x')}, df.break({value}), {logged('y')}))")
    assert db.result(run) == result
    assert db.log() == ["x"]


def test_break_in_a_condition_ends_the_loop(db: Db) -> None:
    run = db.finish("""df.loop('select 1', df.seq('select 1', df.break('"over"')))""")
    assert db.result(run) == "over"


@pytest.mark.parametrize("node", ["df.break()", "df.continue()"])
def test_break_and_continue_outside_of_a_loop_fail(db: Db, node: str) -> None:
    run = db.finish(f"df.seq('select 1', {node})")
    assert db.instance(run)["sqlstate"] == "PD006"


def test_repeat_while_asks_first(db: Db) -> None:
    run = db.finish(f"""df.repeat({logged("x")}, 'select count(*) < 3 from log')""")
    assert db.status(run) == "completed"
    db.finish(f"""df.repeat({logged("never")}, while_condition => 'select false')""")
    assert db.log() == ["x"] * 3


def test_repeat_until_asks_afterwards(db: Db) -> None:
    run = db.finish(
        """df.repeat(df."as"('insert into log (what) values (1) returning id', 'r'),
                     until_condition => 'select $r >= 3')"""
    )
    assert db.rows(run) == [{"id": 3}]


def test_repeat_with_both_conditions_and_continue(db: Db) -> None:
    db.finish(
        f"""df.repeat(df.seq({logged("a")},
                        df."if"('select count(*) < 3 from log', df.continue()),
                          {logged("b")}),
                      'select count(*) < 100 from log', 'select count(*) >= 4 from
                        log')"""
    )
    assert db.log() == ["a", "a", "a", "b"]


def test_repeat_every(db: Db) -> None:
    db.run("select df.set_time('2030-01-01')")
    run = db.finish(f"df.repeat({logged('x')}, every => '1 hour')")
    assert db.work() == 0
    for _ in range(3):
        db.run("select df.advance_time('1 hour')")
        db.work()
    assert db.log() == ["x"] * 4
    assert db.status(run) == "running"


def test_a_loop_without_a_step_does_not_hang_the_session(db: Db) -> None:
    db.start("df.repeat(df.continue())")
    assert db.value("select 1") == 1
    db.run("call df.work(50, 1000)")


def test_return_ends_the_run(db: Db) -> None:
    run = db.finish(
        f"""df.seq(df.repeat(df.seq('select 1', df."return"('select 42 as answer'))),
                   {logged("after")})"""
    )
    assert db.rows(run) == [{"answer": 42}]
    assert db.log() == []


def test_start_is_part_of_the_transaction(db: Db) -> None:
    with db.connection.transaction(force_rollback=True):
        db.start(logged("x"))
    db.work()
    assert db.log() == []


def test_start_with_a_key_happens_once(db: Db) -> None:
    first = db.start(logged("x"), key="k")
    assert db.start(logged("x"), key="k") == first
    assert db.start(logged("x"), key="other") != first
    db.work()
    assert db.log() == ["x", "x"]
    assert db.start(logged("x"), key="k") == first


def test_a_graph_is_kept_once(db: Db) -> None:
    for n in range(3):
        db.finish("'select $input.n as n'", {"n": n})
    assert db.value("select count(*) from df_engine.graphs") == 1


def test_cancel(db: Db) -> None:
    run = db.finish(f"df.seq({logged('a')}, df.sleep(100), {logged('b')})")
    db.run("select df.cancel(%s, 'no more')", run)
    assert db.work() == 0
    row = db.instance(run)
    assert (row["status"], row["error"]) == ("cancelled", "no more")
    assert db.nodes(run)["3"]["status"] == "cancelled"
    assert db.value("select count(*) from df_engine.tasks") == 0


@pytest.mark.parametrize(
    ("graph", "known_since"),
    [
        ("df.sleep_until($$select timestamptz 'infinity'$$)", 14),
        ("df.sleep_for($$select interval 'infinity'$$)", 17),
        ("df.sleep_for($$select interval '300000 years'$$)", 14),
    ],
)
def test_waits_that_never_end_fail(db: Db, graph: str, known_since: int) -> None:
    if db.connection.info.server_version < known_since * 10000:
        pytest.skip(f"the value is known since PostgreSQL {known_since}")
    run = db.finish(graph)
    assert db.status(run) == "failed"
    assert db.nodes(run)["1"]["sqlstate"] == "22008"


@pytest.mark.parametrize(
    ("graph", "known_since"),
    [
        ("df.sleep_until($$select timestamptz '-infinity'$$)", 14),
        ("df.sleep_until($$select timestamptz '4000-01-01 BC'$$)", 14),
        ("df.sleep_for($$select interval '-infinity'$$)", 17),
        ("df.sleep_for($$select interval '-178000000 years'$$)", 14),
    ],
)
def test_waits_that_are_long_over(db: Db, graph: str, known_since: int) -> None:
    if db.connection.info.server_version < known_since * 10000:
        pytest.skip(f"the value is known since PostgreSQL {known_since}")
    assert db.status(db.finish(graph)) == "completed"


@pytest.mark.parametrize(
    "graph",
    [
        "null",
        "df.seq('select 1', null)",
        """df."as"('select 1', 'no good')""",
        "df.retry('select 1', 0)",
        "df.sleep(-1)",
        "df.wait_for_schedule('61 * * * *')",
        "df.wait_for_schedule('* * *')",
        "df.if_rows('nothing', 'select 1')",
        """'[{"df":"nonsense"}]'""",
        """'[{"df":"seq","n":2},{"df":"continue"}]'""",
        """'[{"df":"seq","n":1},{"df":"continue"},{"df":"continue"}]'""",
        """'[{"df":"sql'""",
    ],
)
def test_graphs_that_are_refused(db: Db, graph: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        db.start(graph)
    assert caught.value.sqlstate == "PD001"


def test_a_long_chain_and_a_deep_one(db: Db) -> None:
    chain = (
        "(select df.seq(variadic array_agg('select 1 as a'::text))"
        " from generate_series(1, 1000))"
    )
    assert db.rows(db.finish(chain)) == [{"a": 1}]
    deep = "'select 2 as a'"
    for _ in range(300):
        deep = f"df.seq({deep})"
    assert db.rows(db.finish(deep)) == [{"a": 2}]


def test_preparing_takes_time_by_the_number_of_nodes(db: Db) -> None:
    """40,000 took minutes while an array was copied for each; they take seconds."""
    db.run("set statement_timeout = '60s'")
    graph = (
        """(select df.seq(variadic array[df."join"(variadic array_agg(branch)),"""
        " 'select 3 as a']) from (select 'select ' || n as branch"
        " from generate_series(1, 40000) n) b)"
    )
    run = db.start(graph)
    assert db.status(run) == "pending"
    db.run("reset statement_timeout")
    last = (
        "select first_node, next_node, next_state from df_engine.nodes where node = {}"
    )
    assert db.run(last.format(40002)) == [(40002, 2, "p")]
    assert db.run(last.format(2)) == [(2, 40003, "x")]


def test_node_functions_are_folded_by_the_planner(db: Db) -> None:
    functions = db.run(
        "select p.oid::regprocedure from pg_proc p where p.pronamespace ="
        " 'df'::regnamespace"
        " and p.provolatile <> 'i' and p.proname in ('sql', 'seq', 'as', 'join',"
        " 'race', 'if',"
        " 'loop', 'repeat', 'retry', 'http', 'sleep', 'return', 'break', 'continue')"
    )
    assert functions == []


def test_explain(db: Db) -> None:
    text = db.value(
        """select df.explain(df.seq('select 1', df."as"(df.sleep(5), 'z')))"""
    )
    assert text.splitlines() == ["SQL: select 1", "→ SLEEP 5s |=> 'z'"]
    run = db.finish("df.seq('select 1', 'select 1/0')")
    assert "division by zero" in db.value("select df.explain(%s)", run)
