"""Statements of a file, and which of them an upgrade leaves out."""

from __future__ import annotations

import pytest

from perdure.engine.install import shipped
from perdure.engine.statements import code, holds_data, statements

TRICKY = """\
-- A comment; with a semicolon.
create table a (b text default 'x;''y');
/* another; one */
create function f() returns text language sql as $body$ select ';$$;' $body$;
select e'\\';', "odd;name", $$;$$, a$b$ from t;
  update t set a = 1
"""


def test_statements_end_at_semicolons_outside_of_text() -> None:
    found = [each.split("\n")[-1] for each in statements(TRICKY)]
    assert found == [
        "create table a (b text default 'x;''y')",
        "create function f() returns text language sql as $body$ select ';$$;' $body$",
        "select e'\\';', \"odd;name\", $$;$$, a$b$ from t",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("create table a ()", True),
        ("  -- why\n  create unlogged table a ()", True),
        ("/* why */ CREATE UNIQUE INDEX a on b (c)", True),
        ("create schema if not exists a", True),
        ("alter table a add column b text", True),
        ("insert into a default values", True),
        ("create view a as select 1", False),
        ("create function tables() returns void", False),
        ("create type a as (b text)", False),
        ("revoke all on a from public", False),
        ("do $$ begin insert into a; end $$", False),
        ("select df.grant_usage(current_user)", False),
    ],
)
def test_what_holds_data(text: str, expected: bool) -> None:
    assert holds_data(text) is expected


def test_code_is_a_file_without_data() -> None:
    text = code(TRICKY)
    assert "create function" in text
    assert "create table" not in text
    assert "update t" not in text


def test_nothing_of_the_runtime_is_lost_by_cutting_it() -> None:
    for path in shipped().files():
        text = path.read_text()
        cut = list(statements(text))
        kept = "".join(f"{each};" for each in cut)
        assert text.startswith(kept.rstrip(";")), path.name
        assert text.removeprefix(kept).strip() == "", path.name
