r"""References inside string literals: the value's text, which is never code.

Each hostile value is put through every kind of literal, and has to come out as it went
in; whatever it tries would leave a trace in `public.log` or fail the step.
"""

from __future__ import annotations

import json

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.runtime.engine.db import Db

HOSTILE = [
    "it's",
    "'",
    "''",
    "\\",
    "\\'",
    "\\\\'",
    "'; insert into public.log (what) values ('hit'); --",
    "\\'; insert into public.log (what) values ('hit'); --",
    "' || (select current_user) || '",
    "$$ $x$ $r $r.c {sys_label} {v} $input.z",
    "$tag$",
    "-- a\n/* b */ -- c",
    '"quoted" % %s %L {} []',
    "\x01\x7f\u00e9\u4e2d\U0001f600",
    "\u02bc\uff07\u2019",  # not quotes, and to stay so
    "\\u0027 \\047 \\x27 \\U00000027",
    "E'\\\\'",
    "'''''''''''''''",
    "a" * 5000 + "'" * 5001,
    "",
]

# An expression with references inside, and what it gives for a value.
LITERALS = {
    "'a$r.t;b'": "a{};b",
    "'$r.t'": "{}",
    "'''$r.t'''": "'{}'",
    r"E'a\'$r.t\n'": "a'{}\n",
    r"e'$r.t' || E'\\$r.t'": "{}\\{}",
    "N'$r.t'": "{}",
    r"'\$r.t'": "\\{}",
    "'a' -- '\n  'b$r.t'": "ab{}",
    "E'a' -- '\n  '\\'$r.t'": "a'{}",
    "'$r.t$r.t'": "{}{}",
    "'$r'": "{}",
    "'$r.t?'": "{}",
    "'<$input.t>' || E'<$input.t>'": "<{}><{}>",
    "'<{v}>' || E'<{v}>'": "<{}><{}>",
    "$r.t": "{}",
    "'a'||$r.t||'b'": "a{}b",
}


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_stay_text(api: Db, value: str) -> None:
    api.run("select df.setvar('v', %s)", value)
    columns = ",\n".join(f"({text}) as v{n}" for n, text in enumerate(LITERALS))
    run = api.start_with(f"select {columns}", {"t": value})
    api.work()
    (row,) = api.rows(run)
    for found, (text, shape) in zip(row.values(), LITERALS.items(), strict=True):
        assert found == shape.replace("{}", value), text
    assert api.log() == []


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(value=st.text(st.sampled_from("'\\$\"{}-/*;Ee\nr.t\u00e9 "), max_size=12))
def test_any_text_stays_text(api: Db, value: str) -> None:
    query = (
        "select '$r.t' as a, E'$r.t' as b, 'x' || $r.t as c, E'\\'$r.t'"
        " '' || '$input.t' as d"
    ).replace(" ''", "\n ''")
    run = api.start_with(query, {"t": value})
    api.work()
    assert api.rows(run) == [
        {"a": value, "b": value, "c": "x" + value, "d": "'" + value + value}
    ]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("5", "5"),
        ("-5", "-5"),
        ("1.50::numeric(5,2)", "1.50"),
        ("true", "true"),
        ("'2020-01-02'::date", "2020-01-02"),
        ("""'{"a": [1, "x''y"]}'::jsonb""", '{"a": [1, "x\'y"]}'),
        ("array[1, 2]", "[1,2]"),
    ],
)
def test_the_text_of_values(api: Db, column: str, text: str) -> None:
    run = api.finish(
        f"""df.seq(df."as"('select {column.replace("'", "''")} as c', 'r'),
                   'select ''<$r.c>'' as v')"""
    )
    assert api.rows(run) == [{"v": f"<{text}>"}]


def test_null_and_missing_values(api: Db) -> None:
    null = """df.seq(df."as"('select null::int as c', 'r'), 'select ''<{}>'' as v')"""
    assert api.rows(api.finish(null.format("$r.c?"))) == [{"v": "<NULL>"}]
    assert api.rows(api.finish(null.format("$r?"))) == [{"v": "<NULL>"}]
    failed = api.instance(api.finish(null.format("$r.c")))
    assert (failed["sqlstate"], failed["error"]) == ("PD004", "$r.c is NULL")
    given = api.finish("'select ''<$input.a>'' as v'", {"a": None})
    assert api.rows(given) == [{"v": "<NULL>"}]


def test_rows_and_whole_results_are_json(api: Db) -> None:
    run = api.finish(
        """df.seq(df."as"('select 1 as a union all select 2', 'r'),
             df."as"(df.wait_for_signal('go', 0), 's'),
             'select ''$r.*'' as r, ''$s'' as s')"""
    )
    ((row),) = api.rows(run)
    assert json.loads(row["r"]) == [{"a": 1}, {"a": 2}]
    assert json.loads(row["s"]) == {
        "signal_name": "go",
        "timed_out": True,
        "data": None,
    }


def test_only_with_standard_conforming_strings(api: Db) -> None:
    """Without them a backslash in '...' would escape the quote that follows it."""
    name = api.value("select current_database()")
    run = api.start_with("select '$r.t' as v", {"t": "\\"})
    api.run(f"alter database {name} set standard_conforming_strings = off")
    try:
        with psycopg.connect(api.url, autocommit=True) as connection:
            connection.execute("call df.work(100, 10000)")
    finally:
        api.run(f"alter database {name} reset standard_conforming_strings")
    row = api.instance(run)
    assert (row["status"], row["sqlstate"]) == ("failed", "PD004")
    assert "standard_conforming_strings" in row["error"]


NODES = (
    """df."as"('select ''a''::text as t', 'r')""",
    "df.transaction('select 1', 'select 2')",
    "df.http_multipart('http://localhost/', 'POST', jsonb_build_array("
    "jsonb_build_object('name', 'f', 'data_b64', '$r.t')))",
)
READ = (
    "select df.explain(%(run)s)",
    """select df.explain($$df.seq('select 1', 'select 2')$$)""",
    "select df.list_instances(null, 1, null, df_graph.cursor_of(now(), '00000000'))",
    "select perdure.url_encode('a b')",
    "select perdure.stop_schedule('a_b')",
    "select df.signal(%(run)s, 'go', '{\"a\": 1}')",
)


def test_a_session_that_reads_literals_otherwise(api: Db) -> None:
    """One with standard_conforming_strings off starts runs, and looks at them."""
    graph = ", ".join(NODES)
    options = "-c standard_conforming_strings=off -c escape_string_warning=off"
    with psycopg.connect(api.url, autocommit=True, options=options) as connection:
        row = connection.execute(
            f"select df.start(df.seq({graph}))".encode()
        ).fetchone()
        assert row is not None
        for query in READ:
            connection.execute(query.encode(), {"run": row[0]})
    api.work()
    assert api.status(str(row[0])) == "running"  # its request is to be made
