from typing import Any

from perdure import cast, every, signal, sql, transaction, until, workflow


@workflow
def once(order_id: int) -> Any:
    noted = sql(
        "insert into shop.audit (what) values ('order ' || :order_id) returning id",
        effects="once",
    )
    sql("update shop.orders set status = 'seen' where id = :order_id")
    while True:
        every("1s")
        with transaction(effects="once"):
            taken = sql(
                "update shop.stock set reserved = reserved - 1 where order_id = :order_id",
            )
            sql(
                "insert into shop.audit (what) values ('took ' || :taken.rows_affected)",
            )
        stock = sql(
            "select reserved from shop.stock where order_id = :order_id",
            expect="one",
        )
        until(stock.reserved <= 0)
    while True:
        sql("insert into shop.audit (what) values ('plain')")
        break
    signal("stocked", to=cast(noted.id, "text"), effects="once")
