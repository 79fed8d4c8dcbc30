"""Findings that YAML has, too, say in Python what to write in Python."""

from decimal import Decimal
from typing import TypedDict

from perdure import (
    Failure,
    collect,
    foreach,
    http,
    on_failure,
    secrets,
    sleep,
    sleep_until,
    sql,
    transaction,
    wait_for_signal,
    workflow,
)


class Result(TypedDict):
    status: str
    by: str | None


@workflow
def waits(order_id: int, note: str, price: Decimal) -> Result:
    order = sql("select status, tags from shop.orders where id = :order_id")
    if order.status == "new":
        sql("update shop.orders set status = 'seen' where id = :order_id")
    reply = wait_for_signal("reply", payload={"by": str, "ok": bool}, timeout="1d")
    if reply.data.ok:
        return {"status": reply.data.by, "by": None}
    if note:
        return {"status": 7, "who": note}


@workflow
def waits_until(at: str, order_id: int):
    sleep(at)
    sleep(order_id)
    sleep_until(order_id)
    sleep_until(at)


@workflow
def fails(order_id: int, token: str = None):
    raise


@workflow
def loops(order_id: int):
    orders = sql("select id from shop.orders")
    for o in foreach(orders):
        hook = http.post(f"https://hooks.example.com/{o.id}")
        collect(id=o.id, status=hook.status)
    one = sql("select id from shop.orders where id = :order_id", expect="one")
    for o in one:
        sleep("1s")
    for o in order_id:
        sleep("1s")
    while order_id > 0:
        seen = sql("select count(*) as n from shop.orders", expect="one")
    match hook.headers:
        case "x":
            sleep("1s")
    with transaction():
        raise Failure("no")
    try:
        sql("select ${order_id}")
    except Failure as err:
        sleep("1s")
    key = secrets.token


@workflow(schedule="0 9 * * *", overlap="queue", concurrency=2)
def scheduled(order_id: int):
    poll = http.get("https://example.com/orders")
    state = poll.json.state
    sql("delete from shop.stock", expect="one")

    @on_failure
    def failed(err: Failure):
        sql("insert into shop.audit (what) values (:err.message)")
        return
