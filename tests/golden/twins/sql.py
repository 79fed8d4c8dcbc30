from typing import Any

from perdure import sql, workflow

NOTE = """\
insert into shop.audit (what) values
  ('costs $order or {sys_label}' || E'\\t$1' || $$ and $x in {a} $$ || coalesce(:one.note, ''))
"""


@workflow(name="sql")
def sql_(customer_id: int, tags: list[str] | None = None) -> Any:
    # proved by the primary key, and read
    one = sql(
        "select id, name, note   -- the note may be null\n"
        "from shop.customers where id = :customer_id\n"
    )
    placed = sql(
        "with c as (select id, email from shop.customers where id = :customer_id) "
        "insert into shop.orders (customer_id, total, email, tags) "
        "select c.id, 0, c.email, :tags from c returning id, tags, placed_at",
        expect="maybe",
    )
    many = sql(
        "select id, total, tags, placed_at - now() as age from shop.orders order by id"
    )
    counted = sql(
        "update shop.orders set status = 'seen' where customer_id = :customer_id;"
    )
    sql(
        "insert into shop.audit (what, data)\n"
        "select 'order ' || m.id, to_jsonb(m) from :many.* m where m.total > 0\n"
    )
    sql(
        "insert into shop.audit (what) select total::text from :many.* "
        "where age > '1 day'"
    )
    sql(NOTE)
    return {
        "name": one.name,
        "note": one.note,
        "tags": placed.tags,
        "at": placed.placed_at,
        "count": counted.rows_affected,
        "text": f"{one.name} has {counted.rows_affected} orders",
        "fixed": [1, True, None, "1"],
    }
