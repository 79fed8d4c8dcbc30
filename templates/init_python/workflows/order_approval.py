"""Hold large orders until someone approves them."""

from decimal import Decimal
from typing import TypedDict

from perdure import sql, wait_for_signal, workflow


class Approval(TypedDict):
    """What the signal says."""

    approved: bool
    note: str | None


@workflow
def order_approval(order_id: int, threshold: Decimal = Decimal(1000)):
    """Hold large orders until someone approves them."""
    order = sql(
        "select id, total, email from shop.orders where id = :order_id", expect="one"
    )
    if order.total > threshold:
        approval = wait_for_signal("approval", payload=Approval, timeout="1d")
        if approval.timed_out or not approval.data["approved"]:
            sql("update shop.orders set status = 'rejected' where id = :order.id")
            return {"status": "rejected"}

    sql("update shop.stock set reserved = reserved + 1 where order_id = :order.id")
    sql("update shop.orders set status = 'approved' where id = :order.id")

    # To tell someone, remove the comment signs, put your address in, and add
    # "http" and "Retry" to the names that are imported from perdure:
    # http.post(
    #     "https://hooks.example.com/orders",
    #     json={"text": f"Order {order.id} for {order.email}"},
    #     retry=Retry(max_attempts=5, backoff="1s"),
    # )

    return {"status": "approved"}
