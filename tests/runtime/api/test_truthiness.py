"""What counts as true, in df.if and df.loop: the table of pg_durable, row by row."""

from __future__ import annotations

import pytest

from tests.runtime.engine.db import Db

TRUE = [
    "true",
    "1",
    "-1",
    "0.5",
    "'true'",
    "' T '",
    "'yes'",
    "'YES'",
    "'1'",
    "'-0.1'",
    "'off'",
    "'on'",
    "'x'",
    "'nan'",
    "'infinity'",
    "'1e400'",
    "'0x'",
    "now()",
    "'[0]'::jsonb",
    "'{\"a\": null}'::jsonb",
    "array[false]",
    "'1e-300'",
]
FALSE = [
    "false",
    "0",
    "0.0",
    "-0.0::float8",
    "null",
    "''",
    "'  '",
    "'false'",
    "' F '",
    "'no'",
    "'0'",
    "'-0'",
    "'0.00'",
    "'0e5'",
    "'1e-400'",
    "'{}'::jsonb",
    "'[]'::jsonb",
    "'null'::jsonb",
    "'\"\"'::jsonb",
    "'false'::jsonb",
    "'{}'::int[]",
    "1 where false",
]


def chosen(api: Db, condition: str) -> object:
    quoted = f"select {condition}".replace("'", "''")
    run = api.finish(
        f"""df."if"('{quoted}', 'select true as v', 'select false as v')"""
    )
    return api.rows(run)[0]["v"]


@pytest.mark.parametrize("value", TRUE)
def test_true(api: Db, value: str) -> None:
    assert chosen(api, value) is True


@pytest.mark.parametrize("value", FALSE)
def test_false(api: Db, value: str) -> None:
    assert chosen(api, value) is False


@pytest.mark.parametrize(
    ("condition", "true"),
    [
        ("'create temp table t (a int)'", False),
        ("'select false as a, true as b'", False),
        ("'select true as b, false as a'", True),
        ("'values (true), (false)'", True),
        ("df.sleep(0)", True),
        ("df.wait_for_signal('s', 0)", True),
        ("""df."join"('select 0', 'select 0')""", True),
        ("""df."loop"(df."break"('false'))""", False),
        ("""df."loop"(df."break"('no'))""", False),
        ("""df."loop"(df."break"('0'))""", False),
        ("""df."loop"(df."break"())""", False),
        ("""df."as"('select 3', 'c')""", True),
        ("df.seq('select false', 'select true')", True),
    ],
)
def test_other_nodes_as_conditions(api: Db, condition: str, true: bool) -> None:
    run = api.finish(
        f"""df."if"({condition}, 'select true as v', 'select false as v')"""
    )
    assert api.rows(run) == [{"v": true}]


def test_a_loop_asks_the_same_question(api: Db) -> None:
    run = api.finish(
        """df."loop"('insert into log (what) values (''x'')',
                     'select case when count(*) < 3 then ''on'' else ''no'' end
                      from log')"""
    )
    assert api.status(run) == "completed"
    assert api.log() == ["x"] * 3
