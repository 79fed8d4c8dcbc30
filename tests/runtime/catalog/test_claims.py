"""What is claimed of statements: their columns' nullability, and number of rows.

Each statement is also run on data, so that no table entry can claim what is not so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest

from perdure.catalog import SchemaCatalog
from perdure.catalog.model import Described

O = "shop.orders o"  # noqa: E741
ID = "o.id = ($1)::bigint"

NULLABLE = [
    # statement, names of the columns that may be null
    ("select id, note from shop.customers", "note"),
    ("select * from shop.orders", "tags"),
    ("select o.* from shop.orders o", "tags"),
    ("select id from shop.open_orders", "id"),
    ("select count(*) n, sum(total) s, max(id) m from shop.orders", "s m"),
    ("select coalesce(sum(total), 0) s from shop.orders", ""),
    ("select coalesce(sum(total), null) s from shop.orders", "s"),
    ("select now() a, current_date b, current_timestamp c", ""),
    ("select perdure.now() a, Perdure.Now() - interval '1 day' b", ""),
    ("select pg_catalog.now() a, pg_catalog.to_regclass('nothing') b", "b"),
    ("select 1 a, 'x' b, true c, null d, array[null] e", "d"),
    ("select exists (select 1) a, not exists (select 1) b", ""),
    ("select note is null a, note is distinct from '' b from shop.customers", ""),
    ("select note is json a, tags is null b from shop.customers, shop.orders", "a"),
    ("select id::text a, total::integer b, id + 1 c from shop.orders", ""),
    ("select email || 'x' a, -id b, id > 1 c, lower(email) d from shop.orders", ""),
    ("select id + ($1)::bigint a from shop.orders", "a"),
    ("select ($1)::bigint a", "a"),
    ("select (body -> 'a') a, body::text b, body ->> 'x' c from kinds", "a b c"),
    ("select case when id > 1 then id else 0 end a from shop.orders", ""),
    ("select case when id > 1 then id end a from shop.orders", "a"),
    ("select (select count(*) from shop.stock) a", ""),
    ("select (select id from shop.orders where id = 99) a", "a"),
    (
        "select (select count(o.id) from shop.stock where false) a from shop.orders o",
        "a",
    ),
    ("select row_number() over () a, lag(id) over () b from shop.orders", "b"),
    ("select count(*) filter (where id > 1) a from shop.orders", ""),
    ("select sum(id) filter (where id > 1) a from shop.orders", "a"),
    ("select greatest(note, 'a') a, nullif(id, 1) b from shop.customers", "b"),
    ("select concat(note) a, concat_ws(note, 'a') b from shop.customers", "b"),
    ("select id between 1 and 2 a, id in (1, 2) b, id = any(null) c from parts", "c"),
    # outer joins
    (
        f"select o.id, s.item from {O} left join shop.stock s on s.order_id = o.id",
        "item",
    ),
    (
        f"select o.id, s.item from {O} right join shop.stock s on s.order_id = o.id",
        "id",
    ),
    (f"select o.id, s.item from {O} full join shop.stock s on false", "id item"),
    (f"select o.id, s.item from {O} join shop.stock s on s.order_id = o.id", ""),
    (
        f"select * from {O} left join shop.stock s on false",
        "id tags order_id item reserved",
    ),
    (f"select coalesce(s.item, '') i from {O} left join shop.stock s on false", ""),
    (f"select s.item is null i from {O} left join shop.stock s on false", ""),
    (
        f"select x.id from (select s.id from {O} left join shop.stock s on false) x",
        "id",
    ),
    ("select x.id from (select id from shop.orders) x", ""),
    ("with x as (select id, note from shop.customers) select * from x", "note"),
    (f"select o.id, l.n from {O} left join lateral (select 1 n) l on false", "n"),
    ("select id from (shop.orders o left join (select 1 z) y on true)", "id"),
    (
        "select c.name from shop.orders o left join (shop.stock s cross join "
        "shop.customers c) on false",
        "name",
    ),
    (
        f"select s.item from {O} left join shop.stock s on s.order_id = o.id "
        "where s.id is not null",
        "item",
    ),
    (
        f"select s.item from {O} left join shop.stock s on s.order_id = o.id "
        "where s.item is not null",
        "",
    ),
    ("select note from shop.customers where note = 'x'", ""),
    ("select note from shop.customers where not note is null", ""),
    ("select note from shop.customers where not note is not null", "note"),
    ("select note from shop.customers where note is null", "note"),
    ("select note from shop.customers where note = 'x' or true", "note"),
    # set operations and grouping sets
    ("select id from shop.orders union all select id from shop.stock", ""),
    ("select id from shop.orders union all select null", "id"),
    ("select id from (select id from shop.orders union select null) x", "id"),
    ("select id, count(*) n from shop.orders group by rollup (id)", "id n"),
    (
        "select id, count(*) n from shop.orders group by grouping sets ((id), ())",
        "id n",
    ),
    (
        "with recursive r as (select 1 as n union all select null from r where n < 2) "
        "select n from r",
        "n",
    ),
    ("select * from (values (1, null), (2, 3)) v(a, b)", "b"),
    # functions
    ("select * from jsonb_to_recordset(($1)::jsonb) as r(id bigint)", "id"),
    ("select * from many(2) m", "m"),
    # changes
    ("insert into shop.customers (name, email) values ('c', 'c') returning *", "note"),
    (
        "update shop.customers set note = null where note is not null returning note",
        "note",
    ),
    ("delete from shop.stock where id = 1 returning *", ""),
    ("with n as (insert into parts values (7) returning id) select id from n", ""),
    # not enforced for every row
    ("select name from parent", "name"),
    ("select id from parts", ""),
    # sqlglot does not read it
    ("select id from only (shop.orders)", "id"),
]

ROWS = [
    ("select 1", "one"),
    ("select 1 where ($1)::boolean", "maybe"),
    ("select 1 limit 0", "maybe"),
    ("select 1 offset 1", "maybe"),
    ("select 1 limit ($1)::bigint", "maybe"),
    ("values (1)", "one"),
    ("values (1), (2)", "many"),
    ("select 1 union all select 2", "many"),
    ("select 1 union all select 2 limit 1", "maybe"),
    ("select id from shop.orders where id = 1 intersect select 1", "maybe"),
    # aggregates
    ("select count(*) from shop.orders", "one"),
    ("select count(*) + 1 from shop.orders", "one"),
    ("select product(total) from shop.orders", "one"),
    ("select string_agg(email, ','), bool_and(true) from shop.orders", "one"),
    ("select array_agg(id order by id) filter (where true) from shop.orders", "one"),
    ("select count(*) from shop.orders having count(*) > 5", "maybe"),
    ("select count(*) from shop.orders group by id", "many"),
    ("select count(*) over () from shop.orders", "many"),
    ("select sum(count(*)) over () from shop.orders", "one"),
    ("select (select count(*) from shop.stock) from shop.orders", "many"),
    ("select count(*), unnest(array[1, 2]) from shop.orders", "many"),
    ("select count(*) from shop.orders where id = 1 group by rollup (id)", "many"),
    ("select max(id) from shop.orders group by ()", "many"),
    # several rows without FROM
    ("select unnest(array[1, 2])", "many"),
    ("select generate_series(1, 3)", "many"),
    ("select many(3)", "many"),
    ("select jsonb_array_elements('[1, 2]')", "many"),
    ("select regexp_matches('aa', 'a', 'g')", "many"),
    ("select 1 order by generate_series(1, 3)", "many"),
    ("select (select count(*) from unnest(array[1, 2]))", "one"),
    ("select twice(1), lower('A'), now()", "one"),
    # keys
    (f"select 1 from {O} where {ID}", "maybe"),
    ("select 1 from shop.orders where id = 1 and status = 'x'", "maybe"),
    ("select 1 from shop.orders where id = 1 or status = 'new'", "many"),
    ("select 1 from shop.orders where id >= 1", "many"),
    ("select 1 from shop.orders where status = 'new'", "many"),
    ("select 1 from shop.orders where not (id = 1)", "many"),
    ("select 1 from shop.customers where email = ($1)::text", "maybe"),
    ("select 1 from shop.customers where email = lower(($1)::text)", "maybe"),
    ("select 1 from shop.customers where lower(email) = 'a@x'", "many"),
    ("select 1 from shop.orders where id = (random() * 2)::bigint", "many"),
    ("select 1 from shop.orders where id = customer_id", "many"),
    ("select 1 from kinds where a = 1", "many"),
    ("select 1 from kinds where a = 1 and b = 2", "maybe"),
    ("select 1 from kinds where (a, b) = (1, 2)", "maybe"),
    ("select 1 from kinds where a = 1 and b = a", "many"),
    ("select 1 from kinds where partly = 'x'", "many"),
    ("select 1 from kinds where late = 'x'", "many"),
    ("select 1 from kinds where a = ($1)::double precision and b = 1", "many"),
    ("select 1 from parent where id = 1", "many"),
    ("select 1 from parts where id = 1", "maybe"),
    ("select 1 from shop.open_orders where id = 1", "many"),
    ("select 1 from shop.orders limit 1", "maybe"),
    ("select 1 from shop.orders fetch first row only", "maybe"),
    ("select 1 from shop.orders order by status fetch first 1 rows with ties", "many"),
    ("select 1 from shop.orders where id = 1 for update", "maybe"),
    ("select distinct status from shop.orders where id = 1", "maybe"),
    # joins
    (
        f"select 1 from {O} join shop.customers c on c.id = o.customer_id where {ID}",
        "maybe",
    ),
    (
        f"select 1 from {O}, shop.customers c where c.id = o.customer_id and {ID}",
        "maybe",
    ),
    (
        f"select 1 from {O} left join shop.customers c on c.id = o.customer_id "
        f"where {ID}",
        "maybe",
    ),
    (
        f"select 1 from {O} left join shop.stock s on s.order_id = o.id where {ID}",
        "many",
    ),
    (f"select 1 from {O} left join shop.customers c on {ID}", "many"),
    (f"select 1 from {O} right join shop.customers c on {ID}", "many"),
    (f"select 1 from {O} full join shop.customers c on c.id = o.id where {ID}", "many"),
    (f"select 1 from {O} left join (select 1 a) y on {ID}", "many"),
    (f"select 1 from (select 1 a) y right join {O} on {ID}", "many"),
    (f"select 1 from (select 1 a) y join {O} on {ID}", "maybe"),
    ("select 1 from (select 1 a) x full join (select 2 a) y on false", "many"),
    ("select 1 from (select 1 a) x, (select count(*) from shop.orders) y", "one"),
    ("select 1 from (select 1 a) x left join (select 2 a) y on false", "one"),
    ("select 1 from (select 1 a) x join (select 2 a) y on false", "maybe"),
    (
        f"select 1 from {O} left join lateral (select 1 from shop.stock s "
        f"where s.order_id = o.id limit 1) l on true where {ID}",
        "maybe",
    ),
    ("with n as (select count(*) c from shop.orders) select c from n", "one"),
    ("with n as (select 1 from shop.orders) select 1 from n", "many"),
    ("select 1 from many(3)", "many"),
    ("select 1 from twice(3)", "one"),
    ("select * from jsonb_to_recordset(($1)::jsonb) as r(id bigint)", "many"),
    ("select 1 from shop.orders tablesample bernoulli (50)", "many"),
    # changes
    ("insert into parts values (7) returning id", "one"),
    ("insert into parts values (7), (8) returning id", "many"),
    ("insert into parts select 7 returning id", "one"),
    ("insert into parts select 7 where false returning id", "maybe"),
    ("insert into parts values (1) on conflict do nothing returning id", "maybe"),
    (
        "insert into parts values (1) "
        "on conflict (id) do update set id = 1 returning id",
        "one",
    ),
    (
        "insert into parts values (1) on conflict (id) do update set id = 1 "
        "where parts.id > 5 returning id",
        "maybe",
    ),
    ("insert into watched values (1) returning id", "maybe"),
    ("insert into shop.customers (name, email) values ('d', 'd') returning id", "one"),
    ("insert into parts values (7)", "one"),
    (f"update shop.orders o set status = 'x' where {ID} returning id", "maybe"),
    ("update shop.orders set status = 'x' returning id", "many"),
    (
        f"update shop.orders o set status = 'x' from shop.customers c where {ID} "
        "returning o.id",
        "maybe",
    ),
    (
        "update shop.orders o set status = 'x' from shop.customers c "
        "where o.id = c.id returning o.id",
        "many",
    ),
    ("delete from shop.stock where id = ($1)::bigint returning id", "maybe"),
    (
        "delete from shop.stock s using shop.orders o "
        "where s.order_id = o.id returning 1",
        "many",
    ),
    ("with n as (insert into parts values (7) returning id) select id from n", "one"),
]


@pytest.fixture(scope="module")
def data(catalog: SchemaCatalog) -> Iterator[psycopg.Connection]:
    """Return a connection to a copy of the scratch database, which holds rows."""
    prober = catalog._ask()
    with psycopg.connect(prober._steps.info.dsn) as connection:
        yield connection


def described(catalog: SchemaCatalog, sql: str) -> Described:
    answer = catalog.describe(sql)
    assert isinstance(answer, Described), answer
    return answer


def run(data: psycopg.Connection, sql: str) -> list[tuple[object, ...]]:
    """Run a statement with parameters that fit the data, and undo it."""
    values = {
        "bigint": "1",
        "boolean": "true",
        "jsonb": """'[{"id":null}]'""",
        "text": "'a@x'",
        "double precision": "1",
    }
    sql = re.sub(
        r"\(\$\d\)::(double precision|\w+)", lambda m: f"({values[m[1]]})::{m[1]}", sql
    )
    try:
        cursor = data.execute(sql.encode())
        return cursor.fetchall() if cursor.description else [()]
    finally:
        data.rollback()


@pytest.mark.parametrize(("sql", "nullable"), NULLABLE)
def test_nullability(
    catalog: SchemaCatalog, data: psycopg.Connection, sql: str, nullable: str
) -> None:
    columns = described(catalog, sql).columns
    found = [column.name for column in columns if column.nullable]
    assert sorted(set(found)) == sorted(nullable.split())
    for row in run(data, sql):
        for column, value in zip(columns, row, strict=True):
            assert column.nullable or value is not None


@pytest.mark.parametrize(("sql", "rows"), ROWS)
def test_cardinality(
    catalog: SchemaCatalog, data: psycopg.Connection, sql: str, rows: str
) -> None:
    assert described(catalog, sql).facts.cardinality == rows
    count = len(run(data, sql))
    assert count in {"one": [1], "maybe": [0, 1]}.get(rows, range(100))
