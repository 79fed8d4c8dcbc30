from perdure import Failure, sql, workflow


@workflow
def python_format(order_id: int):
    order = sql("select total from shop.orders where id = :order_id", expect="one")
    if order.total > 10:
        raise Failure(f"only {order.total:.2f} of {order_id=}")
    return f"{order.total!r}"
