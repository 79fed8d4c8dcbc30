"""Scripts are cut where psql cuts them."""

from __future__ import annotations

import pytest

from perdure.catalog.script import split_script

ROUTINE = """create or replace function f() returns int language sql
begin atomic
  select case when true then 1 else 2 end;
  select 2;
end"""


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("", []),
        (" ;; -- nothing\n", []),
        ("select 1; select 2", ["select 1", "select 2"]),
        ("select 1 -- ;\n; select 2;", ["select 1 -- ;\n", "select 2"]),
        ("select /* ; /* ; */ ; */ 1; select 2", None),
        ("select ';', E'\\';', \";\", $$;$$, $a$ $$;$$ $a$; select 2", None),
        ("select a$1;b", ["select a$1", "b"]),
        ("select 'a\\'; select 2", ["select 'a\\'", "select 2"]),
        ("create rule r as on insert to t do (select 1; select 2); x", None),
        (f"{ROUTINE}; select 2", [ROUTINE, "select 2"]),
        ("begin; select 1; end; x", ["begin", "select 1", "end", "x"]),
        ("\\restrict abc\nselect 1;\n\\unrestrict abc\n", ["select 1"]),
        ("copy t (a) from stdin;\n1;2\n\\.\nselect 1;", ["select 1"]),
        ("select 'never closed; select 2", ["select 'never closed; select 2"]),
        ("select $$ never closed; x", ["select $$ never closed; x"]),
        ("/* never closed; x", []),
    ],
)
def test_split(script: str, statements: list[str] | None) -> None:
    found = split_script(script)
    if statements is None:
        first, _, last = script.rpartition("; ")
        statements = [first, last]
    assert [each.text for each in found] == statements
    for each in found:
        assert script[each.start :].startswith(each.text)
