from perdure import sleep, sql, workflow


@workflow
def assignments(order_id: int):
    order = sql("select id, total from shop.orders where id = :order_id", expect="one")
    order.total = 0
    total: int = order.total
    first = second = order.id
    a, b = sql("select 1 as a, 2 as b")
    x, y = order_id, x
    waited = sleep("5s")
    return total
