"""Results and substitution, row by row: what stands for what, in SQL and raw text."""

from __future__ import annotations

import pytest

from tests.runtime.engine.db import Db

# A statement bound as `$r`, a statement that reads it as column v, and v.
IN_SQL = {
    "first column": ("select 2 as b, 1 as a", "select $r as v", 2),
    "a column": ("select 2 as b, 1 as a", "select $r.a as v", 1),
    "first row": ("values (7), (8)", "select $r as v", 7),
    "a number is bare": ("select 3 as n", "select $r / 2 as v", 1),
    "a negative one too": ("select -3 as n", "select 10-$r as v", 13),
    "and binds tightly": ("select -3 as n", "select $r::int2 as v", -3),
    "numeric": ("select 150.00 as n", "select $r > 100 as v", True),
    "a boolean is bare": ("select true as b", "select not $r as v", False),
    "text is quoted": ("select 'it''s' as t", "select $r || '!' as v", "it's!"),
    "a date is text": (
        "select date '2020-01-02' as d",
        "select $r::date + 1 as v",
        "2020-01-03",
    ),
    "json is text": (
        """select '{"a": [1]}'::jsonb as j""",
        "select $r::jsonb -> 'a' -> 0 as v",
        1,
    ),
    "an array is json": ("select array[1, 2] as a", "select ($r)::jsonb -> 1 as v", 2),
    "null, allowed": ("select null::int as n", "select $r? is null as v", True),
    "null in a column": ("select null::int as n", "select $r.n? is null as v", True),
    "no row, allowed": ("select 1 as n where false", "select $r? is null as v", True),
    "all rows": (
        "values (1, 'a'), (2, null)",
        "select string_agg(column1 || coalesce(column2, '-'), ',') as v from $r.*",
        "1a,2-",
    ),
    "rows by name": ("select 5 as n", "select r.n as v from $r.*", 5),
    "no rows at all": (
        "select 1 as n where false",
        "select count(*) as v from $r.*",
        0,
    ),
    "many rows": (
        "select g as n from generate_series(1, 11000) g",
        "select sum(n) as v from $r.*",
        60505500,
    ),
    "a longer name is another": ("select 1 as n", "select '$rest' as v", "$rest"),
    "a dollar and no name": ("select 1 as n", "select '$1 $' as v", "$1 $"),
}


@pytest.mark.parametrize("name", IN_SQL)
def test_in_sql(api: Db, name: str) -> None:
    bound, query, value = IN_SQL[name]
    run = str(
        api.value("""select df.start(df.seq(df."as"(%s, 'r'), %s))""", bound, query)
    )
    api.work()
    assert api.rows(run) == [{"v": value}]


FAILING = {
    "null": ("select null::int as n", "$r is NULL"),
    "no row": ("select 1 as n where false", "$r has no rows"),
}


@pytest.mark.parametrize("name", FAILING)
def test_without_a_value_the_node_fails(api: Db, name: str) -> None:
    bound, message = FAILING[name]
    run = str(
        api.value("""select df.start(df.seq(df."as"(%s, 'r'), 'select $r'))""", bound)
    )
    api.work()
    row = api.instance(run)
    assert (row["status"], row["sqlstate"], row["error"]) == (
        "failed",
        "PD004",
        message,
    )
    assert api.nodes(run)["3"]["status"] == "failed"


@pytest.mark.parametrize(
    "query",
    [
        "select $nope",
        "select $nope.a from $r.*",
        "select E'\\' $x' || '$y', $nope?",
        "update pg_class set relname = $nope where oid = 0",
    ],
)
def test_a_name_that_nothing_binds(api: Db, query: str) -> None:
    run = str(
        api.value("""select df.start(df.seq(df."as"('select 1', 'r'), %s))""", query)
    )
    api.work()
    node = api.nodes(run)["3"]
    assert (node["sqlstate"], node["error"]) == ("PD004", "no node binds $nope")
    assert node["detail"].endswith("Bound are: input, r.")


def test_a_dollar_that_is_no_reference_is_a_syntax_error(api: Db) -> None:
    assert api.instance(api.finish("'select $ from $'"))["sqlstate"] == "42601"


# A node without rows, bound as `$r`; what `select $r as v` gives; and its columns.
WITHOUT_ROWS = {
    "number": ("""df."loop"(df."break"('5'))""", "5"),
    "text": ("""df."loop"(df."break"('abc'))""", '"abc"'),
    "null": ("""df."loop"(df."break"())""", "null"),
    "object": ("""df."loop"(df."break"('{"a": 1}'))""", '{"a": 1}'),
    "join": (
        """df."join"('select 1 as a', 'select 2 as b')""",
        '[{"rows": [{"a":1}], "row_count": 1}, {"rows": [{"b":2}], "row_count": 1}]',
    ),
    "sleep": ("df.sleep(0)", '{"slept": true, "seconds": 0}'),
}


@pytest.mark.parametrize("name", WITHOUT_ROWS)
def test_a_result_without_rows_is_its_json(api: Db, name: str) -> None:
    graph, text = WITHOUT_ROWS[name]
    run = api.finish(
        f"""df.seq(df."as"({graph}, 'r'),
              'select $r as v, pg_typeof($r)::text as t, ''$r'' as l')"""
    )
    assert api.rows(run) == [{"v": text, "t": "unknown", "l": text}]


def test_fields_of_a_result_without_rows(api: Db) -> None:
    run = api.finish(
        """df.seq(df."as"(df."loop"(df."break"('{"a": {"b": 1}, "s": "q", "n": null}')),
                          'r'),
              'select ($r.a)::jsonb -> ''b'' as a, $r.s as s, $r.n? is null as n')"""
    )
    assert api.rows(run) == [{"a": 1, "s": "q", "n": True}]


def test_raw_text(api: Db) -> None:
    api.run("select df.setvar('host', 'h')")
    api.finish(
        """df.seq(df."as"('select ''a b'' as t, 5 as n, null::text as z,
                           ''{"k": 1}''::jsonb as j', 'r'),
             df."as"(df.wait_for_signal('s', 0), 'sig'),
             df.http('http://{host}/$r.n/$r', 'GET', '$r.j $sig $r.z?. {other} $other',
                     '{"a": "$r.t;"}'))""",
        label="l",
    )
    ((url, body, headers),) = api.run(
        "select url, body, headers from df.claim_http('w', 1)"
    )
    assert url == "http://h/5/a b"
    assert headers == {"a": "a b;"}
    start = '{"k":1} {"signal_name":"s","timed_out":true,"data":null} . {other} $other'
    assert body.replace(": ", ":").replace(", ", ",") == start.replace(", ", ",")


def test_variables(api: Db) -> None:
    api.run(
        "select df.setvar('table', 'log'), df.setvar('a', '{b}'), df.setvar('b', 'x')"
    )
    run = api.start(
        "'select count(*) as n, ''{a} {sys_label} {unknown}'' as t,"
        " ''{sys_instance_id}'' as i, ''{\"b\":{a}}'' as j from {table}'",
        label="my 'label'",
    )
    api.run("select df.setvar('b', 'too late')")
    api.work()
    assert api.rows(run) == [
        {"n": 0, "t": "{b} my 'label' {unknown}", "i": run, "j": '{"b":{b}}'}
    ]


def test_a_break_value_is_never_replaced(api: Db) -> None:
    run = api.finish(
        """df.seq(df."as"('select 1', 'r'), df."loop"(df."break"('$r {sys_label}')))"""
    )
    assert api.result(run) == "$r {sys_label}"
