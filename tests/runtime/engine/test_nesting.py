"""Every nesting of two combinators, and unwinding across them."""

from __future__ import annotations

import itertools

import pytest

from tests.runtime.engine.db import Db, logged

# A combinator as an expression with a hole, and what the hole's result becomes.
COMBINATORS = {
    "seq": "df.seq('select 0 as first', {})",
    "seq_first": "df.seq({}, 'select 5 as v')",
    "then": """df."if"('select true', {}, 'select 1/0')""",
    "else": """df."if"('select false', 'select 1/0', {})""",
    "join": """df."join"({}, 'select 0 as other')""",
    "race": "df.race(df.seq(df.sleep(1000), 'select 1/0'), {})",
    "loop": "df.loop({}, 'select false')",
    "repeat": "df.repeat({}, until_condition => 'select true')",
    "break": "df.repeat(df.seq({}, df.break()))",
    "retry": "df.retry({}, 2)",
    "as": """df."as"(df.seq({}), 'named')""",
}
PAIRS = list(itertools.product(COMBINATORS, repeat=2))


@pytest.mark.parametrize(("outer", "inner"), PAIRS, ids=["-".join(p) for p in PAIRS])
def test_a_leaf_runs_once_and_its_name_or_failure_gets_out(
    db: Db, outer: str, inner: str
) -> None:
    leaf = """df."as"('insert into log (what) values (''leaf'') returning 7 as v',
      'leaf')"""
    graph = COMBINATORS[outer].format(COMBINATORS[inner].format(leaf))
    run = db.finish(f"df.seq({graph}, 'select $leaf as v')")
    failing = db.finish(
        COMBINATORS[outer].format(COMBINATORS[inner].format("'select 1/0'"))
    )
    assert db.rows(run) == [{"v": 7}]
    assert db.log() == ["leaf"]
    row = db.instance(failing)
    assert (row["status"], row["sqlstate"]) == ("failed", "22012")
    assert db.value("select count(*) from df_engine.tasks") == 0


@pytest.mark.parametrize("inner", COMBINATORS)
def test_return_gets_through(db: Db, inner: str) -> None:
    graph = COMBINATORS[inner].format("""df."return"('select 42 as v')""")
    run = db.finish(f"df.seq(df.repeat({graph}), {logged('after')})")
    assert db.rows(run) == [{"v": 42}]
    assert db.log() == []


UNWOUND = [name for name in COMBINATORS if name not in ("loop", "repeat", "break")]


@pytest.mark.parametrize("inner", UNWOUND)
def test_break_gets_through_to_the_loop(db: Db, inner: str) -> None:
    graph = COMBINATORS[inner].format("df.break('9')")
    run = db.finish(f"df.loop(df.seq({logged('round')}, {graph}, {logged('after')}))")
    assert db.result(run) == 9
    assert db.log() == ["round"]


@pytest.mark.parametrize("inner", UNWOUND)
def test_continue_gets_through_to_the_loop(db: Db, inner: str) -> None:
    graph = COMBINATORS[inner].format("df.continue()")
    run = db.finish(
        f"""df.repeat(df.seq({logged("round")}, {graph}, {logged("after")}),
                      until_condition => 'select count(*) >= 3 from log')"""
    )
    assert db.status(run) == "completed"
    assert db.log() == ["round"] * 3


def test_break_in_a_join_waits_for_the_other_branches(db: Db) -> None:
    run = db.finish(
        f"""df.seq(df.repeat(df."join"(df.break('1'),
                     df.seq({logged("a")}, {logged("b")}))), 'select 8 as v')"""
    )
    assert db.rows(run) == [{"v": 8}]
    assert db.log() == ["a", "b"]


def test_return_in_a_join_waits_and_in_a_race_does_not(db: Db) -> None:
    joined = db.finish(
        f"""df.seq(df."join"(df."return"('select 1 as v'), df.seq({logged("a")},
                     {logged("b")})), {logged("after")})"""
    )
    assert db.rows(joined) == [{"v": 1}]
    raced = db.finish("""df.race(df."return"('select 2 as v'), df.sleep(1000))""")
    assert db.rows(raced) == [{"v": 2}]
    assert db.log() == ["a", "b"]


def test_a_failure_in_a_join_counts_more_than_a_break(db: Db) -> None:
    run = db.finish("""df.repeat(df."join"(df.break('1'), 'select 1/0'))""")
    assert db.instance(run)["sqlstate"] == "22012"


def test_races_and_joins_in_a_loop_start_afresh(db: Db) -> None:
    run = db.finish(
        f"""df.repeat(df.seq(
              df."as"(df.race({logged("r")}, df.sleep(1000)), 'race'),
              df."join"({logged("j")}, df.race({logged("k")},
                df.wait_for_signal('never')))),
              until_condition => 'select count(*) >= 9 from log')"""
    )
    assert db.status(run) == "completed"
    assert sorted(db.log()) == sorted(["r", "j", "k"] * 3)
    assert db.value("select count(*) from df_engine.tasks") == 0
    assert db.nodes(run)["2"]["node_type"] == "THEN"


def test_loops_in_branches_go_round_side_by_side(db: Db) -> None:
    loop = """df.repeat('insert into log (what) values (''{0}'')',
        until_condition => 'select count(*) >= {1} from log where what = ''{0}''')"""
    run = db.finish(f"""df."join"({loop.format("a", 3)}, {loop.format("b", 5)})""")
    assert db.status(run) == "completed"
    assert sorted(db.log()) == ["a"] * 3 + ["b"] * 5


def test_inner_break_ends_the_inner_loop_only(db: Db) -> None:
    run = db.finish(
        f"""df.repeat(df.seq(df.repeat(df.seq({logged("i")}, df.break())),
                               {logged("o")}),
                      until_condition => 'select count(*) >= 6 from log')"""
    )
    assert db.status(run) == "completed"
    assert db.log() == ["i", "o"] * 3


def test_branches_see_a_copy_of_the_names(db: Db) -> None:
    """A name bound in a branch is not seen by its sibling, but is after the join."""
    run = db.finish(
        """df.seq(df."as"('select 1 as v', 'x'),
             df."join"(df."as"('select 2 as v', 'x'),
                       df.seq(df.sleep(0), df."as"('select $x as v', 'seen'))),
             'select $x as x, $seen as seen')"""
    )
    assert db.rows(run) == [{"x": 2, "seen": 1}]


def test_names_merge_in_the_order_of_branches(db: Db) -> None:
    run = db.finish(
        """df.seq(df."join"(df.seq(df.sleep(0), df."as"('select 1 as v', 'x')),
                            df."as"('select 2 as v', 'x')), 'select $x as x')"""
    )
    assert db.rows(run) == [{"x": 2}]


def test_a_losers_name_is_not_seen(db: Db) -> None:
    run = db.finish(
        """df.seq(df.race(df.seq(df."as"('select 1 as v', 'lost'), df.sleep(1000)),
                          df.seq('select 1', 'select 1', 'select 1', 'select 1')),
                  'select coalesce($lost?, 0) as v')"""
    )
    assert db.rows(run) == [{"v": 0}]


def test_a_name_is_rebound_in_each_round(db: Db) -> None:
    run = db.finish(
        """df.seq(df."as"('select 1 as n', 'n'),
                  df.repeat(df."as"('select $n * 2 as n', 'n'), 'select $n < 50'),
                  'select $n as n')"""
    )
    assert db.rows(run) == [{"n": 64}]


def test_a_loop_at_the_root_keeps_its_names(db: Db) -> None:
    run = db.finish(
        """df.loop(df.seq(df."as"('select coalesce($n?, 0) + 1 as n', 'n')),
                   'select $n < 4')"""
    )
    assert db.rows(run) == [{"n": 4}]


def test_deep_mixture(db: Db) -> None:
    graph = """df."as"('insert into log (what) values (''leaf'') returning 7 as v',
      'leaf')"""
    for name in [
        "join",
        "race",
        "loop",
        "then",
        "join",
        "retry",
        "repeat",
        "race",
        "as",
    ] * 3:
        graph = COMBINATORS[name].format(graph)
    run = db.finish(f"df.seq({graph}, 'select $leaf as v')")
    assert db.rows(run) == [{"v": 7}]
    assert db.log() == ["leaf"]
