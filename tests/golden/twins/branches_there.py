from decimal import Decimal
from typing import Any

from perdure import (
    branch,
    every,
    func,
    parallel,
    race,
    sleep,
    sql,
    wait_for_signal,
    workflow,
)


@workflow
def branches_there(order_id: int) -> Any:
    order = sql(
        "select id, total, status from shop.orders where id = :order_id",
        expect="one",
    )
    net = order.total / 1.19
    looked = func.clock_timestamp()
    if net > 100:
        sql("insert into shop.audit (what, at) values ('large', :looked)")
    elif net > 10:
        sql("insert into shop.audit (what) values ('medium')")
    else:
        assert net > 0, f"order {order_id} is free"
    with parallel():
        with branch("reserve"):
            reserved = sql(
                "update shop.stock set reserved = reserved + 1 where order_id = :order_id",
            )
        with branch("count"):
            orders = sql("select count(*) as number from shop.orders")
        with branch("wait"):
            sleep("5s")
    with race() as outcome:
        with branch("paid"):
            payment = wait_for_signal("paid", payload={"amount": Decimal}, timeout="2d")
        with branch("expired"):
            sleep("1d")
    while True:
        every("1m")
        next = sql(
            "select id from shop.orders where status = 'new' order by id limit 1",
        )
        if next.id is None:
            break
        if next.id == order_id:
            continue
        sql("update shop.orders set status = 'seen' where id = :next.id")
    left = sql("select count(*) as orders from shop.orders where status = 'seen'")
    while left.orders > 0:
        sql("delete from shop.orders where status = 'seen'")
        left = sql("select count(*) as orders from shop.orders where status = 'seen'")
    return {
        "winner": outcome.winner,
        "reserved": reserved.rows_affected,
        "orders": orders.number,
    }
