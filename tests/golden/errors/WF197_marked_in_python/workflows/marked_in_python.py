from perdure import http, workflow


@workflow
def marked_in_python(order_id: int):
    http.get("https://example.com/orders/${order_id}")
    return f"order ${order_id}"
