"""Steps of all kinds, whose rows have exact types."""

from decimal import Decimal
from typing import Final, TypedDict

from perdure import branch, coalesce, func, http, parallel, sql, sql_file, workflow

KNOWN: Final = "select email from shop.orders where id = :order_id"


class Totals(TypedDict):
    number: int
    total: Decimal | None


@workflow
def exact(order_id: int) -> None:
    order = sql(
        "select id, total, email, state, tags, details, placed_at, weight, key, class"
        " from shop.orders where id = :order_id",
        expect="one",
    )
    if order.total * 1.5 > 1000 and 2 * order.total < order.id:
        sql("insert into shop.audit (what) values (:order.email)")
    if order.state == "open" and func.now() > order.placed_at:
        http.post(
            f"https://example.com/{order.key}",
            json={"to": order.email, "n": order.details["n"], "weight": order.weight},
        )


@workflow
def kinds(order_id: int) -> Totals:
    maybe = sql("""
        select id, weight
        from shop.orders
        where id = :order_id
    """)
    if coalesce(maybe.id, 0) > 0:
        known = sql(KNOWN, expect="one")
        sql("insert into shop.audit (what) values (:known.email)")
    done = sql("update shop.orders set total = 0 where id = :order_id")
    if done.rows_affected > 0:
        sql("insert into shop.audit (what) values ('done')")
    with parallel():
        with branch("a"):
            sql("insert into shop.audit (what) values ('one')")
        with branch("b"):
            other = sql("select 'é\n''%' as a, 5 as b")
    totals = sql_file("totals.sql")
    return {"number": totals.number + other.b, "total": totals.total}


@workflow
def many() -> None:
    rows = sql("select id, email from shop.orders")
    for row in rows:
        sql("insert into shop.audit (what) values (:row.email || :row.id)")
