from perdure import sql, workflow


@workflow
def python_syntax(order_id: int):
    order = sql("select id from shop.orders where id = :order_id"
    return order.id
