from perdure import sql, workflow


@workflow
def identity(order_id: int, limit: int | None):
    order = sql("select id, total from shop.orders where id = :order_id", expect="one")
    if limit == None or order.total is limit:
        return 1
    return order.id
