from perdure import http, sleep, sql, workflow

STATES = ("new", "seen")


@workflow
def after(order_id: int):
    for state in STATES:
        sleep("1s")
    http.post(f"https://hooks.example.com/{order_id}/{state}")
    for kind in STATES:
        sql("insert into shop.audit (what) values (:kind)")
    http.post(f"https://hooks.example.com/{order_id}/{kind}")


@workflow
def after_in_sql(order_id: int):
    for state in STATES:
        sleep("1s")
    sql("update shop.orders set status = :state where id = :order_id")


@workflow
def as_rows(order_id: int):
    for row in STATES:
        sleep("1s")
    rows = sql("select id from shop.orders where id > :order_id")
    for row in rows:
        sql("insert into shop.audit (what) values ('seen ' || :row.id)")
