"""Substitution: values never become code."""

from __future__ import annotations

import json

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.runtime.engine.db import Db

HOSTILE = [
    "'",
    "''; drop table log; --",
    "\\",
    "\\'",
    "\\'; drop table log; --",
    '"',
    "$order",
    "$input.v",
    "{sys_label}",
    "{sys_instance_id}",
    "$$",
    "$body$",
    "--",
    "/*",
    "a\nb\r\t",
    "\u00fc\u4e2d\U0001f600",
    "%s %(x)s",
    "",
    "x" * 1_000_000,
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda v: ascii(v[:20]))
def test_hostile_text(db: Db, value: str) -> None:
    run = db.finish(
        """df.seq(df."as"('select ($input.v)::text as v, 1 as n', 'r'),
                  'select ($input.v)::text as i, ($r)::text as a, ($r.v)::text as b,
                          (select v from $r.*) as c, ($r.v)::text||$r.v as d')""",
        {"v": value},
        label="{sys_label}'; --",
    )
    assert db.rows(run) == [
        {"i": value, "a": value, "b": value, "c": value, "d": value + value}
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (-3, "(-3)"),
        (1.50, "1.5"),
        (True, "true"),
        (None, "NULL"),
        ("x'y", "'x''y'"),
        ({"a": "'"}, """'{"a": "''"}'"""),
        ([1, "$x"], """'[1, "$x"]'"""),
    ],
)
def test_input_as_sql(db: Db, value: object, text: str) -> None:
    run = db.finish("'select to_jsonb(10) as ten, $input.v as v'", {"v": value})
    assert (
        db.nodes(run)["1"]["rendered_sql"] == f"select to_jsonb(10) as ten, {text} as v"
    )


def test_a_negative_number_after_a_minus(db: Db) -> None:
    run = db.finish("'select 10-$input.v as v'", {"v": -3})
    assert db.rows(run) == [{"v": 13}]


def test_values_do_not_grow_together_with_their_neighbours(db: Db) -> None:
    run = db.finish("$$select length('a'||$input.v||'b') as n$$", {"v": "'"})
    assert db.rows(run) == [{"n": 3}]


def test_the_whole_input(db: Db) -> None:
    run = db.finish(
        """'select ($input)::jsonb -> ''a'' as a'""", {"a": [1, {"b": "'"}]}
    )
    assert db.rows(run) == [{"a": [1, {"b": "'"}]}]


def test_missing_input_is_an_error_at_the_start(db: Db) -> None:
    with pytest.raises(psycopg.Error, match="lacks nope") as caught:
        db.start("'select $input.nope'")
    assert caught.value.sqlstate == "PD003"


@pytest.mark.parametrize(
    "query",
    [
        "select $x$ $r $x$",
        "do $$ begin perform $r; end $$",
        "select U&'\\0061 $r'",
        "select u&'a'\n  '$r'",
        "select E'\\$r'",
        "select E'\\\\\\$r'",
    ],
)
def test_references_where_a_value_could_be_code_are_refused(db: Db, query: str) -> None:
    with pytest.raises(psycopg.Error, match="reference") as caught:
        db.run(
            """select df.start(df.seq(df."as"('select 1', 'r'), %s))""",
            query,
        )
    assert caught.value.sqlstate == "PD001"


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("select 1 as v -- $r", 1),
        ("select 2 as v /* $r /* $r */ $r */", 2),
        ('select 3 as v, 4 as "$r"', 3),
        ("select '$other' as v", "$other"),
        ("select U&'$other' as v", "$other"),
        ("select a$r as v from (values (5)) x (a$r)", 5),
        ("select $r::int + 1 as v", 8),
        ("select '{7,8}'::int[] as v", [7, 8]),
        ("select '{not_a_variable}' as v", "{not_a_variable}"),
        ("select '{\"a\": 1}'::jsonb ? 'a' as v", True),
        ("select $q$it's {$q$ as v", "it's {"),
    ],
)
def test_text_that_is_no_reference_stays(db: Db, query: str, value: object) -> None:
    run = str(
        db.value(
            """select df.start(df.seq(df."as"('select 7 as x', 'r'), %s))""", query
        )
    )
    db.work()
    assert db.rows(run)[0]["v"] == value


def test_null_and_no_row(db: Db) -> None:
    run = db.finish(
        """df.seq(df."as"('select null::int as a', 'n'),
             df."as"('select 1 where false', 'e'),
             'select $n.a? as a, $n? as b, $e? as c, (select count(*) from $e.*) as
               d')"""
    )
    assert db.rows(run) == [{"a": None, "b": None, "c": None, "d": 0}]
    for reference, message in [
        ("$n.a", "$n.a is NULL"),
        ("$n.zz", "$n.zz does not exist"),
    ]:
        run = db.finish(
            f"""df.seq(df."as"('select null::int as a', 'n'), 'select {reference}')"""
        )
        assert db.instance(run)["error"] == message


def test_variables(db: Db) -> None:
    db.run("select df.setvar('color', %s)", "r'ed")
    run = db.finish(
        "'select ''{color}'' as c, ''{unknown}'' as u, ''{sys_label}'' as l'",
        label="it's",
    )
    db.run("select df.clearvars()")
    assert db.rows(run) == [{"c": "r'ed", "u": "{unknown}", "l": "it's"}]
    assert db.value("select df.getvar('color')") is None


def test_a_name_that_never_ran(db: Db) -> None:
    run = db.finish(
        """df.seq(df."if"('select false', df."as"('select 1', 'maybe')),
                  'select $maybe? as a', 'select $maybe')"""
    )
    assert db.instance(run)["error"] == "$maybe has no value yet"


PIECES = (
    *("$r", "$r.c", "$r.*", "$r?", "$input.x", "'a''b'", "E'\\''", '"q"', "$$ b $$"),
    *("$t$ x $t$", "--c\n", "/* /* */ */", " ", "{v}", "a", "1", "?", ".", "::", "/"),
    *("-", "'{v}'", "\u00e9", "$", "{", "*/"),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.sampled_from(PIECES)))
def test_the_pieces_joined_are_the_text(db: Db, pieces: list[str]) -> None:
    text = "".join(pieces)
    split = "select parts, refs from df_engine.split_sql(%s, %s::text[])"
    try:
        ((parts, refs),) = db.run(split, text, ["r", "input"])
    except psycopg.Error as error:
        if error.sqlstate != "PD001":  # a reference that ended up inside a literal
            raise
        return
    assert len(parts) == len(refs) + 1
    joined = parts[0]
    for ref, part in zip(refs, parts[1:], strict=True):
        joined += written(ref) + part
    assert joined == text


def written(ref: dict[str, str]) -> str:
    if "v" in ref:
        return "{" + ref["v"] + "}"
    column = ".*" if "star" in ref else f".{ref['c']}" if "c" in ref else ""
    return f"${ref['n']}{column}" + ("?" if "q" in ref else "")


def test_http_texts_are_raw(db: Db) -> None:
    run = db.finish(
        """df.seq(df."as"('select ''a b'' as t, 5 as n, null::text as z', 'r'),
             df.http('http://host/$r.n/$r.t', 'put', '{"t": "$r.t", "i": $input}',
                     '{"X-N": "$r.n", "X-Z": "$r.z?"}'))""",
        {"q": "'"},
    )
    ((url, method, body, headers),) = db.run(
        "select url, method, body, headers from df.claim_http('w', 5) where run_id"
        " = %s",
        run,
    )
    assert (url, method) == ("http://host/5/a b", "PUT")
    assert json.loads(body) == {"t": "a b", "i": {"q": "'"}}
    assert headers == {"X-N": "5", "X-Z": ""}
