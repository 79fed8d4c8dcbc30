from perdure import Retry, cast, http, parallel, sleep, sql, workflow


@workflow
def arguments(order_id: int):
    sql("select 1 as n", "one")
    sql(expect="one")
    sleep()
    http.get(order_id, headers="none")
    http.get("https://example.com", retry=["503"])
    n = cast(order_id)
    parallel(lambda: sleep("1s"))
    sql("select 1 as n", **{"expect": "one"})
    sql(42)
    return n
