"""Operators and calls of df, with PostgreSQL's precedence."""

from __future__ import annotations

import pytest

from perdure.diagnostics import Diagnostic
from perdure.frontend.df.parse import parse_expression
from perdure.frontend.df.sqltree import (
    Array,
    Binary,
    Call,
    Cast,
    Number,
    Prefix,
    Sql,
    String,
    Word,
)
from perdure.frontend.sqltext import lex
from perdure.source import Source


def shown(sql: Sql) -> str:
    """Return an expression with all its parentheses."""
    match sql:
        case String():
            return repr(sql.text.value)
        case Number():
            return sql.text
        case Word():
            return ".".join(sql.path)
        case Binary():
            return f"({shown(sql.left)} {sql.op} {shown(sql.right)})"
        case Prefix():
            return f"({sql.op} {shown(sql.operand)})"
        case Cast():
            return f"{shown(sql.operand)}::{sql.type}"
        case Array():
            return f"[{', '.join(map(shown, sql.items))}]"
        case Call():
            given = (
                (f"{each.name} => " if each.name else "") + shown(each.value)
                for each in sql.arguments
            )
            return f"{'.'.join(sql.function)}({', '.join(given)})"
    return "..."


def parse(text: str) -> Sql | Diagnostic:
    return parse_expression(Source("f.sql", text), lex(text))


PRECEDENCE = [
    ("'a' ~> 'b' ~> 'c'", "(('a' ~> 'b') ~> 'c')"),
    ("'a' ~> 'b' |=> 'x'", "(('a' ~> 'b') |=> 'x')"),
    ("'a' ~> ('b' |=> 'x')", "('a' ~> ('b' |=> 'x'))"),
    ("'a' & 'b' | 'c' ~> 'd'", "((('a' & 'b') | 'c') ~> 'd')"),
    ("'c' ?> 'a' !> 'b'", "(('c' ?> 'a') !> 'b')"),
    ("'c' ?> 'a' ~> 'b' !> 'd'", "((('c' ?> 'a') ~> 'b') !> 'd')"),
    ("@> 'a' ~> 'b'", "((@> 'a') ~> 'b')"),
    ("'a' ~> @> 'b' ~> 'c'", "(('a' ~> (@> 'b')) ~> 'c')"),
    ("@> @> 'a'", "(@> (@> 'a'))"),
    ("'a' || 'b' ~> 'c' || 'd'", "((('a' || 'b') ~> 'c') || 'd')"),
    ("'a' ~> 1 + 2 * 3", "('a' ~> (1 + (2 * 3)))"),
    ("'a' = 'b' ~> 'c'", "('a' = ('b' ~> 'c'))"),
    ("not 'a' ~> 'b' and 'c'", "((not ('a' ~> 'b')) and 'c')"),
    ("-1 ~> 'a'::text", "((- 1) ~> 'a'::text)"),
    ("'a'~>'b'", "('a' ~> 'b')"),
    ("'a' ~>@> 'b'", "('a' ~>@> 'b')"),
    ("'a' operator(df.~>) 'b' ~> 'c'", "(('a' ~> 'b') ~> 'c')"),
    ("operator(df.@>) 'a' ~> 'b'", "((@> 'a') ~> 'b')"),
    ("'a' OPERATOR ( \"df\" . |=> ) 'x'", "('a' |=> 'x')"),
    ("1 + 2 operator(pg_catalog.*) 3 + 4", "((1 + 2) * (3 + 4))"),
    ("'a' operator(x.~>) 'b'", "('a' x.~> 'b')"),
    ("operator('a')", "operator('a')"),
    ("- 'a' collate \"C\" ^ 'b' ~> 'c'", "(((- 'a') ^ 'b') ~> 'c')"),
    ("'a'::pg_catalog.\"text\" ~> 'b'", "('a'::text ~> 'b')"),
    ("'a'::character  varying(9)[]", "'a'::character varying(9)[]"),
    ("extract(day from 'x') ~> trim('y')", "(... ~> trim('y'))"),
    ("a[1] ~> (b)[c + 1]", "(... ~> ...)"),
    ("U&'!0041' uescape '!' ~> 'b'", "('A' ~> 'b')"),
]


@pytest.mark.parametrize(("text", "expected"), PRECEDENCE)
def test_operators_bind_as_in_postgresql(text: str, expected: str) -> None:
    parsed = parse(text)
    assert not isinstance(parsed, Diagnostic)
    assert shown(parsed) == expected


FORMS = [
    ("df.\"if\"('a', df.IF('b', 'c'))", "df.if('a', df.if('b', 'c'))"),
    ("f(a => 1, b := 'x')", "f(a => 1, b => 'x')"),
    ("f(variadic array['a', 'b'])", "f(['a', 'b'])"),
    ("$$it's$$", '"it\'s"'),
    ("$a$x $$ y$a$", "'x $$ y'"),
    ("'it''s'", '"it\'s"'),
    (r"E'a\n\'b\x41\u00e9'", '"a\\n\'bAé"'),
    ("'a'\n  'b'", "'ab'"),
    ("interval '5 min'", "'5 min'::interval"),
    ("cast('{}' as jsonb)", "'{}'::jsonb"),
    ("f((select 1), case when true then 'a' end)", "f(..., ...)"),
    ("f(:'name', :name)", "f(name, name)"),
    ("'a' -- b\n ~> /* c */ 'd'", "('a' ~> 'd')"),
]


@pytest.mark.parametrize(("text", "expected"), FORMS)
def test_forms(text: str, expected: str) -> None:
    parsed = parse(text)
    assert not isinstance(parsed, Diagnostic), parsed
    assert shown(parsed) == expected


@pytest.mark.parametrize(
    "text", ["'a' 'b'", "'a' ~>", "f('a'", "f('a',)", "~> ", "'a' ~> 'b')", "a b"]
)
def test_what_postgresql_refuses_is_refused(text: str) -> None:
    parsed = parse(text)
    assert isinstance(parsed, Diagnostic)
    assert parsed.code == "WF802"
