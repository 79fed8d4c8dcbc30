from perdure import sql, workflow

seen: list[int] = []


@workflow
def methods(order_id: int):
    order = sql(
        "select total, email from shop.orders where id = :order_id", expect="one"
    )
    email = order.email.lower()
    seen.append(order_id)
    if email.startswith("a"):
        return {"email": "{}".format(email)}
    return order.total.quantize(2)
