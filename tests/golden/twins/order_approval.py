from decimal import Decimal
from typing import Any

from perdure import Retry, http, parallel, sql, wait_for_signal, workflow


@workflow
def order_approval(order_id: int, threshold: Decimal = Decimal(1000)) -> Any:
    """Hold large orders until someone approves them."""
    order = sql(
        "select id, total, email from shop.orders where id = :order_id", expect="one"
    )
    if order.total > threshold:
        approval = wait_for_signal(
            "approval",
            payload={"approved": bool, "approver": str, "note": str | None},
            timeout="1d",
        )
        if approval.timed_out or not approval.data.approved:
            sql("update shop.orders set status = 'rejected' where id = :order.id")
            return {"status": "rejected"}

    def notify() -> None:
        http.post(
            "https://hooks.example.com/orders",
            json={"text": f"Order {order.id} for {order.email}"},
            retry=Retry(max_attempts=5, backoff="1s"),
        )

    parallel(
        reserve=lambda: sql(
            "update shop.stock set reserved = reserved + 1 where order_id = :order.id"
        ),
        notify=notify,
    )

    sql("update shop.orders set status = 'approved' where id = :order.id")
    return {"status": "approved"}
