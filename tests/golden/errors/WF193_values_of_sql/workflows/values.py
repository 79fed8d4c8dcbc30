from perdure import sql, workflow


@workflow
def values(order_id: int, email: str):
    order = sql("select total from shop.orders where id = :order_id", expect="one")
    sql("select * from shop.orders where id = %s", order_id)
    sql("select * from shop.orders where email = %(email)s", {"email": email})
    sql("select * from shop.orders where total = %s", (order.total, email))
    sql("select * from shop.orders", "many")
