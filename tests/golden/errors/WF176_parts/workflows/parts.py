from perdure import sql, workflow

PAIR = (1, 2)


@workflow
def parts(order_id: int):
    first, *rest = sql("select id from shop.orders where id = :order_id")
    *rest, last = PAIR
    one, two = PAIR
    one, two = 1, 2, 3
    (one, two), three = (1, 2), 3
    one, two = order_id
