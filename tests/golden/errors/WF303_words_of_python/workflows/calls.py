"""Findings of calls, and of the second look at workflows that can be compiled."""

from decimal import Decimal

from perdure import (
    Failure,
    call,
    collect,
    foreach,
    group,
    http,
    signal,
    sleep,
    sql,
    start,
    transaction,
    wait_for_signal,
    workflow,
)


@workflow
def callee(order_id: int, note: str, price: Decimal):
    reply = wait_for_signal("reply", payload={"by": str, "ok": bool})
    if reply.data.ok and price > order_id:
        return note


@workflow
def calls(order_id: int, note: str, at: str, zone: str | None):
    callee(order_id)
    callee(order_id, note="x", price=at)
    started = start(callee(order_id, note=note, price=1))
    signal("reply", to=started.run_id)
    call("callee", {"order_id": at, "note": zone, "price": 1})
    orders = sql("select id, total from shop.orders")
    if orders.total > 5:
        sql("update shop.orders set status = 'seen' where id = :orders.id")
    for o in foreach(orders):
        sleep("1s")
    return orders.id


@workflow
def warned(order_id: int):
    order = sql("select id, tags, status from shop.orders where id = :order_id")
    if order.status == "new":
        sleep("1s")
    reply = wait_for_signal("reply", payload={"by": str}, timeout="1d")
    with group(retry=3):
        http.post("https://example.com", json={"by": reply.data.by})
        sql("insert into shop.audit (what) values ('sent')")
    while order_id > 0:
        seen = sql("select count(*) as n from shop.orders", expect="one")
        if seen.n > 5:
            break
    orders = sql("select id from shop.orders")
    for o in foreach(orders):
        hook = http.post(f"https://hooks.example.com/{o.id}")
        collect(id=o.id, status=hook.status)
    with transaction():
        sleep("1s")
        sql("delete from shop.stock", retry=3)
    try:
        sleep("1s")
    except Failure as err:
        sleep("1s")
