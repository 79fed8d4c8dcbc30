from typing import Any

from perdure import collect, foreach, http, sql, workflow


@workflow(name="foreach")
def foreach_() -> Any:
    orders = sql("select id, email, total, tags, status from shop.orders")
    for o in foreach(orders, max_parallel=10):
        if o.id < 0:
            continue
        hook = http.post(
            f"https://hooks.example.com/orders/{o.id}",
            json={"tags": o.tags},
        )
        stock = sql("select id from shop.stock where order_id = :o.id")
        for s in stock:
            sql("update shop.stock set reserved = 0 where id = :s.id")
        told = collect(
            id=o.id, total=o.total, to=f"<{o.email}>", ok=hook.ok, one=1, doc={"a": [1]}
        )
    sql(
        "insert into shop.audit (what, data) select t.to, t.doc from :told.* t where t.ok",
    )
