"""The operators of pg_durable: what they stand for, and how PostgreSQL reads them."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.runtime.engine.db import Db

SAME = [
    ("'a' ~> 'b'", "df.seq('a', 'b')"),
    ("'a' |=> 'x'", """df."as"('a', 'x')"""),
    ("'a' & 'b'", """df."join"('a', 'b')"""),
    ("'a' | 'b'", "df.race('a', 'b')"),
    ("'c' ?> 'a' !> 'b'", """df."if"('c', 'a', 'b')"""),
    ("'c' ?> 'a'", """df."if"('c', 'a')"""),
    ("@> 'a'", """df."loop"('a')"""),
    ("df.sql('a') ~> df.sleep(1)", "df.seq('a', df.sleep(1))"),
    # One precedence, from left to right.
    ("'a' ~> 'b' ~> 'c'", "df.seq(df.seq('a', 'b'), 'c')"),
    ("'a' ~> 'b' |=> 'x'", """df."as"(df.seq('a', 'b'), 'x')"""),
    ("'a' ~> ('b' |=> 'x')", """df.seq('a', df."as"('b', 'x'))"""),
    ("'a' |=> 'x' ~> 'b'", """df.seq(df."as"('a', 'x'), 'b')"""),
    ("'a' | 'b' & 'c'", """df."join"(df.race('a', 'b'), 'c')"""),
    ("'a' & 'b' | 'c'", """df.race(df."join"('a', 'b'), 'c')"""),
    ("'a' ~> 'c' ?> 't' !> 'f'", """df."if"(df.seq('a', 'c'), 't', 'f')"""),
    ("@> 'a' ~> 'b'", """df.seq(df."loop"('a'), 'b')"""),
    ("@> ('a' ~> 'b')", """df."loop"(df.seq('a', 'b'))"""),
    ("'a' ~> @> 'b'", """df.seq('a', df."loop"('b'))"""),
    ("('c' ?> ('a' ~> 'b')) !> 'd'", """df."if"('c', df.seq('a', 'b'), 'd')"""),
    ("('c' ?> ('d' ?> 'a')) !> 'b'", """df."if"('c', df."if"('d', 'a'), 'b')"""),
]


@pytest.mark.parametrize(("written", "meant"), SAME)
def test_an_operator_is_its_function(api: Db, written: str, meant: str) -> None:
    assert api.value(f"select {written}") == api.value(f"select {meant}")


@pytest.mark.parametrize(
    "written",
    [
        "'a' !> 'b'",
        "'c' ?> 'a' ~> 'b' !> 'd'",
        "'c' ?> 'a' !> 'b' !> 'd'",
        "'c' ?> 'a' |=> 'x' !> 'd'",
    ],
)
def test_an_else_needs_its_if(api: Db, written: str) -> None:
    with pytest.raises(psycopg.Error, match=r"left side of !>") as caught:
        api.run(f"select {written}")
    assert caught.value.sqlstate == "PD001"


@pytest.mark.parametrize("path", ["public", '"$user", public', "df", "public, df"])
def test_they_are_found_and_run(api: Db, path: str) -> None:
    api.run(f"set search_path = {path}")
    try:
        run = api.finish(
            "'select 2 as n' |=> 'x' ~> ('select $x = 2' ?> 'select $x + 1 as v'"
            " !> 'select 0 as v') ~> ('select 5' & 'select 6' | df.sleep(60))"
        )
    finally:
        api.run("reset search_path")
    assert [part["rows"] for part in api.result(run)] == [
        [{"?column?": 5}],
        [{"?column?": 6}],
    ]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("6 & 3", 2),
        ("6 | 3", 7),
        ("b'101' & b'110'", "100"),
        ("'{1,2}'::int[] @> '{1}'", True),
        ("'[1,2]'::jsonb @> '1'", True),
        ("@ -5", 5),
        ("'abc' ~ 'b'", True),
    ],
)
def test_the_built_in_ones_stay(api: Db, expression: str, value: object) -> None:
    assert api.value(f"select {expression}") == value


def test_who_may_not_use_df_gets_nowhere(api: Db) -> None:
    api.run("drop role if exists df_stranger")
    api.run("create role df_stranger")
    try:
        with psycopg.connect(make_conninfo(api.url), autocommit=True) as connection:
            connection.execute("set role df_stranger")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("select 'a'::text ~> 'b'::text")
    finally:
        api.run("drop role df_stranger")
