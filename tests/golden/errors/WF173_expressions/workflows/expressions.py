from perdure import http, sleep, sql, workflow


@workflow
def expressions(order_id: int):
    orders = sql("select total, email from shop.orders where id = :order_id")
    totals = [order.total for order in orders]
    square = order_id**2
    half = order_id // 2
    both = order_id > 1 & order_id < 5
    await sleep("5s")
    first = orders.email[0:3]
    found = order_id in orders
    pair = {"a": 1}
    again = lambda: 1
    http.post("https://example.com", json={**pair})
    return order_id
