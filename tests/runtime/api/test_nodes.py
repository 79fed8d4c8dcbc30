"""One row per node function of the API's table: what it does and what it gives."""

from __future__ import annotations

import psycopg
import pytest

from tests.runtime.engine.db import Db


def rows(*found: dict[str, object]) -> dict[str, object]:
    return {"rows": list(found), "row_count": len(found)}


A, B = rows({"a": 1}), rows({"b": 2})
LOGGED = "insert into log (what) values (''{}'')"
ONCE = LOGGED.format("x")

# A graph, and the result of its run.
TABLE = {
    "sql": ("df.sql('select 1 as a')", A),
    "a plain string": ("'select 1 as a'", A),
    "a statement without rows": (f"'{ONCE}'", rows()),
    "rows of a change": (f"'{ONCE} returning what'", rows({"what": "x"})),
    "no row": ("'select 1 as a where false'", rows()),
    "one trailing semicolon": ("'select 1 as a ; '", A),
    "same names": ("'select 1 as a, 2 as a'", rows({"a": 2})),
    "seq": ("df.seq('select 1 as a', 'select 2 as b')", B),
    "seq, by name": ("df.seq(b => 'select 2 as b', a => 'select 1')", B),
    "as": ("""df.seq(df."as"('select 1 as a', 'x'), 'select $x as a')""", A),
    "as, by name": ("""df."as"(fut => 'select 1 as a', name => 'x')""", A),
    "as, again": (
        """df.seq(df."as"(df."as"('select 1 as a', 'x'), 'y'), 'select $y as a')""",
        A,
    ),
    "join": ("""df."join"('select 1 as a', 'select 2 as b')""", [A, B]),
    "join3": ("df.join3('select 1 as a', 'select 2 as b', 'select 1 as a')", [A, B, A]),
    "race": ("df.race('select 1 as a', df.sleep(3600))", A),
    "if": ("""df."if"('select true', 'select 1 as a', 'select 2 as b')""", A),
    "if not": ("""df."if"('select false', 'select 1 as a', 'select 2 as b')""", B),
    "if, by name": (
        """df."if"(condition => 'select true', then_branch => 'select 1 as a',
                   else_branch => 'select 2')""",
        A,
    ),
    "if_rows": (
        """df.seq(df."as"('select 1', 'x'),
                  df.if_rows('x', 'select 1 as a', 'select 2 as b'))""",
        A,
    ),
    "if_rows without rows": (
        """df.seq(df."as"('select 1 where false', 'x'),
                  df.if_rows('x', 'select 1 as a', 'select 2 as b'))""",
        B,
    ),
    "loop": (
        f"""df."loop"('{ONCE} returning 1 as a', 'select count(*) < 3 from log')""",
        A,
    ),
    "loop going on after failures": (
        f"""df."loop"(df.seq('{ONCE}', 'select 1/0'), 'select count(*) < 3 from log',
                     true)""",
        None,
    ),
    "loop, by name": (
        """df."loop"(body => 'select 1 as a', condition => 'select false')""",
        A,
    ),
    "break": ("""df."loop"(df.seq('select 1', df."break"()))""", None),
    "break with a value": ("""df."loop"(df."break"('{"a": [1]}'))""", {"a": [1]}),
    "break with a text": ("""df."loop"(df."break"('$x {y}'))""", "$x {y}"),
    "break in the condition": (
        """df."loop"('select 1', df.seq('select true', df."break"('3')))""",
        3,
    ),
    "sleep": ("df.sleep(0)", {"slept": True, "seconds": 0}),
    "wait_for_signal": (
        "df.wait_for_signal('go', 0)",
        {"signal_name": "go", "timed_out": True, "data": None},
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_result_of_a_node(api: Db, name: str) -> None:
    graph, expected = TABLE[name]
    assert api.result(api.finish(graph)) == expected


def test_leaves_of_a_loop_run_as_often_as_it_turns(api: Db) -> None:
    for name in ("loop", "loop going on after failures"):
        api.run("truncate log")
        api.finish(TABLE[name][0])
        assert api.log() == ["x"] * 3


def test_wait_for_schedule(api: Db) -> None:
    api.run("select df.set_time('2030-01-01 08:59:30+00')")
    run = api.finish("df.wait_for_schedule(cron_expr => '0 9 * * *')")
    assert api.status(run) == "running"
    api.run("select df.set_time('2030-01-01 09:00:00+00')")
    api.work()
    assert api.result(run) == {"scheduled": True}


def test_signal_with_data(api: Db) -> None:
    run = api.finish("df.wait_for_signal(name => 'go', timeout_seconds => 60)")
    sent = api.value("select df.signal(%s, 'go', signal_data => '{\"a\": 1}')", run)
    api.work()
    assert sent == "OK"
    assert api.result(run) == {
        "signal_name": "go",
        "timed_out": False,
        "data": {"a": 1},
    }


def test_http(api: Db) -> None:
    run = api.finish("""df."as"(df.http('http://h/', headers => '{"a": "b"}'), 'r')""")
    ((request, attempt, method, headers, parts),) = api.run(
        "select request_id, attempt, method, headers, parts from df.claim_http('w', 1)"
    )
    assert (method, headers, parts) == ("POST", {"a": "b"}, None)
    answer = (
        '{"status": 200, "body": "AA==", "encoding": "base64", "headers": {},'
        ' "ok": true, "duration_ms": 1}'
    )
    api.run("select df.finish_http(%s, %s, %s)", request, attempt, answer)
    api.work()
    assert api.result(run)["encoding"] == "base64"


# Graphs that are refused: by the function itself, or by df.start.
REFUSED = {
    "null": "df.sql(null)",
    "null in a seq": "df.seq('select 1', null)",
    "a name that is none": """df."as"('select 1', '1x')""",
    "an empty name": """df."as"('select 1', '')""",
    "a negative sleep": "df.sleep(-1)",
    "a cron that is none": "df.wait_for_schedule('every day')",
    "a signal without a name": "df.wait_for_signal('')",
    "a negative timeout": "df.wait_for_signal('a', -1)",
    "no url": "df.http('')",
    "no time": "df.http('http://h', timeout_seconds => 0)",
    "headers that are none": "df.http('http://h', headers => '[1]')",
    "a name that nobody binds": "df.if_rows('x', 'select 1', 'select 2')",
    "two statements": "'select 1; select 2'",
    "a statement after a comment": "'select 1; -- and \n select 2'",
    "a graph of another runtime": """'{"node_type": "SQL", "query": "select 1"}'""",
    "a graph cut short": """'[{"df":"seq","n":2},{"df":"sql","q":"select 1"}]'""",
    "a node that is none": """'[{"df":"nope"}]'""",
    "multipart without parts": "df.http_multipart('http://h')",
    "multipart with no part": "df.http_multipart('http://h', parts => '[]')",
    "multipart by get": """df.http_multipart('http://h', 'GET',
        '[{"name": "a", "data_b64": ""}]')""",
    "a part without a name": """df.http_multipart('http://h',
        parts => '[{"data_b64": ""}]')""",
    "a part without data": """df.http_multipart('http://h',
        parts => '[{"name": "a"}]')""",
    "a part with something else": """df.http_multipart('http://h',
        parts => '[{"name": "a", "data_b64": "", "path": "/etc/passwd"}]')""",
    "a reference amid base64": """df.http_multipart('http://h',
        parts => '[{"name": "a", "data_b64": "AA$x"}]')""",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_go_well_is_refused_at_the_start(api: Db, name: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        api.run(f"select df.start({REFUSED[name]})")
    assert caught.value.sqlstate == "PD001"
    assert api.run("select * from df.instances") == []


ONE_STATEMENT = (
    "select ';' as v; ",
    "select E'\\';' as v",
    "select 1 /* ; */ as v -- ; select 2",
    "select $$a; b$$ as v;;",
    'select 1 as "a;b"',
    "do $$ begin perform 1; perform 2; end $$",
    "create function pg_temp.f() returns int begin atomic select 1; select 2; end",
)


@pytest.mark.parametrize("statement", ONE_STATEMENT)
def test_a_semicolon_is_not_always_an_end(api: Db, statement: str) -> None:
    run = str(api.value("select df.start(%s)", statement))
    api.work()
    assert api.status(run) == "completed"


def test_multipart(api: Db) -> None:
    api.run("select df.setvar('v', 'AQI=')")
    run = api.finish(
        """df.seq(df."as"('select ''aGk='' as b, ''n"1'' as n', 'x'),
             df.http_multipart('http://h/$x.n', 'put', '[
               {"name": "f$x.n", "filename": "$x.n.txt", "content_type": "text/plain",
                "data_b64": " $x.b "},
               {"name": "g", "data_b64": "{v}"},
               {"name": "h", "data_b64": "AA==\\n"}]',
               '{"x-a": "$x.n"}', 5))"""
    )
    found = api.run(
        "select method, url, headers, body, timeout_seconds, parts"
        " from df.claim_http('w', 1)"
    )
    assert found == [
        (
            "PUT",
            'http://h/n"1',
            {"x-a": 'n"1'},
            None,
            5,
            [
                {
                    "name": 'fn"1',
                    "filename": 'n"1.txt',
                    "content_type": "text/plain",
                    "data_b64": "aGk=",
                },
                {"name": "g", "data_b64": "AQI="},
                {"name": "h", "data_b64": "AA==\n"},
            ],
        )
    ]
    node = api.nodes(run)["3"]
    assert (node["node_type"], node["status"]) == ("HTTP_MULTIPART", "running")


def test_multipart_needs_the_grant_for_http(api: Db, roles: tuple[str, str]) -> None:
    part = """'[{"name": "a", "data_b64": ""}]'"""
    graph = f"df.http_multipart('http://h', parts => {part})"
    api.run(f"set session authorization {roles[0]}")
    try:
        with pytest.raises(psycopg.Error) as caught:
            api.run(f"select df.start({graph})")
    finally:
        api.run("reset session authorization")
    assert caught.value.sqlstate == "PD005"


@pytest.mark.parametrize(
    "statement",
    [
        "select 1;select 2",
        "select 1; ; /* c */ ; select 2",
        "select 'a'; -- c\n'b'",
        "select E'\\''; select 2",
        "select 1; $$a$$",
        'select 1 as "a"; "b"',
    ],
)
def test_more_than_one_statement(api: Db, statement: str) -> None:
    with pytest.raises(psycopg.Error, match="one statement") as caught:
        api.run("select df.start(%s)", statement)
    assert caught.value.sqlstate == "PD001"


def test_items_are_seen_one_by_one(api: Db) -> None:
    run = api.finish(
        """df.foreach('select g as v from generate_series(1, 2) g',
             df.seq('select $item.v as a',
               df.foreach('select 7 as w', 'select $item.v + $inner.w', 'inner')))"""
    )
    rows = api.run(
        "select id, item, value, status, rendered_sql from df.node_items"
        " where instance_id = %s order by item, id",
        run,
    )
    assert rows == [
        ("3", [1], {"v": 1}, "completed", "select 1 as a"),
        ("4", [1], {"v": 1}, "completed", "select 7 as w"),
        ("5", [1, 1], {"w": 7}, "completed", "select 1 + 7"),
        ("3", [2], {"v": 2}, "completed", "select 2 as a"),
        ("4", [2], {"v": 2}, "completed", "select 7 as w"),
        ("5", [2, 1], {"w": 7}, "completed", "select 2 + 7"),
    ]
    assert api.nodes(run)["3"]["executions"] == 2
