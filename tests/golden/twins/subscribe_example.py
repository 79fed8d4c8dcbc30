from decimal import Decimal
from typing import Any

from perdure import branch, race, sleep, sql, until, wait_for_signal, workflow


@workflow(idempotency_key="subscription_id")
def subscribe(subscription_id: int) -> Any:
    """Bill a subscription each month until it is cancelled or its price is not paid
    any more. Asking twice for the same subscription gives the same run.
    """
    month = 0
    while True:
        month = month + 1
        sql(
            """\
insert into billing.invoices (subscription_id, month, amount)
select id, :month, price from billing.subscriptions where id = :subscription_id
""",
        )
        with race() as event:
            with branch("next_month"):
                sleep("4w2d")
            with branch("changed"):
                change = wait_for_signal(
                    "new_price",
                    payload={"price": Decimal},
                    timeout="8w4d",
                )
            with branch("cancelled"):
                cancellation = wait_for_signal("cancel", timeout="8w4d")
        if event.winner == "cancelled":
            break
        if event.winner == "changed":
            sql(
                """\
update billing.subscriptions set price = :change.data.price
 where id = :subscription_id
""",
            )
            sleep("4w2d")
        until(month >= 120)
    sql("update billing.subscriptions set status = 'ended' where id = :subscription_id")
    return {"months": month}
