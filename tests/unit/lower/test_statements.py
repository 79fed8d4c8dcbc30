"""What becomes of a step's statement: as it is, or wrapped and captured."""

from __future__ import annotations

import pytest

from perdure.emit.query import Values, chunks_of
from perdure.plan.tree import Node, Plan, Sql
from perdure.plan.walk import every
from tests.unit.lower.workbench import Workbench


def texts(plan: Plan, role: str = "sql") -> list[str]:
    """Return the emitted SQL of the nodes of a role, on one line each."""
    return [text(node) for node in every(plan.root) if node.origin.role == role]


def text(node: Node) -> str:
    assert isinstance(node, Sql)
    (only,) = chunks_of(node.query, Values(1, {}))
    assert isinstance(only, str)
    return " ".join(only.replace("\ue000", " ").split())


def test_a_result_that_nobody_reads_is_not_captured(bench: Workbench) -> None:
    plan = bench.plan(
        "- {name: o, sql: 'select id, tags from shop.orders where id = :id'}"
    )
    assert texts(plan) == [
        "select id, tags from shop.orders where id = ($input.id)::bigint"
    ]
    assert not any(getattr(node, "result", None) for node in every(plan.root))


READ = """
- name: o
  sql: {sql}
  {more}
- sql: update shop.audit set what = '' where id = 1 and {condition}
"""


@pytest.mark.parametrize(
    ("sql", "condition", "expected"),
    [
        (
            "select id, email from shop.orders where id = :id",
            ":o.id = 1 and :o.email = ''",
            "select id, email from shop.orders where id = ($input.id)::bigint",
        ),
        (
            "select id, email from shop.orders where id = :id",
            ":o.id = 1",
            "with step as ( select id, email from shop.orders where id = "
            "($input.id)::bigint ) select id from step",
        ),
        (
            "select tags, placed_at from shop.orders where id = :id",
            ":o.tags is null and :o.placed_at is null",
            "with step as ( select tags, placed_at from shop.orders where id = "
            "($input.id)::bigint ) select tags::text as tags, "
            "to_jsonb(placed_at) #>> '{}' as placed_at from step",
        ),
        (
            "with a as (select 1 as n) -- one\n    select n from a",
            ":o.n = 1",
            "with a as (select 1 as n) -- one select n from a",
        ),
        (
            "with a as (select 1 as n) -- one\n    select n, n + 1 as m from a",
            ":o.n = 1",
            "with a as (select 1 as n) -- one , step as ( select n, n + 1 as m from a )"
            " select n from step",
        ),
        (
            "with recursive step(n) as (select 1 union all select n + 1 from step "
            "where n < 3) select count(*) as n, 1 as x from step",
            ":o.n = 1",
            "with recursive step(n) as (select 1 union all select n + 1 from step "
            "where n < 3), step_2 as ( select count(*) as n, 1 as x from step ) "
            "select n from step_2",
        ),
        (
            "update shop.orders set status = 'x' where id = :id",
            ":o.rows_affected = 1",
            "with step as ( update shop.orders set status = 'x' where id = "
            "($input.id)::bigint returning 1 as ok ) "
            "select count(*) as rows_affected from step",
        ),
        (
            'select 1 as "Odd Name", 2 as fine',
            ":o.fine = 1",
            'with step as ( select 1 as "Odd Name", 2 as fine ) select fine from step',
        ),
    ],
)
def test_what_is_read_is_captured(
    bench: Workbench, sql: str, condition: str, expected: str
) -> None:
    block = "|\n    " + sql
    plan = bench.plan(READ.format(sql=block, condition=condition, more=""))
    assert texts(plan)[0] == expected


@pytest.mark.parametrize(
    ("expect", "condition", "expected"),
    [
        (
            "one",
            ":o.id = 1",
            "select s.id from (select count(*) as n from step) as c "
            "left join step as s on true where perdure.expect(c.n, 'one', 'o')",
        ),
        (
            "maybe",
            ":o.id = 1",
            "select s.id from (select count(*) as n from step) as c "
            "join step as s on true where perdure.expect(c.n, 'maybe', 'o')",
        ),
        ("one", "true", "select perdure.expect(count(*), 'one', 'o') as ok from step"),
        (
            "one",
            "exists (select from :o.* x)",
            "select coalesce(jsonb_agg(to_jsonb(s.*)), '[]')::text as items from "
            "(select id, total::text as total from step) as s "
            "having perdure.expect(count(*), 'one', 'o')",
        ),
    ],
)
def test_an_expectation_is_enforced(
    bench: Workbench, expect: str, condition: str, expected: str
) -> None:
    plan = bench.plan(
        READ.format(
            sql="select id, total from shop.orders",
            more=f"expect: {expect}",
            condition=condition,
        )
    )
    start = "with step as ( select id, total from shop.orders ) "
    assert texts(plan)[0] == start + expected


def test_a_row_set_is_a_typed_table_and_json_travels_as_text(bench: Workbench) -> None:
    plan = bench.plan(
        """
        - name: b
          sql: select id, data from shop.audit
        - sql: insert into shop.audit (what) select x.id::text from :b.* x
        """
    )
    first, second = texts(plan)
    assert "(select id, data::text as data from step) as s" in first
    assert second.endswith(
        "from (select t.id, t.data::jsonb as data from jsonb_to_recordset"
        "(($r1_b.items?)::jsonb) as t(id bigint, data text)) x"
    )


def test_a_trailing_comment_does_not_swallow_the_rest(bench: Workbench) -> None:
    plan = bench.plan(
        """
        - name: o
          sql: |
            select id, email from shop.orders where id = :id -- the order
        - sql: update shop.audit set what = '' where id = :o.id
        """
    )
    node = next(node for node in every(plan.root) if isinstance(node, Sql))
    (only,) = chunks_of(node.query, Values(1, {}))
    assert isinstance(only, str)
    assert "\n)" in only.replace("\ue000", "\n")


def test_names_avoid_what_stands_in_the_text(bench: Workbench) -> None:
    plan = bench.plan(
        """
        - {name: o, sql: "select '$r1_o' as x"}
        - sql: update shop.audit set what = :o.x where id = 1
        """
    )
    assert [n.result for n in every(plan.root) if isinstance(n, Sql) and n.result] == [
        "rr1_o"
    ]


def test_an_item_of_an_array_is_not_a_type(bench: Workbench) -> None:
    plan = bench.plan(
        """
        - {name: o, sql: select tags from shop.orders where id = :id, expect: one}
        - name: first
          sql: select :o.tags [1] as tag, :o.tags::text as whole
        - return: "${first.tag}"
        """
    )
    assert texts(plan)[1] == (
        "with step as ( select (($r1_o.tags?)::text[]) [1] as tag, "
        "($r1_o.tags?)::text[]::text as whole ) select tag from step"
    )
