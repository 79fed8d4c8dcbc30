from typing import Any

from perdure import branch, parallel, sleep, sql, workflow


@workflow
def optimised(order_id: int) -> Any:
    """What each optimisation does, one after the other."""
    careful = False
    limit = 1000
    kind = "order"
    order = sql(
        "select id, total, status, email from shop.orders where id = :order_id",
        expect="one",
    )
    # perdure: ignore[WF405] an arm is never taken
    if careful:
        sql("insert into shop.audit (what) values ('careful')")
    elif order.total > limit:
        sql("insert into shop.audit (what) values ('large')")
    if order.total > limit and not careful:
        if order.id > 5:
            sql("insert into shop.audit (what) values ('late and large')")
    match order.status:
        case "new":
            sql("insert into shop.audit (what) values ('new')")
        case "paid":
            sql("insert into shop.audit (what) values ('paid')")
        case "sent":
            sql("insert into shop.audit (what) values ('sent')")
        case "back":
            sql("insert into shop.audit (what) values ('back')")
    others = sql(
        "select id, total, status, email from shop.orders where id > :order_id",
    )
    for o in others:
        sql("insert into shop.audit (what) values (:o.email)")
    with parallel():
        with branch("first"), parallel():
            with branch("a"):
                sleep("1s")
            with branch("b"):
                sleep("2s")
        with branch("second"):
            sleep("3s")
        with branch("third"):
            nothing = 1
    # perdure: ignore[WF405] it is always so
    sql("insert into shop.audit (what) values ('order')", when=kind == "order")
    unread = sql("insert into shop.audit (what) values ('done') returning id")
