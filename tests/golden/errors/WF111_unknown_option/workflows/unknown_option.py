from perdure import Retry, http, sql, workflow


@workflow
def unknown_option(order_id: int):
    sql("select 1 as n", expct="one")
    sql("select 1 as n", headers={})
    sql("select 1 as n", name="order")
    sql("select 1 as n", timeout="5s")
    sql("select 1 as n", expect="on")
    http.gett("https://example.com")
    http.get("https://example.com", retry=Retry(max_atempts=5, backoff="5 parsecs"))
    return order_id
