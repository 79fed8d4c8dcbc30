"""Statements: their outline, their references, and what is refused."""

from __future__ import annotations

import pytest

from perdure.diagnostics import Diagnostic
from perdure.frontend.sqltext import read_sql
from perdure.source import Run, Span, Text, verbatim
from perdure.syntax.sql import SqlText


def read(text: str) -> SqlText:
    statement, found = read_sql(verbatim("w.yaml", text))
    assert found == []
    assert statement is not None
    assert "".join(token.text for token in statement.tokens) == text
    return statement


def suspected(text: str) -> Diagnostic:
    (suspect,) = read(text).suspects
    assert suspect.names[0] in ("a", "b", "d", "n", "order")
    return suspect.finding


def findings(text: str) -> list[Diagnostic]:
    statement, found = read_sql(verbatim("w.yaml", text))
    assert statement is None
    return found


@pytest.mark.parametrize(
    ("text", "main", "keyword"),
    [
        ("select 1", "select", "select"),
        ("  -- c\n SELECT 1 ;; -- d", "SELECT", "select"),
        ("values (1)", "values", "values"),
        ("(select 1) union (select 2)", "(", "select"),
        ("with a as (select 1) select 2", "select", "select"),
        ("with a(x, y) as (select (1), 2) insert into t table a", "insert", "insert"),
        ("with a as materialized (select 1) update t set x = 1", "update", "update"),
        ("with a as not materialized (select 1) (select 1)", "(", "select"),
        (
            "with recursive a as (select 1), b as (delete from t returning x) "
            "merge into t using b on true when matched then delete",
            "merge",
            "merge",
        ),
        (
            "with recursive a as (select 1) search depth first by x, y set o select 2",
            "select",
            "select",
        ),
        (
            "with recursive a as (select 1) cycle x, y set c to 1 default 0 using p, "
            "b as (select 2) delete from t",
            "delete",
            "delete",
        ),
        ('with "as" as (select 1) select 2', "select", "select"),
        ("call p(:x)", "call", "call"),
        ("create table t as select 1", "create", "create"),
    ],
)
def test_the_statement_proper_is_found(text: str, main: str, keyword: str) -> None:
    statement = read(text)
    assert statement.tokens[statement.main].text == main
    assert statement.keyword == keyword
    last = statement.tokens[statement.main : statement.last]
    assert last[0].text == main
    assert statement.has_with == text.startswith("with")
    assert statement.recursive == text.startswith("with recursive")


def test_the_statement_is_without_what_surrounds_it() -> None:
    statement = read(" -- a\n select /* b */ 1 ; -- c\n;")
    inner = statement.tokens[statement.first : statement.last]
    assert "".join(token.text for token in inner) == "select /* b */ 1"


@pytest.mark.parametrize(
    ("text", "returning"),
    [
        ("insert into t values (1) returning id", True),
        ("update t set x = 1 RETURNING *", True),
        ("merge into t using s on true when matched then delete returning t.id", True),
        ("insert into t values (1)", False),
        ("insert into t select returning from s", True),
        ("select 1 as returning", False),
        ("with a as (delete from t returning id) select id from a", False),
        ("with a as (delete from t returning id) insert into u select * from a", False),
        ("insert into t values ('returning')", False),
        ('insert into t ("returning") values (1)', False),
        ("update t set x = u.returning from u", False),
    ],
)
def test_returning(text: str, returning: bool) -> None:
    assert read(text).returning is returning


def test_references_know_their_parts_and_places() -> None:
    text = "select :a, :b.c.d from :e.* x"
    statement = read(text)
    shown = [
        (
            statement.tokens[ref.index].text,
            [part.text for part in ref.parts],
            [text[part.span.start : part.span.end] for part in ref.parts],
            ref.row_set,
            text[ref.span.start : ref.span.end],
        )
        for ref in statement.refs
    ]
    assert shown == [
        (":a", ["a"], ["a"], False, ":a"),
        (":b.c.d", ["b", "c", "d"], ["b", "c", "d"], False, ":b.c.d"),
        (":e.*", ["e"], ["e"], True, ":e.*"),
    ]


def test_places_follow_the_file_and_not_the_value() -> None:
    # a block scalar, indented by six: two lines at 20 and 35
    runs = (Run(0, 20, 9), Run(9, 35, 10))
    statement, _ = read_sql(Text("select 1\nwhere :x.y", Span("w.yaml", 18, 45), runs))
    assert statement is not None
    assert statement.refs[0].span == Span("w.yaml", 41, 45)
    assert statement.refs[0].parts[1].span == Span("w.yaml", 44, 45)


def test_semicolons_inside_of_a_statement() -> None:
    read("create rule r as on insert to t do also (select 1; select 2)")
    read(
        "create or replace procedure p() begin atomic select 1; "
        "select case when true then 1 end; end;"
    )
    read("do $$ begin perform 1; end $$")
    read("select ';'")


WRONG = {
    "": ("WF162", "", "expected an SQL statement, found none"),
    " -- nothing\n;": ("WF162", " -- nothing\n;", "expected an SQL statement"),
    "select 'abc": ("WF160", "'", "the string that begins here has no end"),
    "select 'a''": ("WF160", "'", "the string that begins here has no end"),
    r"select E'abc\'": ("WF160", "E'", "the string that begins here has no end"),
    "select E'abc\\": ("WF160", "E'", "the string that begins here has no end"),
    'select "abc': ("WF160", '"', "the quoted name that begins here has no end"),
    "select 1 /* a /* b */": ("WF160", "/*", "the comment that begins here"),
    "select $a$ b $A$": ("WF160", "$a$", "the dollar-quoted body that begins"),
    "select 1; select 2": ("WF161", "select 2", "expected one statement, found 2"),
    "select 1; select 2; ;": ("WF161", "select 2", "expected one statement, found 2"),
    "select $1": ("WF163", "$1", '"$1" refers to a parameter'),
    "select 1 where a = %s": ("WF163", "%s", '"%s" refers to a parameter'),
    "select 1 limit %s": ("WF163", "%s", '"%s" refers to a parameter'),
    "select 1 where a =%s": ("WF163", "%s", '"%s" refers to a parameter'),
    "select 1 where a = %(b)s": ("WF166", "%(b)s", '"%(b)s" is no reference in SQL'),
    "select 1 where a = ?": ("WF163", "?", '"?" refers to a parameter'),
    "select 1 where a = ? and b": ("WF163", "?", '"?" refers to a parameter'),
    "select 1 where a=?": ("WF163", "?", '"?" refers to a parameter'),
    "select lower(?)": ("WF163", "?", '"?" refers to a parameter'),
    "begin": ("WF165", "begin", '"begin" cannot be a step'),
    "Start Transaction": ("WF165", "Start", '"start transaction" cannot be a step'),
    "prepare transaction 'x'": ("WF165", "prepare", '"prepare transaction" cannot'),
    "prepare p as select 1": ("WF165", "prepare", '"prepare" cannot be a step'),
    "set local x = 1": ("WF165", "set", '"set" cannot be a step'),
    "listen c": ("WF165", "listen", '"listen" cannot be a step'),
    "copy t from stdin": ("WF165", "stdin", '"copy" with "stdin" cannot be a step'),
    "select 1 into t": ("WF165", "into", '"select into" cannot be a step'),
    "select ${a.b}": ("WF166", "${a.b}", '"${a.b}" is no reference in SQL'),
    "select ${a + 1}": ("WF166", "${a + 1}", '"${a + 1}" is no reference in SQL'),
    "select {{ a }}": ("WF166", "{{ a }}", '"{{ a }}" is no reference in SQL'),
    "select $a": ("WF166", "$a", '"$a" is no reference in SQL'),
    "select {a}": ("WF166", "{a}", '"{a}" is no reference in SQL'),
    "select x = :'a'": ("WF166", ":'a'", "\":'a'\" is no reference in SQL"),
    r"\copy t from 'f'": ("WF167", r"\copy", r'"\copy" is a command of psql'),
    "select {1}": ("WF167", "{", 'unexpected character "{"'),
    "select \x00": ("WF167", "\x00", 'unexpected character "U+0000"'),
    "select (1": ("WF168", "(", '"(" is not closed'),
    "select a[1": ("WF168", "[", '"[" is not closed'),
    "select 1)": ("WF168", ")", '")" closes nothing'),
    "select (1]": ("WF168", "]", '"]" closes nothing'),
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: repr(text)[:24])
def test_a_mistake_is_named_at_its_place(text: str) -> None:
    code, place, message = WRONG[text]
    first = findings(text)[0]
    assert first.code == code
    assert first.span is not None
    assert text[first.span.start : first.span.end] == place
    assert first.message.startswith(message)


@pytest.mark.parametrize(
    "text",
    [
        "select set, begin from t",
        "insert into settings select 1",
        "notify c",
        "lock table t",
        "explain select 1",
        "show timezone",
        "copy t from 'rows.csv'",
        "create index i on t (x)",
        "refresh materialized view concurrently v",
        "insert into t select into_ from u",
        "select (select 1) as into",
        "select json_object('a':'b', k :'v')",
        "select json_object(k:'v')",
        "select a ? 'b', a ?| b, c ? d and 5 %s from t",
        "select 5 % (b)s, 5 %(b)s",
        "select a operator(?) b, a operator(public.?) b, a operator (%) b",
    ],
)
def test_what_can_be_a_step_is_no_finding(text: str) -> None:
    read(text)


@pytest.mark.parametrize(
    "literal",
    [
        "'12:30'",
        "'at 12:30:05'",
        "'http://a:b@c'",
        "'a::text'",
        "'x ::text'",
        "'{\"a\":true}'",
        '\'{"a" :true, "b" :null}\'',
        "'(?:abc)'",
        "'[[:alpha:]]'",
        "'hi :smile: there'",
        "'HH24:MI'",
        "'$.a ? (@.b == 1)'",
        "'a: b'",
        "E'\\:x'",
        "$$x := y; z := a[1:2]; w::int$$",
    ],
)
def test_an_innocent_colon_in_a_literal(literal: str) -> None:
    read(f"select {literal}")


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("select 'Order :order.id'", "select 'Order ' || :order.id"),
        ("select ':a'", "select :a"),
        ("select ':a and :b!'", "select :a || ' and ' || :b || '!'"),
        ("select E'it\\'s :a now'", "select E'it\\'s ' || :a || E' now'"),
        ("where x like '%:a%'", "where x like '%' || :a || '%'"),
        ("select ' :a'::text", "select (' ' || :a)::text"),
        ("select x -> 'k:a :b'", "select x -> ('k:a ' || :b)"),
        ("select interval ':n days'", "select (:n || ' days')::interval"),
        ("select date ':d'", "select (:d)::date"),
    ],
)
def test_a_reference_in_a_string_is_mended(text: str, mended: str) -> None:
    finding = suspected(text)
    assert finding.code == "WF164"
    assert finding.fix is not None
    (edit,) = finding.fix.edits
    assert text[: edit.span.start] + edit.text + text[edit.span.end :] == mended
    assert read_sql(verbatim("w.yaml", mended))[1] == []


@pytest.mark.parametrize(
    "text",
    [
        "do $$ begin perform :a; end $$",
        "select $$Hello :a$$",
        "select U&'Hello :a'",
        "select '{\"a\": :a}'::jsonb",
        "select 'a'\n':b'",
    ],
)
def test_a_reference_in_another_literal_has_no_fix(text: str) -> None:
    finding = suspected(text)
    assert finding.code == "WF164"
    assert finding.fix is None
    assert finding.help or finding.notes


def test_a_quote_in_a_string() -> None:
    (finding,) = findings("select 'it's late'")
    assert finding.help == "write a quote in a string twice: ''"


def test_of_strange_characters_the_first_is_reported() -> None:
    assert [each.message for each in findings("select {5} + {6}")] == [
        'unexpected character "{"'
    ]


def test_all_mistakes_of_a_statement_are_reported() -> None:
    found = findings("select $1, ${a}, \\d")
    assert sorted(each.code for each in found) == ["WF163", "WF166", "WF167"]


def test_hostile_texts_give_findings_and_no_exceptions() -> None:
    for text in (
        "(" * 9999,
        "/*" * 5000,
        "'" * 9999,
        "$a" * 5000,
        ":" * 999,
        "\\" * 99,
    ):
        read_sql(verbatim("w.yaml", text))
    read("select " + ", ".join(":a" for _ in range(2000)))
    read("select '" + "x''" * 100_000 + "'")
