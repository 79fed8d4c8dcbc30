from perdure import http, sql, workflow


@workflow
def step_in_expression(order_id: int):
    if sql("select count(*) as n from shop.orders", expect="one").n > 0:
        return sql("select total from shop.orders where id = :order_id")
    return {"body": http.get("https://example.com").body}
