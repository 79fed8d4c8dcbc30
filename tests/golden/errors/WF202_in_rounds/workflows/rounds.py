from perdure import collect, sleep, sql, workflow


@workflow
def rounds(order_id: int):
    orders = sql("select id from shop.orders where id > :order_id")
    for o in orders:
        stock = sql("select reserved from shop.stock where order_id = :o.id")
        for s in stock:
            sleep("1s")
            told = collect(reserved=s.reserved)
        seen = collect(id=o.id)
    sql("insert into shop.audit (what) select 'seen ' || s.id from :seen.* s")
    sql("insert into shop.audit (what) select t.reserved::text from :told.* t")
