from perdure import http, sql, wait_for_signal, workflow


@workflow
def not_constant(order_id: int, patience: str):
    wait_for_signal("approval", timeout=patience)
    sql(patience)
    http.get("https://example.com", retry=order_id)
    wait_for_signal(f"order_{order_id}", timeout="1d")
