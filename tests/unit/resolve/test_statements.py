"""SQL statements: references, what PostgreSQL is asked, and where it objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from perdure.catalog.model import (
    NONE,
    Catalog,
    Computed,
    Described,
    Given,
    Rejected,
    Typed,
)
from perdure.ir.expr import Reference
from perdure.ir.tree import SqlStep
from perdure.resolve import resolve

if TYPE_CHECKING:
    from tests.unit.resolve.conftest import Resolve

ROWS = """
steps:
  - name: b
    sql: select id, total, tags from shop.orders
  - sql: insert into shop.audit (what) select 'x' from """

ALIASES = {
    ":b.*": "b",
    ":b.* where id > 1": "b",
    ":b.* join shop.stock s on s.order_id = b.id": "b",
    "shop.stock s join :b.* on b.id = s.order_id": "b",
    ":b.* x where x.id > 1": None,
    ":b.* as x where x.id > 1": None,
    ':b.* /* the */ as "X y" where "X y".id > 1': None,
    ":b.* x(i, t, a) where x.i > 1": None,
    "shop.stock s, :b.*": "b",
    "shop.stock s left join lateral :b.* q on true": None,
}


@pytest.mark.parametrize(("tail", "alias"), ALIASES.items(), ids=ALIASES)
def test_row_set_has_an_alias(resolved: Resolve, tail: str, alias: str | None) -> None:
    text = tail.replace("'", "''")
    step = resolved(f"{ROWS}{text}\n").workflow.steps[1]
    assert isinstance(step, SqlStep)
    (reference,) = (p for p in step.statement.parts if isinstance(p, Reference))
    assert (reference.row_set, reference.path, reference.alias) == (True, (), alias)


NO_TABLES = [
    "delete from shop.stock where id in (:b.*)",
    "delete from shop.stock where id = :b.*",
    "select 1 as a, :b.*",
    "select id from shop.stock order by id, :b.*",
    "select coalesce(1, :b.*)",
    "insert into shop.audit (what) values ('x', :b.*)",
    "select s.id from shop.stock s where (1, :b.*) = (1, 2)",
]
TABLES = [
    "select s.id from shop.stock s, :b.*",
    "select s.id from shop.stock s join shop.orders o on o.id = s.id, :b.*",
    "select s.id from shop.stock s join shop.orders o using (id), :b.*",
    "select s.id from coalesce(1, 2) s(id), (select 1, 2) t, :b.*",
    "select s.id from (:b.* x cross join shop.stock s)",
    "select (select max(id) from :b.*) as most",
    "delete from shop.stock s using shop.orders o, :b.* where s.id = b.id",
]


@pytest.mark.parametrize("sql", NO_TABLES)
def test_row_set_as_a_value(resolved: Resolve, sql: str) -> None:
    body = ROWS.split("  - sql:")[0] + f"  - sql: |\n      {sql}\n"
    assert resolved(body).found == [("WF207", ":b.*")]


@pytest.mark.parametrize("sql", TABLES)
def test_row_set_as_a_table(resolved: Resolve, sql: str) -> None:
    body = ROWS.split("  - sql:")[0] + f"  - sql: |\n      {sql}\n"
    assert resolved(body).found == []


class Recorder:
    """The real catalog, and what it was asked."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.asked: list[str] = []

    def describe(self, sql: str, given: Given = NONE) -> Described | Rejected:
        self.asked.append(sql)
        return self.catalog.describe(sql, given)

    def typeof(self, expr: str) -> Typed | Rejected:
        self.asked.append(expr)
        return self.catalog.typeof(expr)

    def compute(self, expr: str) -> Computed | Rejected:
        return self.catalog.compute(expr)

    def is_volatile(self, expr: str) -> bool:
        return self.catalog.is_volatile(expr)

    def canonical_type(self, name: str) -> str | None:
        return self.catalog.canonical_type(name)

    def under(self, path: tuple[str, ...]) -> Catalog:
        return Recorder(self.catalog.under(path))


def test_what_postgres_is_asked(resolved: Resolve, catalog: Catalog) -> None:
    body = """
input: {id: bigint, low: "numeric(10,2)"}
steps:
  - name: o
    sql: |
      -- kept
      select id, tags from shop.orders
      where id = :id and (total > :low or total < :low) and id <> :id
  - sql: insert into shop.audit (what) select r.id::text from :o.* r
  - name: s
    wait_for_signal: s
    payload: {n: integer, more: {deep: [text]}}
    timeout: 1m
  - if: not s.timed_out and s.data.n > 1
    then:
      - sql: insert into shop.audit (what, data) values (:s.data.n, :s.data.more)
"""
    recorder = Recorder(catalog)
    resolve(resolved(body).syntax, recorder)
    assert recorder.asked == [
        "select id, tags from shop.orders\n"
        "where id = ($1)::bigint and (total > ($2)::numeric(10,2) "
        "or total < ($2)::numeric(10,2)) and id <> ($1)::bigint",
        "insert into shop.audit (what) select r.id::text from (select * from "
        'pg_catalog.jsonb_to_recordset(($1)::jsonb) as r("id" bigint, '
        '"tags" text[])) r',
        "((not ($1)::boolean) and (($2)::integer > 1))",
        "insert into shop.audit (what, data) values (($1)::integer, ($2)::jsonb)",
    ]


OBJECTIONS = {
    "plain": ("- sql: delete from shop.orders where idd = 1", [("WF513", "idd")]),
    "block": (
        "- sql: |\n"
        "      delete from shop.orders\n"
        "       where id = 1\n"
        "         and totl = 2",
        [("WF513", "totl")],
    ),
    "folded": (
        "- sql: >\n"
        "      delete from shop.orders\n\n"
        "      where id = 1\n"
        "        and totl = 2",
        [("WF513", "totl")],
    ),
    "quoted": (
        r'- sql: "delete\tfrom shop.orders where \"id\" = 2 and totl = 2"',
        [("WF513", "totl")],
    ),
    "single quotes": (
        "- sql: 'delete from shop.orders where email = ''x'' and totl = 2'",
        [("WF513", "totl")],
    ),
    "dotted": (
        "- sql: delete from shop.orders o where o.totl = 2",
        [("WF513", "o.totl")],
    ),
    "dotted twice": (
        "- sql: delete from shop.orders where shop.orders.totl = 2",
        [("WF513", "shop.orders.totl")],
    ),
    "after a reference": (
        "- sql: delete from shop.orders where id = :n and id = :n and totl = 2",
        [("WF513", "totl")],
    ),
    "at a reference": (
        "- sql: insert into shop.audit (at) values (:n)",
        [("WF515", ":n")],
    ),
    "after a row set": (
        "- {name: r, sql: select id from shop.orders}\n"
        "  - sql: delete from shop.stock s using :r.* x where x.idd = 1",
        [("WF513", "x.idd")],
    ),
    "operator": (
        "- sql: delete from shop.orders where email > :n",
        [("WF514", ">")],
    ),
    "table": ("- sql: delete from shop.order", [("WF512", "shop.order")]),
    "schema": ("- sql: delete from shp.orders", [("WF512", "shp.orders")]),
    "end": (
        "- sql: delete from shop.orders where",
        [("WF511", "where")],
    ),
    "expression": ("- let: {x: n + 1 + foo(n)}", [("WF514", "foo")]),
    "operator in an expression": ("- let: {x: 1 + (n || true)}", [("WF514", "||")]),
    "literal in an expression": ("- let: {x: n + 'a'}", [("WF515", "'a'")]),
    "cast in an expression": (
        "- let: {x: n::uuid}",
        [("WF515", "n::uuid")],
    ),
}


@pytest.mark.parametrize(("step", "expected"), OBJECTIONS.values(), ids=OBJECTIONS)
def test_objections_point_into_the_file(
    resolved: Resolve, step: str, expected: list[tuple[str, str]]
) -> None:
    result = resolved(f"input: {{n: integer}}\nsteps:\n  {step}\n")
    assert result.found == expected
    assert all(each.sqlstate for each in result.diagnostics)


MENDED = {
    "delete from shop.orders where id = n": "delete from shop.orders where id = :n",
    "delete from shop.orders where id = o.id": (
        "delete from shop.orders where id = :o.id"
    ),
    "insert into shop.audit (what) select status from o": (
        "insert into shop.audit (what) select status from :o.*"
    ),
    "update shop.orders set totl = 1 where id = 1": (
        "update shop.orders set total = 1 where id = 1"
    ),
    "insert into shop.audit (wat) values ('x')": (
        "insert into shop.audit (what) values ('x')"
    ),
    "with x as (select 1) update only shop.orders set totl = 1": (
        "with x as (select 1) update only shop.orders set total = 1"
    ),
    "delete from shop.orders where totl = 1": (
        "delete from shop.orders where orders.total = 1"
    ),
    "select o.totl from shop.orders o": "select o.total from shop.orders o",
    "select id from shop.order": "select id from shop.orders",
    "delete from orders where true": "delete from shop.orders where true",
    'select id from "shop"."order"': 'select id from "shop"."order"',
    "select id from shop . order_": "select id from shop . order_",
    "insert into shop.audit (what, n) values ('x', 1)": (
        "insert into shop.audit (what, n) values ('x', 1)"
    ),
}


@pytest.mark.parametrize(("sql", "mended"), MENDED.items(), ids=MENDED)
def test_slips_are_mended(resolved: Resolve, sql: str, mended: str) -> None:
    result = resolved(
        "input: {n: bigint}\nsteps:\n"
        "  - {name: o, sql: 'select id, status from shop.orders'}\n"
        f"  - sql: |\n      {sql}\n"
    )
    (finding,) = result.diagnostics
    text = result.text
    for edit in finding.fix.edits if finding.fix else ():
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    assert text.splitlines()[-1].strip() == mended


EXPECT = {
    ("select id from shop.orders where id = :n", None): ("maybe", None),
    ("select id from shop.orders where id = :n", "one"): ("one", "one"),
    ("select id from shop.orders where id = :n", "maybe"): ("maybe", None),
    ("select id from shop.orders where id = :n", "many"): ("maybe", None),
    ("select id from shop.orders", None): ("many", None),
    ("select id from shop.orders", "many"): ("many", None),
    ("select id from shop.orders", "maybe"): ("maybe", "maybe"),
    ("select count(*) as n from shop.orders", "one"): ("one", None),
    ("select count(*) as n from shop.orders", "maybe"): ("one", None),
    ("delete from shop.orders where id = :n", None): ("one", None),
}


@pytest.mark.parametrize(("given", "expected"), EXPECT.items(), ids=str)
def test_expect(
    resolved: Resolve,
    given: tuple[str, str | None],
    expected: tuple[str, str | None],
) -> None:
    sql, stated = given
    line = f"\n    expect: {stated}" if stated else ""
    body = f"input: {{n: bigint}}\nsteps:\n  - name: r\n    sql: {sql}{line}\n"
    workflow = resolved(body).workflow
    (step,) = workflow.steps
    assert isinstance(step, SqlStep)
    (variable,) = (v for v in workflow.variables if v.id == step.variable)
    assert (variable.cardinality, step.expect) == expected
