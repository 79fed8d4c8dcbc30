from perdure import Retry, http, sleep, sql, sql_file, wait_for_signal, workflow


@workflow
def steps(order_id: int) -> None:
    sql("select 1", expct="one")  # E: Unexpected keyword argument "expct" for "sql" | P: No parameter named "expct"
    sql("select 1", expect="two")  # E: Argument "expect" to "sql" has incompatible type
    sql("select 1", "one")  # E: Too many positional arguments for "sql"
    sql(statement="select 1")  # E: Unexpected keyword argument "statement"
    sql_file("a.sql", timeout=5)  # E: Argument "timeout" to "sql_file"
    sleep()  # E: Too few arguments for "sleep"
    http.gett("https://example.com")  # E: "Http" has no attribute "gett"
    http.get("https://example.com", heders={})  # E: Unexpected keyword argument "heders"
    http.get("https://example.com", retry=[5])  # E: No overload variant
    http.get("https://example.com", retry=Retry(attempts=5))  # E: Unexpected keyword argument "attempts"
    wait_for_signal(payload=str)  # E: No overload variant
    wait_for_signal("a", timeout=5)  # E: No overload variant
    sql(order_id)  # E: Argument 1 to "sql" has incompatible type "int"
