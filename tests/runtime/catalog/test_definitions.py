"""Which functions and views a statement uses, and when their definition is another."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from perdure.catalog import SchemaCatalog

SCHEMA = """
create schema shop;
create table shop.orders (id bigint primary key, total numeric, note text);
create function shop.tax(amount numeric) returns numeric language sql as
  'select amount * 0.2';
create function shop.tax(amount integer) returns integer language plpgsql as
  'begin return 0; end';
create function shop.whole(a numeric) returns numeric
  language sql begin atomic select a + shop.tax(a); end;
create view shop.big as select id, shop.tax(total) as tax from shop.orders;
create view shop.bigger as select id from shop.big;
create procedure shop.tidy(days integer) language sql as 'select 1';
create function shop.same(a text, b text) returns boolean language sql as
  'select lower(a) = lower(b)';
create operator shop.=== (leftarg = text, rightarg = text, function = shop.same);
"""
OpenSchema = Callable[[str], SchemaCatalog]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select shop.tax(total) from shop.orders", ["shop.tax(numeric)"]),
        ("select shop.tax(($1)::integer)", ["shop.tax(integer)"]),
        ("select 1 -- a comment", []),
        (
            "update shop.orders set total = shop.whole(total) where id = ($1)::bigint"
            " and note = ($2)::text returning id",
            ["shop.tax(numeric)", "shop.whole(numeric)"],
        ),
        (
            "insert into shop.orders (id) select id from shop.bigger",
            ["shop.big", "shop.bigger", "shop.tax(numeric)"],
        ),
        ("call shop.tidy(1)", ["shop.tidy(integer)"]),
        (
            "select note operator(shop.===) ($1)::text from shop.orders",
            ["shop.same(text,text)"],
        ),
        ("vacuum", []),
        ("select nonsense", []),
    ],
)
def test_what_a_statement_uses(
    open_schema: OpenSchema, sql: str, expected: list[str]
) -> None:
    catalog = open_schema(SCHEMA)
    found = [each.name.replace(", ", ",") for each in catalog.uses(sql)]
    assert found == expected


def test_all_definitions_and_what_changes_them(open_schema: OpenSchema) -> None:
    before = {e.name: e.digest for e in open_schema(SCHEMA).definitions()}
    changed = SCHEMA.replace("0.2", "0.3").replace(
        "select id from", "select id + 1 from"
    )
    after = {e.name: e.digest for e in open_schema(changed).definitions()}
    assert len(before) == 7
    assert {name for name in before if before[name] != after.get(name)} == {
        "shop.tax(numeric)",
        "shop.bigger",
    }
    assert before["shop.bigger"].partition(":")[0].isdigit()
    assert ":" not in before["shop.tax(numeric)"]
    assert {
        e.name: e.digest for e in open_schema(SCHEMA).uses("select shop.whole(1)")
    }.items() <= before.items()


def test_names_in_the_search_path_are_given_with_their_schema(
    open_schema: OpenSchema,
) -> None:
    catalog = open_schema(SCHEMA)
    sql = "select tax(1.5)"
    assert catalog.uses(sql) == ()
    assert [e.name for e in catalog.uses(sql, ("shop",))] == ["shop.tax(numeric)"]
    assert catalog.uses("select shop.tax(1.5)", ("public",)) != ()


def test_statements_are_told_apart_by_the_names_in_them(
    open_schema: OpenSchema,
) -> None:
    plain = SCHEMA[: SCHEMA.index("create operator")]
    catalog = open_schema(plain + 'create view shop."Odd" as select 1 as x;')
    assert [e.name for e in catalog.uses('select x from shop."Odd"')] == ['shop."Odd"']
    assert catalog.uses("select id from shop.orders") == ()
    sql = 'select U&"\\0074ax"(1.5)'
    assert [e.name for e in catalog.uses(sql, ("shop",))] == ["shop.tax(numeric)"]
